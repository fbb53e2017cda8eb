// Evaluation on what was never trained on: known tasks in unseen arrangements, and unseen tasks. Works for any model in the three roles.
import { createRng, InvalidArgumentError, requireInteger, requireKnownOptions, requireOneOf } from '@moe-rl/core';
import { drawArrangement } from '../household/arrangement.ts';
import { act, tryAction } from '../household/checker.ts';
import { expertPlan } from '../household/expert.ts';
import { isRejection } from '../household/feedback.ts';
import { HELD_OUT_TASKS, type Task, TRAINING_TASKS } from '../household/tasks.ts';
import { copyWorld } from '../household/world.ts';
import { type Episode, isDone, type Problem, playEpisodes, successFlags } from '../learning/episodes.ts';
import { INFERENCES, type Inference } from '../learning/inference.ts';
import { correctedShare, planAgreement } from '../learning/metrics.ts';
import { countCalls, type Roles, type Situation } from '../learning/roles.ts';

export const SPLITS = ['arrangements', 'tasks'] as const;
/** `arrangements`: tasks of the training in unseen households. `tasks`: tasks that nothing was trained on. */
export type Split = (typeof SPLITS)[number];

/** Far from those of training. */
export const EVALUATION_SEED = 1_000_001;

/** One episode, as results keep it. */
export interface EpisodeRow {
  readonly task: string;
  readonly isDone: boolean;
  readonly steps: number;
  readonly executedSteps: number;
  /** LCS with the expert's plan over the longer of both. */
  readonly agreement: number;
}

export interface SplitResult {
  readonly split: Split;
  readonly inference: Inference;
  readonly stepExecutability: number;
  readonly taskExecutability: number;
  readonly tasksDone: number;
  readonly agreement: number;
  /** Proposals that the household would have rejected, END before the task is finished among them, and how many of them became executable actions. */
  readonly errors: number;
  readonly corrected: number;
  readonly correctedShare: number | null;
  readonly callsPerStep: number;
  readonly episodes: readonly EpisodeRow[];
}

export interface EvaluationReport {
  readonly seed: number;
  readonly arrangements: number;
  readonly results: readonly SplitResult[];
}

export interface EvaluationOptions {
  /** Arrangements of each task. Default 4. */
  readonly arrangements?: number;
  /** Default `EVALUATION_SEED`. */
  readonly seed?: number;
  readonly splits?: readonly Split[];
  readonly inferences?: readonly Inference[];
  /** Only these tasks of a split, by their instructions. */
  readonly tasks?: readonly string[];
  readonly signal?: AbortSignal;
  readonly onProgress?: (split: Split, inference: Inference, turn: number, open: number) => void;
}

const tasksOf = (split: Split): readonly Task[] =>
  requireOneOf('split', split, SPLITS) === 'tasks' ? HELD_OUT_TASKS : TRAINING_TASKS;

/** The problems of a split, the same for every model. @throws InvalidArgumentError for another split or a bad count */
export function heldOutProblems(split: Split, arrangements: number, seed = EVALUATION_SEED): readonly Problem[] {
  requireInteger('arrangements', arrangements, 1);
  return tasksOf(split).flatMap((task) =>
    Array.from({ length: arrangements }, (_, index) => ({
      task,
      world: drawArrangement(createRng(seed, `${split}/${task.instruction}/${index}`), task),
    })),
  );
}

/**
 * Plays held-out problems with each inference.
 * @throws InvalidArgumentError for bad counts or names; AbortError; whatever the roles throw
 */
