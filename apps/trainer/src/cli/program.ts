// The whole command line on one page: commands, options, help. What a command does is in the file of its name, loaded only when it runs, so that help and
// mistyped options answer at once.
import { join } from 'node:path';
import { DEFAULT_FILM_AGENT_STEPS } from '@moe-rl/figures';
import { BACKENDS } from '@moe-rl/runs';
import { Command } from 'commander';
import { collected, integer, nameList } from './arguments.ts';
import { addErrorCorrectionCommands } from './error-correction-program.ts';
import { addExperimentCommands } from './experiment-program.ts';
import { addRewardCommands } from './reward-program.ts';

/** Seed of evaluation episodes where none is given: far from those of training. */
const EVALUATION_SEED = 1_000_001;

/** Builds the program. Its actions load what they need and may throw any moe-rl error. */
export function buildProgram(version: string): Command {
  const program = new Command('moe-rl')
    .description('Trains deep reinforcement learning agents with Mixtures of Experts.')
    .version(version)
    .showHelpAfterError('(add --help for the options)')
    // Before the commands are added: they inherit it.
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'moe-rl: ')) });

  withBackendOptions(program.command('quickstart'))
    .description('train a Soft MoE agent on the embedded game in a few minutes')
    .option('--agent-steps <count>', 'agent steps to train', integer('--agent-steps'))
    .option('--seed <number>', 'seed of every random stream', integer('--seed'))
    .option('--episodes <count>', 'evaluation episodes per agent (default: 30)', integer('--episodes'))
    .option('--run-folder <folder>', 'where the run is kept', join('runs', 'quickstart'))
    .option('--resume', 'continue the run of an earlier start')
    .action(async (options) => (await import('./quickstart.ts')).quickstart(options));

  withRunOptions(program.command('train'))
    .description('train an agent on a game')
    .option('--run-folder <folder>', 'where the run is kept (default: runs/<game>-<preset>-s<seed>)')
    .option('--resume', 'continue a run from its newest checkpoint')
    .option('--fresh-replay', 'with --resume: go on with what was learned and an empty replay memory')
    .action(async (options) => (await import('./train.ts')).train(options));

  withBackendOptions(program.command('evaluate'))
    .description('play evaluation episodes with the agent of a run')
    .argument('<run-folder>', 'folder of the run')
    .option('--episodes <count>', 'episodes to play', integer('--episodes'), 30)
    .option(
      '--max-agent-steps <count>',
      "cut an episode after this many agent steps (default: the run's environment.maxEpisodeFrames, 27,000 agent steps in the official protocol)",
      integer('--max-agent-steps'),
    )
    .option('--seed <number>', 'seed of the episodes', integer('--seed'), EVALUATION_SEED)
    .option('--no-random', 'leave out the comparison with the random agent')
    .option(
      '--json <file>',
      'also write the result as JSON; - writes it to standard output and the rest to standard error',
    )
    .action(async (path, options) => (await import('./evaluate.ts')).evaluate(path, options));

  withBackendOptions(program.command('play'))
    .description('film an episode of the agent of a run')
    .argument('<run-folder>', 'folder of the run')
    .option('--output <file>', 'file to write, .gif or .mp4 (default: in the run folder, videos/)')
    .option('--format <name>', 'gif, mp4 or both (default: gif, and mp4 too where ffmpeg is on the path)')
    .option('--seed <number>', 'seed of the episode', integer('--seed'), EVALUATION_SEED)
    .option('--best-of <count>', 'play this many episodes and keep the best', integer('--best-of'), 1)
    .option(
      '--max-agent-steps <count>',
      'end the film, and the playing, after this many agent steps',
      integer('--max-agent-steps'),
      DEFAULT_FILM_AGENT_STEPS,
    )
    .option('--scale <factor>', 'screen pixels per game pixel', integer('--scale'), 1)
    .option('--agent-view', 'show what the agent sees beside the game')
    .option('--random-agent', 'film the random agent instead')
    .action(async (path, options) => (await import('./play.ts')).play(path, options));

  program
    .command('report')
    .description('draw the learning curve of a run again and print its summary')
    .argument('<run-folder>', 'folder of the run')
    .option('--output <file>', 'picture to write, .svg or .png (default: both, in the run folder)')
    .action(async (path, options) => (await import('./report.ts')).report(path, options));

  program
    .command('compare')
    .description('compare runs: table, and their learning curves in one picture')
    .argument('<run-folders...>', 'folders of two or more runs')
    .option('--output <file>', 'picture to write, .svg or .png')
    .action(async (paths, options) => (await import('./compare.ts')).compare(paths, options));

  addExperimentCommands(program);
  addRewardCommands(program);

  program
    .command('statistics')
    .description('run a rate study of mixtures of experts; started again, it goes on with what is missing')
    .argument('<study>', 'density, approximation, estimation, theorems or selection')
    .option('--folder <folder>', 'where results are kept (default: runs/statistics-<study>)')
    .option('--seed <number>', 'seed of every repeat (default: 0)', integer('--seed', 0))
    .option('--sizes <list>', "sizes, with commas between them (default: the study's own)", nameList('--sizes'))
    .option('--repeats <count>', "repeats at every size (default: the study's own)", integer('--repeats', 1))
    .option('--workers <count>', 'threads (default: one per processor, 4 at most)', integer('--workers', 1))
    .action(async (study, options) => (await import('./statistics.ts')).statistics(study, options));

  addErrorCorrectionCommands(program);

  const rewardDesign = program.command('reward-design').description('study designed rewards, and draw them');
  rewardDesign
    .command('study')
    .description(
      'after how many episodes tabular learners are optimal under designed rewards; started again, it goes on',
    )
    .argument('<study>', 'room, chain or line-key')
    .option('--folder <folder>', 'where results are kept (default: runs/reward-design-<study>)')
    .option('--learner <name>', 'q-learning or reinforce (default: both)')
    .option('--designs <list>', 'designs, with commas between them (default: all)', nameList('--designs'))
    .option('--seeds <count>', 'runs of each', integer('--seeds', 1), 20)
    .option(
      '--max-episodes <count>',
      "episodes that a run may take (default: the learner's own)",
      integer('--max-episodes', 30),
    )
    .action(async (study, options) => (await import('./reward-design.ts')).rewardDesignStudy(study, options));
  rewardDesign
    .command('map')
    .description('draw the designed rewards of a run as a heat map')
    .argument('<run-folder>', 'folder of the run')
    .option('--output <file>', 'picture to write, .svg or .png (default: reward/map.svg in the run folder)')
    .action(async (path, options) => (await import('./reward-design.ts')).rewardDesignMap(path, options));

  program
    .command('presets')
    .description('list the agent presets, or show every setting of a run with one')
    .argument('[name]', 'preset to show')
    .option('--game <name>', 'game of the run: it has settings too')
    .option('--reward <design>', 'design of the reward: it has settings too')
    .option('--rewards', 'list the designs of rewards')
    .option('--json-schema', 'print a JSON Schema of configuration files, for editors')
    .action(async (name, options) => (await import('./presets.ts')).presets(name, options));

  program
    .command('roms')
    .description('show the games that can be played here, and get more')
    .option('--folder <folder>', 'look for ROM files in this folder too (also: the variable MOE_RL_ROMS)')
    .option('--fetch', 'get the ROMs of the ale-py wheel through pip or uv into the cache')
    .option('--missing', 'list the games without a ROM, with the MD5 of the file they need')
    .action(async (options) => (await import('./roms.ts')).roms(options));

  program
    .command('doctor')
    .description('show what this machine can do and what is missing')
    .option('--measure', "measure a preset's steps on every backend that is here, which --backend auto remembers")
    .option('--game <game>', 'with --measure: the game whose observations are taken')
    .option('--preset <name>', 'with --measure: the agent')
    .option('--threads <count>', 'with --measure: processor threads', integer('--threads'))
    .option(
      '--set <path=value>',
      'with --measure: change a setting (again for more)',
      collected,
      [] as readonly string[],
    )
    .action(async (options) => (await import('./doctor.ts')).doctor(options));

  const isGroup = (command: Command): boolean => command.commands.length > 0;
  program.hook('preAction', async (_, action) => {
    const { module } = action.opts<{ readonly module: readonly string[] }>();
    if (module.length > 0) await (await import('./options.ts')).handOnModules(module);
  });
  for (const command of program.commands.flatMap((one) => (isGroup(one) ? one.commands : [one]))) {
    command.option(
      '--module <file>',
      'load a file of your own that registers environments, agents, sinks, ... (again for more)',
      collected,
      [] as readonly string[],
    );
  }
  return program;
}

