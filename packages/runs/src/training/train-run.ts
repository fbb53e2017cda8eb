// One training run: drives the run loop and hands each step to the consumers (statistics, metric files, progress, checkpoints). Knows nothing of games,
// networks or the command line.
import { rmSync } from 'node:fs';
import type { MetricSink } from '@moe-rl/core';
import {
  type Agent,
  CheckpointError,
  CorruptDataError,
  type Environment,
  isMoeRlError,
  type Observation,
  runLoop,
  type StateTree,
} from '@moe-rl/core';
import { createBreather } from '@moe-rl/core/node';
import { readCheckpoint } from '../folder/checkpoint-store.ts';
import type { RunFolder } from '../folder/run-folder.ts';
import { createRunStatistics, type RunStatistics } from '../metrics/run-statistics.ts';
import { openMetricsFile } from '../sinks/metrics-file.ts';
import { createProgress, type Progress } from '../sinks/progress.ts';
import type { ProgressOutput } from '../sinks/status-line.ts';
import { openTensorBoardFile } from '../sinks/tensorboard.ts';

/** Saves what is too large to be written whole with every checkpoint: the replay memory. */
export interface ReplayPersistence {
  /** Where it is kept; nothing else is in there. */
  readonly folder: string;
  /** Writes what is new; returns what the checkpoint must remember to find this version again. The two versions before must stay readable. */
  save(): StateTree | Promise<StateTree>;
  restore(state: StateTree): void | Promise<void>;
  /** The episode under way is lost: the next step begins another one. */
  interruptEpisode(): void;
}

export interface TrainRunOptions {
  readonly folder: RunFolder;
  readonly environment: Environment;
  readonly agent: Agent;
  /** Absent for agents whose `getState` holds everything. */
  readonly replay?: ReplayPersistence;
  readonly isResume: boolean;
  readonly output: ProgressOutput;
  /** Aborting ends the run after the step under way, with a checkpoint. */
  readonly signal?: AbortSignal;
  /** Live tensors of the tensor library, for the log. */
  readonly tensorCount?: () => number;
}

export interface TrainRunOutput {
  readonly isComplete: boolean;
  readonly agentSteps: number;
  readonly updates: number;
  readonly episodes: number;
  /** Mean return of the last 100 training episodes; null when none ended. */
  readonly meanReturn: number | null;
  readonly elapsedSeconds: number;
}

/** The state of the run loop between two steps. */
interface LoopPosition {
  agentSteps: number;
  /** Absent at an episode's end: the next step begins with a reset. */
  episode: { observation: Observation; agentSteps: number; return: number } | undefined;
}

/**
 * Trains until `config.trainingAgentSteps`, or until `signal` aborts; either way the last thing written is a checkpoint.
 * @throws CheckpointError or CorruptDataError when a resume finds nothing usable; StorageError when a file can't be written; NonFiniteError with the last good
 *   checkpoint's name when learning diverges.
 */
export async function trainRun(options: TrainRunOptions): Promise<TrainRunOutput> {
  const { folder, environment, agent, replay, output, signal, tensorCount } = options;
  const { config } = folder;
  const statistics = createRunStatistics(config.logPeriodAgentSteps, () => ({
    updates: agent.updates,
    ...(tensorCount === undefined ? {} : { tensorCount: tensorCount() }),
  }));
  const position: LoopPosition = { agentSteps: 0, episode: undefined };
  const restored = options.isResume ? await restore(options, statistics, position) : undefined;
  // Rows behind the checkpoint are cut off: the run makes them again. Without a checkpoint that is all of them.
  const metrics = openMetricsFile(folder.metricsFile, restored?.metrics ?? { byteLength: 0 });
  const events = openTensorBoardFile(folder.eventsFile, restored?.events ?? { byteLength: 0 });
  const sinks: readonly MetricSink[] = [metrics, events];
  const progress = createProgress({
    output,
    label: config.game,
    totalAgentSteps: config.trainingAgentSteps,
    startAgentSteps: position.agentSteps,
    statistics,
  });
  if (restored !== undefined) tellResume(progress, restored);
  // Nothing has happened since a checkpoint when it was made at this very step.
  let savedAt = restored === undefined ? -1 : position.agentSteps;

  const save = async (): Promise<void> => {
    if (savedAt === position.agentSteps) return;
    const replayState = await replay?.save();
    folder.checkpoints.save(position.agentSteps, {
      agent: await agent.getState(),
      environment: environment.getState?.() ?? {},
      run: {
        agentSteps: position.agentSteps,
        hasEnvironment: environment.getState !== undefined,
        episode: position.episode ?? null,
        statistics: statistics.getState(),
        metrics: metrics.getState(),
        events: events.getState(),
        replay: replayState ?? null,
      },
    });
    savedAt = position.agentSteps;
  };

  // Looking at the clock each step is cheap, and a run that ends early ends between two steps.
  const isOutOfTime = (): boolean =>
    config.maxTrainingSeconds !== null && statistics.elapsedSeconds() >= config.maxTrainingSeconds;

  try {
    if (position.agentSteps < config.trainingAgentSteps && !isOutOfTime() && !signal?.aborted) {
      const resumeFrom = position.episode;
      const steps = runLoop({
        environment,
        agent,
        ...seedOfFirstReset(config.seed, restored),
        ...(resumeFrom === undefined
          ? {}
          : {
              resumeFrom: {
                observation: resumeFrom.observation,
                episodeAgentSteps: resumeFrom.agentSteps,
                episodeReturn: resumeFrom.return,
              },
            }),
      });
      const breathe = createBreather();
      for await (const step of steps) {
        const agentSteps = ++position.agentSteps;
        position.episode =
          step.terminated || step.truncated
            ? undefined
            : { observation: step.observation, agentSteps: step.episodeAgentSteps, return: step.episodeReturn };
        for (const row of statistics.onStep(step, agentSteps)) for (const sink of sinks) sink.write(row);
        progress.update(agentSteps);
        if (agentSteps % config.checkpointPeriodAgentSteps === 0) await save();
        await breathe();
        if (agentSteps >= config.trainingAgentSteps || isOutOfTime() || signal?.aborted) break;
      }
    }
    await save();
    progress.end(position.agentSteps);
  } catch (error) {
    progress.end(position.agentSteps);
    throw withLastCheckpoint(error, folder, position.agentSteps);
  } finally {
    closeQuietly(metrics);
    closeQuietly(events);
  }
  const meanReturn = statistics.meanReturn();
  return {
    isComplete: position.agentSteps >= config.trainingAgentSteps || isOutOfTime(),
    agentSteps: position.agentSteps,
    updates: agent.updates,
    episodes: statistics.episodes,
    meanReturn: Number.isNaN(meanReturn) ? null : meanReturn,
    elapsedSeconds: statistics.elapsedSeconds(),
  };
}

