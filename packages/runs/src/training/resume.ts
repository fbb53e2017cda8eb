// Puts a run back from its newest whole checkpoint.
import { rmSync } from 'node:fs';
import {
  CheckpointError,
  CorruptDataError,
  type Environment,
  isMoeRlError,
  type Observation,
  type StateTree,
} from '@moe-rl/core';
import type { BatchPlace } from '../folder/batch-note.ts';
import { readCheckpoint } from '../folder/checkpoint-store.ts';
import type { RunStatistics } from '../metrics/run-statistics.ts';
import type { RunSink } from '../registry/kinds.ts';
import type { Progress } from '../sinks/progress.ts';
import type { TrainRunOptions } from './train-run-options.ts';

/** The state of the run loop between two steps. */
export interface LoopPosition {
  agentSteps: number;
  /** Absent at an episode's end: the next step begins with a reset. */
  episode: { observation: Observation; agentSteps: number; return: number } | undefined;
  /** The evaluation of this agent step has not been finished. */
  isEvaluationDue: boolean;
}

/** What a resume needs beside the parts that were put back already. Absent files start anew. */
export interface Restored {
  readonly path: string;
  /** Why the episode under way could not be put back, if so. */
  readonly problem: string | undefined;
  readonly agentSteps: number;
  readonly skipped: readonly string[];
  readonly metrics: StateTree;
  /** By name; what the sinks gave at the checkpoint. */
  readonly sinks: Readonly<Record<string, StateTree | undefined>>;
  /** True when the replay memory was left behind. */
  readonly hasFreshReplay: boolean;
}

/**
 * Puts every part back from the newest checkpoint that is whole. A run that was killed before its first checkpoint starts from the beginning.
 */
export async function restore(
  options: TrainRunOptions,
  statistics: RunStatistics,
  position: LoopPosition,
): Promise<Restored | undefined> {
  const { checkpoints } = options.folder;
  const skipped: string[] = [];
  for (const path of checkpoints.newestFirst()) {
    try {
      const { run, problem } = await restoreFrom(path, options, statistics, position);
      return {
        path,
        problem,
        agentSteps: position.agentSteps,
        skipped,
        metrics: run.metrics as StateTree,
        sinks: sinkStates(run.sinks),
        hasFreshReplay: options.freshReplay === true && options.replay !== undefined,
      };
    } catch (error) {
      if (!isDamage(error)) throw error;
      skipped.push(error.message);
    }
  }
  if (skipped.length > 0) {
    const hint =
      options.replay === undefined || options.learnOffline !== undefined || options.freshReplay
        ? ''
        : '; where only the replay memory is damaged, --resume --fresh-replay goes on with what was learned and an empty memory';
    throw new CorruptDataError(`no checkpoint in ${checkpoints.folder} can be read: ${skipped.join('; ')}${hint}`);
  }
  // What a killed process wrote of its first checkpoint, and recorded before it.
  if (options.replay !== undefined) rmSync(options.replay.folder, { recursive: true, force: true });
  await options.recorder?.restore(undefined);
  return undefined;
}

async function restoreFrom(
  path: string,
  { environment, agent, reward, replay, recorder, learnOffline, freshReplay = false }: TrainRunOptions,
  statistics: RunStatistics,
  position: LoopPosition,
): Promise<{ readonly run: StateTree; readonly problem: string | undefined }> {
  const { agent: agentState, environment: environmentState, reward: rewardState, run } = readCheckpoint(path).parts;
  if (agentState === undefined || environmentState === undefined || run === undefined) {
    throw new CheckpointError(`${path} lacks a part; expected agent, environment and run`);
  }
  if (reward !== undefined && rewardState === undefined) {
    throw new CheckpointError(`${path} has no state of the reward design`);
  }
  if (replay !== undefined && freshReplay) rmSync(replay.folder, { recursive: true, force: true });
  else if (replay !== undefined) {
    if (run.replay === null || run.replay === undefined) throw new CheckpointError(`${path} has no replay memory`);
    await replay.restore(run.replay as StateTree);
  }
  await agent.setState(agentState);
  if (reward !== undefined) reward.setState(rewardState!);
  await recorder?.restore((run.recorder as StateTree | null | undefined) ?? undefined);
  statistics.setState(run.statistics as StateTree);
  position.agentSteps = Number(run.agentSteps);
  position.isEvaluationDue = run.isEvaluationDue === true;
  if (learnOffline !== undefined) return { run, problem: undefined };
  const episode = run.episode as { observation: Observation; agentSteps: number; return: number } | null;
  const problem = restoreEnvironment(environment, run.hasEnvironment === true ? environmentState : undefined);
  if (problem === undefined) {
    position.episode = episode === null ? undefined : { ...episode };
  } else {
    if (!freshReplay) replay?.interruptEpisode();
    recorder?.interruptEpisode();
    position.episode = undefined;
  }
  return { run, problem };
}

