// One training run: drives the run loop and hands each step to the consumers (statistics, metric files, progress, checkpoints). Knows nothing of games,
// networks or the command line.
import {
  InvalidArgumentError,
  isMoeRlError,
  type MetricRow,
  recordedBy,
  rewardedBy,
  runLoop,
  type StateTree,
} from '@moe-rl/core';
import { createBreather } from '@moe-rl/core/node';
import { noteBatch } from '../folder/batch-note.ts';
import { keepConfig } from '../folder/run-folder.ts';
import { findMetric } from '../metrics/metric-registry.ts';
import { createRunStatistics, requireMetric } from '../metrics/run-statistics.ts';
import { openMetricsFile } from '../sinks/metrics-file.ts';
import { createProgress } from '../sinks/progress.ts';
import { offlineSteps } from './offline.ts';
import { evaluateOnce, isEvaluationDue } from './periodic-evaluation.ts';
import {
  type LoopPosition,
  restore,
  seedOfFirstReset,
  tellBatch,
  tellLoss,
  tellLostRows,
  tellResume,
} from './resume.ts';
import type { TrainRunOptions } from './train-run-options.ts';

export interface TrainRunOutput {
  readonly isComplete: boolean;
  readonly agentSteps: number;
  readonly updates: number;
  readonly episodes: number;
  /** Mean return of the last 100 training episodes; null when none ended. */
  readonly meanReturn: number | null;
  readonly elapsedSeconds: number;
}

/**
 * Trains until `config.trainingAgentSteps`, or until `signal` aborts; either way the last thing written is a checkpoint.
 * @throws CheckpointError or CorruptDataError when a resume finds nothing usable; StorageError when a file can't be written; NonFiniteError with the last good
 *   checkpoint's name when learning diverges.
 */