/** What a resume needs beside the parts that were put back already. Absent files start anew. */
interface Restored {
  readonly path: string;
  /** Why the episode under way could not be put back, if so. */
  readonly problem: string | undefined;
  readonly agentSteps: number;
  readonly skipped: readonly string[];
  readonly metrics: StateTree;
  readonly events: StateTree;
}

/**
 * Puts every part back from the newest checkpoint that is whole. A run that was killed before its first checkpoint starts from the beginning.
 */
async function restore(
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
        events: run.events as StateTree,
      };
    } catch (error) {
      if (!isDamage(error)) throw error;
      skipped.push(error.message);
    }
  }
  if (skipped.length > 0) {
    throw new CorruptDataError(`no checkpoint in ${checkpoints.folder} can be read: ${skipped.join('; ')}`);
  }
  // What a killed process wrote of its first checkpoint.
  if (options.replay !== undefined) rmSync(options.replay.folder, { recursive: true, force: true });
  return undefined;
}

async function restoreFrom(
  path: string,
  { environment, agent, replay }: TrainRunOptions,
  statistics: RunStatistics,
  position: LoopPosition,
): Promise<{ readonly run: StateTree; readonly problem: string | undefined }> {
  const { agent: agentState, environment: environmentState, run } = readCheckpoint(path).parts;
  if (agentState === undefined || environmentState === undefined || run === undefined) {
    throw new CheckpointError(`${path} lacks a part; expected agent, environment and run`);
  }
  if (replay !== undefined) {
    if (run.replay === null || run.replay === undefined) throw new CheckpointError(`${path} has no replay memory`);
    await replay.restore(run.replay as StateTree);
  }
  await agent.setState(agentState);
  statistics.setState(run.statistics as StateTree);
  position.agentSteps = Number(run.agentSteps);
  const episode = run.episode as { observation: Observation; agentSteps: number; return: number } | null;
  const problem = restoreEnvironment(environment, run.hasEnvironment === true ? environmentState : undefined);
  if (problem === undefined) {
    position.episode = episode === null ? undefined : { ...episode };
  } else {
    replay?.interruptEpisode();
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

/** An environment that was put back goes on with its own stream; a new one, or one that could not be, gets a seed. */
function seedOfFirstReset(seed: number, restored: Restored | undefined): { readonly seed?: number } {
  if (restored === undefined) return { seed };
  return restored.problem === undefined ? {} : { seed: (seed + restored.agentSteps) % 2 ** 31 };
}

function tellResume(progress: Progress, restored: Restored): void {
  for (const reason of restored.skipped) progress.log(`skipped a checkpoint that can't be read: ${reason}`);
  progress.log(`resumed from ${restored.path} (${restored.agentSteps} agent steps)`);
  if (restored.problem !== undefined) progress.log(`a new episode begins, because ${restored.problem}`);
}

/** Adds to an error that stops a run what is safe. */
function withLastCheckpoint(error: unknown, folder: RunFolder, agentSteps: number): unknown {
  if (!isMoeRlError(error)) return error;
  const last = folder.checkpoints.list().at(-1);
  const rest =
    last === undefined
      ? 'no checkpoint was made before'
      : `the checkpoint at agent step ${last} is whole; --resume continues from it`;
  error.message = `${error.message} (training stopped at agent step ${agentSteps}; ${rest})`;
  return error;
}

/** Closing flushes; when the disk is full the error that matters was thrown before. */
function closeQuietly(file: { close(): void }): void {
  try {
    file.close();
  } catch {
    // reported by the write that failed first
  }
}
