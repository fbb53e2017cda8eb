// The `experiment` commands: options and help. What each does is in experiment.ts and its neighbors, loaded only when it runs.
import { BACKENDS } from '@moe-rl/runs';
import type { Command } from 'commander';
import { collected, integer, nameList, realNumber } from './arguments.ts';

export function addExperimentCommands(program: Command): void {
  const experiment = program
    .command('experiment')
    .description('compare agents over suites of games and seeds, on one machine or many');

  withPlanOptions(experiment.command('plan'))
    .description('show the jobs of a plan, and the time, memory and disk they would take here; nothing is started')
    .option('--jobs <count>', 'jobs at a time (default: cores / threads)', integer('--jobs'))
    .option('--no-probe', 'leave out the measurement')
    .option('--list', 'list every job')
    .action(async (file, options) => (await import('./experiment-plan.ts')).experimentPlan(file, options));

  withPlanOptions(experiment.command('run'))
    .description('run a plan, or go on with the one of a folder; ends with a report')
    .option('--folder <folder>', 'where the experiment is kept (default: experiments/<suite>)')
    .option('--jobs <count>', 'jobs at a time (default: cores / threads)', integer('--jobs'))
    .option(
      '--batch-seeds <count>',
      'compute so many seeds of a game and variant as one program, each in its run folder (backends pjrt-*); --jobs counts such batches',
      integer('--batch-seeds'),
    )
    .option('--queue <url>', 'hand the jobs to workers through Redis instead of running them here: redis://host:port')
    .option('--extend', 'add games, variants or seeds to the experiment of the folder')
    .option('--keep-replay', 'keep the replay memory of finished runs, to train them further')
    .option('--retry-failed', 'try failed jobs again')
    .option(
      '--overlay <path>',
      "other people's results, drawn beside ours in the report (again for more)",
      collected,
      [],
    )
    .option('--no-report', 'leave out the report at the end')
    .action(async (file, options) => (await import('./experiment.ts')).experimentRun(file, options));

  withPlanOptions(experiment.command('create'))
    .description('make the folder of an experiment without running anything, for workers to come')
    .option('--folder <folder>', 'where the experiment is kept (default: experiments/<suite>)')
    .option('--extend', 'add games, variants or seeds to the experiment of the folder')
    .action(async (file, options) => (await import('./experiment.ts')).experimentCreate(file, options));

  experiment
    .command('worker')
    .description('take jobs of an experiment in a shared folder, until none is left')
    .argument('<folder>', 'folder of the experiment')
    .option('--jobs <count>', 'jobs at a time (default: cores / threads)', integer('--jobs'))
    .option(
      '--batch-seeds <count>',
      'compute so many seeds of a game and variant as one program, each in its run folder (backends pjrt-*); --jobs counts such batches',
      integer('--batch-seeds'),
    )
    .option('--lease <seconds>', 'a worker that shows no sign of life for so long loses its job', realNumber('--lease'))
    .option('--keep-replay', 'keep the replay memory of finished runs, to train them further')
    .option('--queue <url>', 'take them from Redis: redis://host:port')
    .action(async (folder, options) => (await import('./experiment.ts')).experimentWorker(folder, options));

  experiment
    .command('status')
    .description('show how far an experiment is and what it says so far')
    .argument('<folder>', 'folder of the experiment')
    .option('--score <kind>', 'what counts as the score of a run: final, best or average', 'final')
    .option(
      '--json <file>',
      'also write jobs and aggregates as JSON; - writes them to standard output and the rest to standard error',
    )
    .action(async (folder, options) => (await import('./experiment.ts')).experimentStatusCommand(folder, options));

  experiment
    .command('report')
    .description('write the report of what is finished: one page, and each figure as SVG, PNG and CSV')
    .argument('<folder>', 'folder of the experiment')
    .option('--output <folder>', 'where it is written (default: report/ in the folder of the experiment)')
    .option('--score <kind>', 'what counts as the score of a run: final, best or average', 'final')
    .option(
      '--overlay <path>',
      "other people's results to draw beside ours: Dopamine's files or their table, or scores as rliable takes them (again for more)",
      collected,
      [],
    )
    .option('--no-png', 'leave out the PNG files')
    .action(async (folder, options) => (await import('./experiment-report.ts')).experimentReport(folder, options));

  experiment
    .command('queue')
    .description('look at the queue of an experiment in Redis, pause, resume or drain it')
    .argument('<action>', 'status, pause (no new jobs), resume, or drain (workers end after the jobs under way)')
    .argument('<folder>', 'folder of the experiment')
    .requiredOption('--queue <url>', 'redis://host:port')
    .action(async (action, folder, options) =>
      (await import('./experiment-elsewhere.ts')).experimentQueue(action, folder, options),
    );

  experiment
    .command('emit')
    .description('print a script that starts workers on a cluster')
    .argument('<scheduler>', 'slurm')
    .argument('<folder>', 'folder of the experiment, made by `experiment run` or `experiment create`')
    .option('--workers <count>', 'tasks of the array', integer('--workers'), 10)
    .option('--time <limit>', 'time limit of a task, as SLURM writes it', '24:00:00')
    .option('--jobs <count>', 'jobs at a time in one task', integer('--jobs'), 1)
    .option('--memory <size>', 'memory of a task, as SLURM writes it')
    .option('--partition <name>', 'partition of the cluster')
    .option('--warning <seconds>', 'pause this long before the time limit', integer('--warning'), 300)
    .option('--program <command>', 'how moe-rl is called there (default: as here)')
    .option('--output <file>', 'file to write instead of printing')
    .action(async (scheduler, folder, options) =>
      (await import('./experiment-elsewhere.ts')).experimentEmit(scheduler, folder, options),
    );
}

/** The options that make a plan; each takes the place of the key in the plan file. */
function withPlanOptions(command: Command): Command {
  return command
    .argument('[plan-file]', 'plan in YAML or JSON')
    .option('--suite <name>', 'games: atari20, atari5, atari10, atari26, atari57, atari60, minatar, classic or demo')
    .option('--games <names>', 'these games in place of the suite’s, with commas between them', nameList('--games'))
    .option(
      '--variants <names>',
      'what to compare, with commas between them: baseline, soft, top1, explain, ...',
      nameList('--variants'),
    )
    .option('--baseline <name>', 'the variant that the others are compared with')
    .option('--seeds <count>', 'seeds of each game and variant', integer('--seeds'))
    .option(
      '--protocol <name>',
      'dopamine, atari-100k, offline, minatar, classic or demo (default: what is usual for the suite)',
    )
    .option('--scale <factor>', 'multiplies all lengths of the protocol', realNumber('--scale'))
    .option('--iterations <count>', 'iterations of training and evaluation', integer('--iterations'))
    .option('--preset <name>', 'agent preset that the variants change (see `moe-rl presets`)')
    .option('--datasets <folder>', 'folder with a dataset for each game, for the protocol offline')
    .option('--backend <name>', `tensor backend: ${BACKENDS.join(', ')}`)
    .option('--threads <count>', 'processor threads of one run', integer('--threads'))
    .option(
      '--set <key=value>',
      'a setting of every run, for instance agent.batchSize=64 (again for more)',
      collected,
      [],
    );
}