export async function trainRun(options: TrainRunOptions): Promise<TrainRunOutput> {
  const { folder, environment, agent, reward, replay, recorder, learnOffline, output, signal, tensorCount } = options;
  const { config } = folder;
  const { makeEvaluationEnvironment } = options;
  if (config.evaluation.periodAgentSteps !== null && makeEvaluationEnvironment === undefined) {
    throw new InvalidArgumentError(
      `evaluation.periodAgentSteps is ${config.evaluation.periodAgentSteps}, but trainRun got no makeEvaluationEnvironment`,
    );
  }
  if (options.freshReplay === true) requireOwnReplay(options);
  const statistics = createRunStatistics(config.logPeriodAgentSteps, () => ({
    updates: agent.updates,
    ...(tensorCount === undefined ? {} : { tensorCount: tensorCount() }),
  }));
  const position: LoopPosition = { agentSteps: 0, episode: undefined, isEvaluationDue: false };
  const restored = options.isResume ? await restore(options, statistics, position) : undefined;
  // Rows behind the checkpoint are cut off: the run makes them again. Without a checkpoint that is all of them.
  const metrics = openMetricsFile(folder.metricsFile, restored?.metrics ?? { byteLength: 0 });
  const sinks = options.sinks ?? {};
  if (restored !== undefined) for (const [name, sink] of Object.entries(sinks)) sink.setState?.(restored.sinks[name]);
  const progress = createProgress({
    output,
    label: config.game,
    totalAgentSteps: config.trainingAgentSteps,
    startAgentSteps: position.agentSteps,
    statistics,
  });
  if (restored !== undefined) tellResume(progress, restored);
  tellBatch(progress, noteBatch(folder.path, position.agentSteps, config.seed, options.batch));
  tellLoss(progress, metrics, folder.metricsFile);
  if (restored !== undefined) tellLostRows(progress, sinks);
  const notedTags = new Set<string>();
  const log = (row: MetricRow): void => {
    for (const [tag, value] of Object.entries(row.values)) {
      requireMetric(tag, value);
      if (findMetric(tag) !== undefined || notedTags.has(tag)) continue;
      notedTags.add(tag);
      progress.log(`the metric ${tag} is not registered: it is logged without unit and meaning`);
    }
    metrics.write(row);
    for (const [name, sink] of Object.entries(sinks)) {
      const returned = sink.write(row) as unknown;
      if (returned instanceof Promise) throw asynchronousSink(name, returned);
    }
  };
  // Nothing has happened since a checkpoint when it was made at this very step.
  let savedAt = restored === undefined ? -1 : position.agentSteps;
  let lastWhole = restored?.agentSteps;

  const save = async (agentState?: StateTree): Promise<void> => {
    if (savedAt === position.agentSteps) return;
    const replayState = await replay?.save();
    const recorderState = await recorder?.save();
    folder.checkpoints.save(position.agentSteps, {
      agent: agentState ?? (await agent.getState()),
      environment: learnOffline === undefined ? (environment.getState?.() ?? {}) : {},
      ...(reward === undefined ? {} : { reward: reward.getState() }),
      run: {
        agentSteps: position.agentSteps,
        hasEnvironment: environment.getState !== undefined,
        episode: position.episode ?? null,
        isEvaluationDue: position.isEvaluationDue,
        statistics: statistics.getState(),
        metrics: metrics.getState(),
        sinks: Object.fromEntries(Object.entries(sinks).map(([name, sink]) => [name, sink.getState?.() ?? null])),
        replay: replayState ?? null,
        recorder: recorderState ?? null,
      },
    });
    savedAt = position.agentSteps;
    lastWhole = position.agentSteps;
    if (keepConfig(folder)) {
      progress.log(
        `${folder.path} has lost its config.json, or was moved away: it is written there anew, with the checkpoint`,
      );
    }
  };

  // Acting may draw from the agent's streams, so an evaluation that is interrupted is saved as it was before it began, and played whole when the run goes on.
  const evaluate = async (): Promise<void> => {
    position.isEvaluationDue = true;
    const agentState = await agent.getState();
    const row = await statistics.timeOut(() =>
      evaluateOnce({
        settings: config.evaluation,
        seed: config.seed,
        agentSteps: position.agentSteps,
        agent,
        makeEnvironment: makeEvaluationEnvironment!,
        output,
        status: progress.status,
        signal,
      }),
    );
    if (row === undefined) {
      await save(agentState);
      return;
    }
    position.isEvaluationDue = false;
    savedAt = -1;
    log(row);
  };

  // Looking at the clock each step is cheap, and a run that ends early ends between two steps.
  const isOutOfTime = (): boolean =>
    config.maxTrainingSeconds !== null && statistics.elapsedSeconds() >= config.maxTrainingSeconds;

  const isComplete = (): boolean =>
    !position.isEvaluationDue && (position.agentSteps >= config.trainingAgentSteps || isOutOfTime());

  try {
    if (position.isEvaluationDue && makeEvaluationEnvironment !== undefined) await evaluate();
    if (
      !position.isEvaluationDue &&
      position.agentSteps < config.trainingAgentSteps &&
      !isOutOfTime() &&
      !signal?.aborted
    ) {
      const resumeFrom = position.episode;
      const learner = reward === undefined ? agent : rewardedBy(reward, agent, resumeFrom !== undefined);
      const steps =
        learnOffline === undefined
          ? runLoop({
              environment,
              agent: recorder === undefined ? learner : recordedBy(recorder, learner),
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
            })
          : offlineSteps(learnOffline);
      const breathe = createBreather();
      for await (const step of steps) {
        const agentSteps = ++position.agentSteps;
        position.episode =
          step.terminated || step.truncated || learnOffline !== undefined
            ? undefined
            : { observation: step.observation, agentSteps: step.episodeAgentSteps, return: step.episodeReturn };
        for (const row of statistics.onStep(step, agentSteps)) log(row);
        progress.update(agentSteps);
        options.onStep?.(agentSteps);
        if (isEvaluationDue(config.evaluation, agentSteps)) await evaluate();
        if (agentSteps % config.checkpointPeriodAgentSteps === 0 || options.wantsCheckpoint?.()) await save();
        await breathe();
        if (agentSteps >= config.trainingAgentSteps || isOutOfTime() || signal?.aborted) break;
      }
    }
    await save();
    if (isComplete()) for (const row of options.finalRows?.() ?? []) log(row);
    // They stand behind the last checkpoint: nothing else has said yet whether they could be written.
    metrics.flush();
    progress.end(position.agentSteps);
  } catch (error) {
    progress.end(position.agentSteps);
    throw withLastCheckpoint(error, lastWhole, position.agentSteps);
  } finally {
    for (const file of [metrics, ...Object.values(sinks)]) closeQuietly(file);
  }
  const meanReturn = statistics.meanReturn();
  return {
    isComplete: isComplete(),
    agentSteps: position.agentSteps,
    updates: agent.updates,
    episodes: statistics.episodes,
    meanReturn: Number.isNaN(meanReturn) ? null : meanReturn,
    elapsedSeconds: statistics.elapsedSeconds(),
  };
}

/** @throws InvalidArgumentError for a run that has no replay memory which could be left behind */
function requireOwnReplay({ replay, learnOffline, folder }: TrainRunOptions): void {
  if (replay !== undefined && learnOffline === undefined) return;
  const why =
    learnOffline === undefined
      ? 'its agent keeps none'
      : `it is filled with the dataset in ${folder.config.dataset.folder} at each start`;
  throw new InvalidArgumentError(`a fresh replay memory (--fresh-replay) would do nothing for this run: ${why}`);
}

/** Nobody would wait for what it writes, and its failure would end the process. */
function asynchronousSink(name: string, written: Promise<unknown>): InvalidArgumentError {
  written.catch(() => {});
  return new InvalidArgumentError(
    `write of the sink "${name}" returned a promise, which nobody waits for; expected that it has taken the row when it returns (keep rows, and send them on from there)`,
  );
}

/** Adds to an error that stops a run what is safe. */
function withLastCheckpoint(error: unknown, last: number | undefined, agentSteps: number): unknown {
  if (!isMoeRlError(error)) return error;
  const rest =
    last === undefined
      ? 'no checkpoint was made before'
      : `the checkpoint at agent step ${last} is whole; --resume continues from it`;
  error.message = `${error.message} (training stopped at agent step ${agentSteps}; ${rest})`;
  return error;
}

/** When the disk is full the error that matters was thrown before, by the checkpoint or by the flush of the last rows. */
function closeQuietly(file: { close?(): void }): void {
  try {
    file.close?.();
  } catch {
    // reported by the write that failed first
  }
}
