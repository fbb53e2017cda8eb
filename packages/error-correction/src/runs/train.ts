// The phases of E2CL in one run: pre-tuning on expert plans; then rounds of exploration, with the teacher and without, each followed by training on planning,
// feedback and correction with equal weights. A batch is a function of seed and update, so a run that was stopped goes on exactly where it was.
import { createRng, NonFiniteError, type Rng } from '@moe-rl/core';
import { createBreather, lockFolder, makeFolder } from '@moe-rl/core/node';
import { drawArrangement } from '../household/arrangement.ts';
import { saysError } from '../household/feedback.ts';
import { generateTasks, type Task, TRAINING_TASKS } from '../household/tasks.ts';
import type { Problem } from '../learning/episodes.ts';
import {
  type Corrector,
  demonstrate,
  type Example,
  exploreFree,
  exploreGuided,
  type Proposer,
  planExamples,
} from '../learning/examples.ts';
import { createNetwork } from '../policy/network.ts';
import type { Policy } from '../policy/policy.ts';
import {
  claimFolder,
  type Exploration,
  readExplorations,
  readPolicy,
  restoredPolicy,
  saveCost,
  savedCost,
  savePolicy,
  writeExploration,
} from './folder.ts';
import { learningRateAt, requireSettings, roundStart, type TrainingSettings, totalUpdates } from './settings.ts';

/** Where a run is. */
export type TrainingProgress =
  | {
      readonly kind: 'updates';
      readonly phase: 'plans' | 'correction';
      readonly update: number;
      readonly total: number;
      /** Means since the last report. */
      readonly losses: Readonly<Record<Example['role'], number>>;
    }
  | {
      readonly kind: 'explored';
      readonly round: number;
      readonly feedback: number;
      readonly errors: number;
      readonly corrections: number;
    }
  | { readonly kind: 'started'; readonly update: number; readonly plans: number; readonly parameterCount: number };

