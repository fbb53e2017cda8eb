// Several runs of one configuration, which differ in their seeds, computed as one program: each in a folder of its own, with its own environment, replay memory,
// random streams, checkpoints and evaluations, as if it were alone.
import { InvalidArgumentError } from '@moe-rl/core';
import type { ProgressOutput, RunFolder } from '@moe-rl/runs';
import { settingDifferences, shareOutput } from '@moe-rl/runs';
import { finishRun, trainInFolder } from './run-session.ts';
import { openAgentBatch } from './session.ts';

/** A run of {@link trainRuns}. */
export interface BatchedRun {
  readonly folder: RunFolder;
  readonly isResume: boolean;
}

/** Options of {@link trainRuns}. */
export interface TrainRunsOptions {
  /** A run's place in this list is its place in the program: keep it on resume, and exactly the same numbers come. */
  readonly runs: readonly BatchedRun[];
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
  /** Where progress goes: on a terminal one line for all runs, elsewhere lines that begin with the seed. Default: standard error. */
  readonly output?: ProgressOutput;
}

/** How a run ended: its closing table, or undefined when it was stopped with a checkpoint before its end. */
export type TrainRunsResult = PromiseSettledResult<string | undefined>;

/**
 * Trains, evaluates and draws every run as `trainInFolder` and `finishRun` do. A run that fails is left behind, and the others go on.
 * @returns how each run ended, in their order
 * @throws InvalidArgumentError for no runs, for runs that differ in more than their seeds, and naming what stands against a batch (a backend, a router, a kind of
 *   agents)
 */
export async function trainRuns({
  runs,
  signal,
  say,
  output = process.stderr,
}: TrainRunsOptions): Promise<TrainRunsResult[]> {
  const [first] = runs;
  if (first === undefined) throw new InvalidArgumentError('runs is []; expected at least one run');
  for (const { folder } of runs) requireSameConfiguration(first.folder, folder);
  const { config } = first.folder;
  const batch = await openAgentBatch({ config, size: runs.length, say });
  const seeds = runs.map(({ folder }) => folder.config.seed);
  const { outputs, aside } = shareOutput(output, 'seed', seeds.map(String));
  return Promise.allSettled(
    runs.map(async ({ folder, isResume }, place) => {
      const own = outputs[place]!;
      const ownSay = (line: string): void => aside(() => say(`seed ${folder.config.seed}: ${line}`));
      const common = { say: ownSay, signal, output: own };
      const session = await trainInFolder(folder, { ...common, isResume, member: { batch, place, seeds } });
      try {
        if (!session.output.isComplete || signal.aborted) return undefined;
        return await finishRun(folder, session, signal, ownSay, own);
      } finally {
        session.dispose();
      }
    }),
  );
}

/** What may differ between runs of a batch: their seeds, and folders for their own transitions. */
const OWN = ['seed', 'dataset', 'modules'];

function requireSameConfiguration(first: RunFolder, other: RunFolder): void {
  const [difference] = settingDifferences(first.config, other.config).filter(
    ({ path }) => !OWN.includes(path.split('.')[0]!),
  );
  if (difference === undefined) return;
  throw new InvalidArgumentError(
    `${other.path} differs from ${first.path} in ${difference.path}; a batch trains runs of one configuration, which differ in their seeds`,
  );
}
