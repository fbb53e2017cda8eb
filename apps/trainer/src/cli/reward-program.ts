// The `reward` commands: options and help. What each does is in reward.ts and its neighbors, loaded only when it runs.
import type { Command } from 'commander';
import { integer, realNumber } from './arguments.ts';

export function addRewardCommands(program: Command): void {
  const reward = program
    .command('reward')
    .description('reward programs: written by a language model from a goal in words, and refined by what people see');

  withGameOptions(reward.command('describe'))
    .description('show what a reward program may know of a game, as a language model is told it')
    .action(async (options) => (await import('./reward.ts')).rewardDescribe(options));

  withGameOptions(reward.command('check'))
    .description('try a reward program with a random agent')
    .argument('<file>', 'file with the program')
    .option('--agent-steps <count>', 'steps to play', integer('--agent-steps', 1), 500)
    .option('--seed <number>', 'seed of the random agent', integer('--seed', 0), 0)
    .action(async (file, options) => (await import('./reward.ts')).rewardCheck(file, options));

  withModelOptions(withGameOptions(reward.command('write')))
    .description('have a language model write a reward program; every program is shown before it runs')
    .requiredOption('--goal <text>', 'what the agent should do, in words')
    .option('--folder <folder>', 'where programs and the conversation are kept (default: rewards/<game>)')
    .option(
      '--examples <count>',
      'examples that the model is shown: those nearest to the goal',
      integer('--examples', 0),
      2,
    )
    .option('--examples-file <file>', 'JSON list of { environment, title, goal, source } to choose them from')
    .action(async (options) => (await import('./reward-write.ts')).rewardWrite(options));

  withModelOptions(reward.command('refine'))
    .description('film an agent, take your advice, and have the model improve its program')
    .argument('<folder>', 'folder of `reward write`')
    .option('--run-folder <folder>', 'run of the agent to film (default: a random agent)')
    .option('--advice <text>', 'what the reward should change (default: ask for it, once the film is there)')
    .option('--film <file>', 'file to write, .gif or .mp4 (default: in the folder)')
    .option('--film-seed <number>', 'seed of the filmed episode', integer('--film-seed', 0), 1_000_001)
    .option(
      '--max-agent-steps <count>',
      'end the film after this many agent steps',
      integer('--max-agent-steps', 1),
      600,
    )
    .action(async (folder, options) => (await import('./reward-refine.ts')).rewardRefine(folder, options));
}

function withGameOptions(command: Command): Command {
  return command
    .option('--game <name>', 'game (see `moe-rl roms`)', 'windfall')
    .option('--rom <file>', 'ROM file, instead of looking the game up')
    .option(
      '--description <file>',
      'JSON file that describes the environment, instead of the description that comes with it',
    );
}

function withModelOptions(command: Command): Command {
  return command
    .option('--server <url>', 'server that speaks the OpenAI protocol: http://localhost:11434/v1 for Ollama')
    .option('--model <name>', 'model, as the server calls it')
    .option('--api-key-variable <name>', 'environment variable that holds the key of the server')
    .option('--stream', 'take the answer piece by piece')
    .option(
      '--timeout <seconds>',
      'longest wait for an answer; with --stream, for its next piece',
      realNumber('--timeout'),
      300,
    )
    .option(
      '--temperature <number>',
      'how freely the model answers (default: 0, 0.7 to refine)',
      realNumber('--temperature'),
    )
    .option('--retries <count>', 'further attempts after a program that fails', integer('--retries', 0), 3)
    .option('--replies <file>', 'JSON list of recorded replies, instead of a server')
    .option(
      '--check-steps <count>',
      'steps of the random agent that tries a program',
      integer('--check-steps', 1),
      500,
    );
}