/**
 * Puts the environment back. One that can't be (it has no state, or the emulator is another build since) starts a new episode instead: what was learned is worth
 * more than the episode under way. Returns why.
 */
function restoreEnvironment(environment: Environment, state: StateTree | undefined): string | undefined {
  if (state === undefined || environment.setState === undefined) return `${environment.id} can't save its state`;
  try {
    environment.setState(state);
    return undefined;
  } catch (error) {
    if (isMoeRlError(error) && error.code === 'CHECKPOINT') return error.message;
    throw error;
  }
}

/** True when an older checkpoint may still be good: bytes are wrong or missing. Another architecture or version is no damage. */
function isDamage(error: unknown): error is Error {
  return isMoeRlError(error) && (error.code === 'CORRUPT_DATA' || error.code === 'NOT_FOUND');
}

/** An environment that was put back goes on with its own stream; a new one, also where a run was stopped before its first step, or one that could not be, gets a seed. */
export function seedOfFirstReset(seed: number, restored: Restored | undefined): { readonly seed?: number } {
  if (restored === undefined || restored.agentSteps === 0) return { seed };
  return restored.problem === undefined ? {} : { seed: (seed + restored.agentSteps) % 2 ** 31 };
}

export function tellResume(progress: Progress, restored: Restored): void {
  for (const reason of restored.skipped) progress.log(`skipped a checkpoint that can't be read: ${reason}`);
  progress.log(`resumed from ${restored.path} (${restored.agentSteps} agent steps)`);
  if (restored.hasFreshReplay) progress.log('the replay memory is empty: learning begins again once it holds enough');
  if (restored.problem !== undefined) progress.log(`a new episode begins, because ${restored.problem}`);
}

/** A run that leaves its place in a batch goes on with the same numbers, but sums are added in another order. */
export function tellBatch(progress: Progress, before: BatchPlace | undefined): void {
  if (before === undefined) return;
  progress.log(
    `the run was at place ${before.place} of a batch of ${before.size}; elsewhere it goes on equal up to rounding, not bit by bit`,
  );
}

/** A log that is shorter than the checkpoint knew it is no reason to end a run: what was learned is whole. */
export function tellLoss(progress: Progress, { lostBytes }: { readonly lostBytes: number }, path: string): void {
  if (lostBytes === 0) return;
  progress.log(
    `${path} lacks its last ${lostBytes} bytes before the checkpoint: these rows are lost, the curve has a gap there, and nothing else is affected`,
  );
}

/** A sink whose file is gone goes on all the same. */
export function tellLostRows(progress: Progress, sinks: Readonly<Record<string, RunSink>>): void {
  for (const sink of Object.values(sinks)) {
    const lost = sink.lost?.();
    if (lost !== undefined) progress.log(lost);
  }
}

function sinkStates(value: StateTree[string] | undefined): Readonly<Record<string, StateTree | undefined>> {
  const entries = Object.entries((value ?? {}) as Readonly<Record<string, StateTree | null>>);
  return Object.fromEntries(entries.map(([name, state]) => [name, state ?? undefined]));
}