export interface TrainOptions {
  readonly folder: string;
  readonly settings: Partial<TrainingSettings>;
  /** Aborted: the run is saved and ends. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: TrainingProgress) => void;
}

export interface TrainOutput {
  readonly settings: TrainingSettings;
  readonly updates: number;
  readonly isComplete: boolean;
}

const REPORT_UPDATES = 50;
const SAVE_PERIOD_MS = 20_000;

/**
 * Trains in a folder, or goes on with the run there, on the present TensorFlow.js backend.
 * @throws InvalidArgumentError for bad settings or a folder of other ones; AlreadyInUseError; CorruptDataError when something of the run is damaged or gone;
 *   NonFiniteError when the loss is none
 */
export async function train({ folder, settings: given, signal, onProgress }: TrainOptions): Promise<TrainOutput> {
  const settings = requireSettings(given);
  // Before anything is written: a network that can't be built leaves no folder.
  createNetwork(settings.network);
  makeFolder(folder);
  const unlock = lockFolder(folder, { noun: 'run folder' });
  let policy: Policy | undefined;
  const started = process.cpuUsage();
  try {
    claimFolder(folder, settings);
    const saved = readPolicy(folder);
    const before = saved?.updates ?? 0;
    if (before >= totalUpdates(settings)) return { settings, updates: before, isComplete: true };
    const costBefore = savedCost(folder);
    const explorations = readExplorations(folder, settings, saved);
    policy = await restoredPolicy(settings, saved);
    const known = { before, explorations };
    const updates = await runPhases(folder, settings, policy, known, signal, onProgress ?? (() => {}));
    const { user, system } = process.cpuUsage(started);
    saveCost(folder, costBefore + (user + system) / 1e6);
    return { settings, updates, isComplete: updates >= totalUpdates(settings) };
  } finally {
    policy?.dispose();
    unlock();
  }
}

async function runPhases(
  folder: string,
  settings: TrainingSettings,
  policy: Policy,
  { before, explorations }: { readonly before: number; readonly explorations: readonly Exploration[] },
  signal: AbortSignal | undefined,
  report: (progress: TrainingProgress) => void,
): Promise<number> {
  const tasks = trainingTasks(settings);
  const demonstrations = demonstrate(drawProblems(settings.seed, 'demonstration', tasks, settings.demonstrations));
  const plans = planExamples(demonstrations);
  const total = totalUpdates(settings);
  let update = before;
  report({ kind: 'started', update, plans: demonstrations.length, parameterCount: policy.parameterCount });
  let pools: Pools = { plans };
  let round = 0;
  /** Sums of the rounds that the policy has seen. */
  const sums: string[] = [];
  let savedAtMs = performance.now();
  const means = createMeans();
  const breathe = createBreather();
  while (update < total) {
    if (!settings.plansOnly) {
      for (; round < settings.rounds && update >= roundStart(settings, round); round++) {
        let found = explorations[round];
        if (found === undefined) {
          // The round starts from the policy as it is saved here: stopped in between, it is explored again, with the same result.
          await savePolicy(folder, policy, update, sums);
          const problems = drawProblems(settings.seed, `exploration/${round}`, tasks, settings.explorations);
          const explored = await explore(policy, settings, round, demonstrations, problems, signal);
          if (explored === undefined) return update;
          found = writeExploration(folder, round, explored);
          report(explorationReport(round, explored));
        }
        pools = addToPools(pools, found.examples);
        sums.push(found.sum);
      }
    }
    const losses = await policy.learn(
      drawBatch(createRng(settings.seed, `batch/${update}`), pools, settings),
      learningRateAt(settings, update),
    );
    if (!Number.isFinite(losses.plan + losses.judge + losses.correct)) {
      throw new NonFiniteError(`the loss of update ${update} is ${JSON.stringify(losses)}; expected finite numbers`);
    }
    update++;
    means.add(losses);
    if (update % REPORT_UPDATES === 0 || update === total) {
      const phase = pools.feedback === undefined ? 'plans' : 'correction';
      report({ kind: 'updates', phase, update, total, losses: means.take() });
    }
    await breathe();
    const isStopped = signal?.aborted === true;
    if (isStopped || update === total || performance.now() - savedAtMs > SAVE_PERIOD_MS) {
      await savePolicy(folder, policy, update, sums);
      savedAtMs = performance.now();
    }
    if (isStopped) break;
  }
  return update;
}

/** Both kinds of exploration, each example once; undefined when it was stopped. */
async function explore(
  policy: Policy,
  { seed, guidedProposals, correctionAttempts, temperature }: TrainingSettings,
  round: number,
  demonstrations: ReturnType<typeof demonstrate>,
  problems: readonly Problem[],
  signal: AbortSignal | undefined,
): Promise<readonly Example[] | undefined> {
  const options = signal === undefined ? {} : { signal };
  try {
    const rng = createRng(seed, `proposals/${round}`);
    // Along plans that it has learned a model's likeliest steps are the expert's: drawn ones make the errors that there is something to learn from.
    const drawn = Array.from({ length: guidedProposals - 1 }, (): Proposer => {
      return (situations) => policy.sample('plan', situations, rng, temperature);
    });
    const proposers = [policy.roles.plan, ...drawn];
    const guided = await exploreGuided(policy.roles, demonstrations, { ...options, proposers });
    // Corrections along plans are the expert's next step, which the plans say too. Only those that it finds alone teach a model to read the feedback.
    const retries = Array.from({ length: correctionAttempts - 1 }, (): Corrector => {
      return (corrections) => policy.sample('correct', corrections, rng, temperature);
    });
    const free = await exploreFree(policy.roles, problems, {
      ...options,
      correctors: [policy.roles.correct, ...retries],
    });
    const unique = new Map([...guided, ...free].map((example) => [JSON.stringify(example), example]));
    return [...unique.values()];
  } catch (error) {
    if (signal?.aborted) return undefined;
    throw error;
  }
}

function explorationReport(round: number, examples: readonly Example[]): TrainingProgress {
  const judged = examples.filter(({ role }) => role === 'judge');
  return {
    kind: 'explored',
    round: round + 1,
    feedback: judged.length,
    errors: judged.filter(({ answer }) => saysError(answer)).length,
    corrections: examples.length - judged.length,
  };
}

/** Examples by what a batch takes from them. */
interface Pools {
  readonly plans: readonly Example[];
  /** Of the newest round: an earlier policy made many more errors, and who learned from those takes steps of this one for errors too. */
  readonly feedback?: readonly Example[];
  /** Of all rounds. */
  readonly corrections?: readonly Example[];
}

function addToPools({ plans, corrections = [] }: Pools, found: readonly Example[]): Pools {
  return {
    plans,
    feedback: found.filter(({ role }) => role === 'judge'),
    corrections: [...corrections, ...found.filter(({ role }) => role === 'correct')],
  };
}

function drawBatch(
  rng: Rng,
  { plans, feedback = [], corrections = [] }: Pools,
  { batchSize, feedbackBatchSize }: TrainingSettings,
): readonly Example[] {
  const draw = (pool: readonly Example[], count: number): readonly Example[] =>
    pool.length === 0 ? [] : Array.from({ length: count }, () => pool[rng.nextInteger(pool.length)]!);
  return [...draw(plans, batchSize), ...draw(feedback, feedbackBatchSize), ...draw(corrections, batchSize)];
}

/** The named tasks first, then generated ones, the same for every seed. */
function trainingTasks({ tasks }: TrainingSettings): readonly Task[] {
  const named = TRAINING_TASKS.slice(0, tasks);
  return [...named, ...generateTasks(createRng(0, 'training tasks'), tasks - named.length, TRAINING_TASKS)];
}

function drawProblems(seed: number, stream: string, tasks: readonly Task[], each: number): readonly Problem[] {
  return tasks.flatMap((task) =>
    Array.from({ length: each }, (_, index) => ({
      task,
      world: drawArrangement(createRng(seed, `${stream}/${task.instruction}/${index}`), task),
    })),
  );
}

function createMeans() {
  let sums = { plan: 0, judge: 0, correct: 0 };
  let count = 0;
  return {
    add(losses: typeof sums) {
      sums = {
        plan: sums.plan + losses.plan,
        judge: sums.judge + losses.judge,
        correct: sums.correct + losses.correct,
      };
      count++;
    },
    take(): typeof sums {
      const { plan, judge, correct } = sums;
      const means = { plan: plan / count, judge: judge / count, correct: correct / count };
      sums = { plan: 0, judge: 0, correct: 0 };
      count = 0;
      return means;
    },
  };
}