export async function evaluateRoles(roles: Roles, options: EvaluationOptions = {}): Promise<EvaluationReport> {
  requireKnownOptions('an evaluation', options, OPTIONS);
  const { arrangements = 4, seed = EVALUATION_SEED, splits = SPLITS, inferences = INFERENCES, tasks, signal } = options;
  requireInteger('arrangements', arrangements, 1);
  for (const inference of inferences) requireOneOf('inferences', inference, INFERENCES);
  if (tasks !== undefined) requireTasks(tasks, splits);
  const results: SplitResult[] = [];
  for (const split of splits) {
    const all = heldOutProblems(split, arrangements, seed);
    const problems = tasks === undefined ? all : all.filter(({ task }) => tasks.includes(task.instruction));
    // Tasks that were trained on are in one split, held-out ones in the other.
    if (problems.length === 0) continue;
    for (const inference of inferences) {
      const { roles: counted, calls } = countCalls(roles);
      const proposals = new Map<Situation, string>();
      const watched: Roles = {
        ...counted,
        async plan(situations) {
          const actions = await counted.plan(situations);
          situations.forEach((situation, index) => {
            proposals.set(situation, actions[index]!);
          });
          return actions;
        },
      };
      let turn = 0;
      const episodes = await playEpisodes(watched, problems, {
        inference,
        ...(signal === undefined ? {} : { signal }),
        onTurn: (open) => options.onProgress?.(split, inference, ++turn, open),
      });
      const rows = episodes.map(rowOf);
      const { errors, corrected } = countCorrected(episodes, proposals);
      results.push({
        split,
        inference,
        ...summarizeEpisodes(rows),
        errors,
        corrected,
        correctedShare: correctedShare(errors, corrected),
        callsPerStep: (calls.plan + calls.judge + calls.correct) / Math.max(1, calls.plan),
        episodes: rows,
      });
    }
  }
  return { seed, arrangements, results };
}

const OPTIONS: readonly (keyof EvaluationOptions)[] = [
  ...(['arrangements', 'seed', 'splits', 'inferences', 'tasks', 'signal', 'onProgress'] as const),
];

/** Tasks that were trained on are in one split, held-out ones in the other; one that is in none would be left out without a word. */
function requireTasks(tasks: readonly string[], splits: readonly Split[]): void {
  const known = new Set(splits.flatMap((split) => tasksOf(split).map(({ instruction }) => instruction)));
  if (tasks.length === 0) throw new InvalidArgumentError('tasks is empty; expected at least one');
  const unknown = tasks.find((task) => !known.has(task));
  if (unknown === undefined) return;
  throw new InvalidArgumentError(
    `task ${JSON.stringify(unknown)} is in none of the splits ${splits.join(', ')}; expected one of TRAINING_TASKS or HELD_OUT_TASKS`,
  );
}

/** The metrics of episodes, from their rows. @throws InvalidArgumentError for none */
export function summarizeEpisodes(rows: readonly EpisodeRow[]) {
  if (rows.length === 0) throw new InvalidArgumentError('there are no episodes; expected at least one');
  const sum = (value: (row: EpisodeRow) => number): number => rows.reduce((total, row) => total + value(row), 0);
  const steps = sum((row) => row.steps);
  return {
    stepExecutability: steps === 0 ? 0 : sum((row) => row.executedSteps) / steps,
    taskExecutability: sum((row) => Number(row.steps > 0 && row.executedSteps === row.steps)) / rows.length,
    tasksDone: sum((row) => Number(row.isDone)) / rows.length,
    agreement: sum((row) => row.agreement) / rows.length,
  };
}

function rowOf(episode: Episode): EpisodeRow {
  const { task, world } = episode.problem;
  const flags = successFlags(episode);
  return {
    task: task.instruction,
    isDone: isDone(episode),
    steps: flags.length,
    executedSteps: flags.filter(Boolean).length,
    agreement: planAgreement(
      episode.steps.map(({ action }) => action),
      expertPlan(world, task),
    ),
  };
}

/** Replays episodes and asks the household what it would have said to each first proposal. */
function countCorrected(episodes: readonly Episode[], proposals: ReadonlyMap<Situation, string>) {
  let errors = 0;
  let corrected = 0;
  for (const { problem, steps, endedIn } of episodes) {
    const world = copyWorld(problem.world);
    const isError = (situation: Situation): boolean =>
      isRejection(tryAction(world, proposals.get(situation)!, problem.task));
    for (const { situation, action, feedback } of steps) {
      if (isError(situation)) {
        errors++;
        if (!isRejection(feedback)) corrected++;
      }
      act(world, action);
    }
    if (endedIn !== undefined && isError(endedIn)) errors++;
  }
  return { errors, corrected };
}
