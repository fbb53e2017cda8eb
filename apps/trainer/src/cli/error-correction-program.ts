// `moe-rl error-correction ...`: its commands and options.
import { join } from 'node:path';
import { backendChoices } from '@moe-rl/tfjs-native';
import type { Command } from 'commander';
import { collected, integer, nameList, realNumber } from './arguments.ts';

export function addErrorCorrectionCommands(program: Command): void {
  const group = program
    .command('error-correction')
    .description('agents in a text household that learn from their errors (E2CL)');

  withBackend(group.command('train'))
    .description('train a small network on plans, exploration and correction; started again, it goes on')
    .option('--folder <folder>', 'where the run is kept', join('runs', 'error-correction'))
    .option('--seed <number>', 'seed of everything drawn', integer('--seed', 0))
    .option('--plans-only', 'train on expert plans alone, with as many updates: the baseline')
    .option('--mixture <router>', 'a mixture of experts in the encoder: soft, deepseek, switch, ...')
    .option('--experts <count>', 'experts of the mixture (default: 4)', integer('--experts', 1))
    .option(
      '--set <key=value>',
      'a setting, for instance correctionUpdates=2000 (again for more)',
      collected,
      [] as readonly string[],
    )
    .action(async (options) => (await import('./error-correction.ts')).trainErrorCorrection(options));

  withBackend(group.command('evaluate'))
    .description('play held-out tasks with a trained network, or with a language model server')
    .option('--folder <folder>', 'folder of the run')
    .option('--server <url>', 'language model server that speaks the OpenAI protocol, instead of a folder')
    .option('--model <name>', 'model of the server')
    .option('--timeout <seconds>', 'longest time for one answer of the server (default: 60)', realNumber('--timeout'))
    .option('--arrangements <count>', 'households for each task', integer('--arrangements', 1), 4)
    .option(
      '--tasks <list>',
      'only these tasks, trained on (in unseen households) or held out, with commas between them',
      nameList('--tasks'),
    )
    .option('--json <file>', 'also write the results as JSON (default: evaluation.json in the folder)')
    .action(async (options) => (await import('./error-correction.ts')).evaluateErrorCorrection(options));

  group
    .command('check')
    .description('say of every step of a plan whether it can be done, and if not, why not')
    .argument('<task>', 'the task: "wash cup and put in cupboard"')
    .option('--plan <file>', "file with one action per line (default: the expert's plan)")
    .option('--seed <number>', 'seed of the household', integer('--seed', 0), 0)
    .action(async (task, options) => (await import('./error-correction.ts')).checkErrorCorrection(task, options));
}

function withBackend(command: Command): Command {
  return command
    .option('--backend <name>', `tensor backend: ${backendChoices.join(', ')}`)
    .option('--threads <count>', 'processor threads within one tensor operation', integer('--threads', 1));
}