function withBackendOptions(command: Command): Command {
  return command
    .option('--backend <name>', `tensor backend: ${BACKENDS.join(', ')}`)
    .option('--threads <count>', 'processor threads within one tensor operation', integer('--threads'));
}

/** The options that describe a run. */
function withRunOptions(command: Command): Command {
  return withBackendOptions(command)
    .option('--game <name>', 'game to learn (see `moe-rl roms`)')
    .option('--rom <file>', 'ROM file, instead of looking the game up')
    .option('--preset <name>', 'agent preset (see `moe-rl presets`)')
    .option(
      '--reward <design>',
      'learn from a designed reward (see `moe-rl presets --rewards`); reported returns stay the true ones',
    )
    .option('--seed <number>', 'seed of every random stream', integer('--seed'))
    .option('--agent-steps <count>', 'agent steps to train', integer('--agent-steps'))
    .option('--steps <count>', 'the same as --agent-steps', integer('--steps'))
    .option('--dataset <folder>', 'learn from a dataset instead of from the game (presets cql...)')
    .option('--record-dataset <folder>', 'record the transitions of the training as a dataset')
    .option('--config <file>', 'JSON or YAML file with settings, as a run folder keeps it in config.json')
    .option(
      '--set <key=value>',
      'a setting, for instance agent.minReplayHistoryAgentSteps=1000 (again for more)',
      collected,
      [] as readonly string[],
    );
}
