// Measures each variant on this machine with a run of some seconds: how long an agent step takes while the replay fills and while it learns, how much memory and
// disk it takes. Runs in a process of its own per variant, as a job does, because a process keeps its tensor library and its threads.
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { MissingDependencyError } from '@moe-rl/core';
import { type RunConfig, readMetricRows, runFolderPaths } from '@moe-rl/runs';
import { makeEnvironment } from '@moe-rl/training';
import { startJob } from '../jobs/job-child.ts';
import { datasetFolder } from '../plan/datasets.ts';
import type { Experiment, VariantConfig } from '../plan/experiment.ts';

/** What one variant takes on this machine, a job alone. */
export interface ProbeResult {
  readonly variant: string;
  /** Seconds of an agent step that only acts. */
  readonly actingSeconds: number;
  /** Seconds of an agent step with the updates that belong to it, on average. */
  readonly learningSeconds: number;
  /** Seconds before the first step: starting the process, building the network, recording. */
  readonly startSeconds: number;
  /** Memory of the process beside the replay memory. */
  readonly baseBytes: number;
  /** Bytes of one transition in the replay memory. */
  readonly transitionBytes: number;
  /** A checkpoint without the replay memory. */
  readonly checkpointBytes: number;
}

/** Agent steps of the two parts of a probe. */
const ACTING_AGENT_STEPS = 400;
const LEARNING_AGENT_STEPS = 600;
const LOG_PERIOD = 50;
/** A slow machine ends its probe here. */
const MAXIMUM_SECONDS = 20;

/** The configuration of a probe: the variant's, with a short run and an early start of learning. */
export function probeConfig(config: VariantConfig, game: string, dataset?: string): RunConfig {
  return {
    ...config,
    ...(dataset === undefined ? {} : { dataset: { ...config.dataset, folder: dataset } }),
    game,
    seed: 1,
    trainingAgentSteps: ACTING_AGENT_STEPS + LEARNING_AGENT_STEPS,
    maxTrainingSeconds: MAXIMUM_SECONDS,
    logPeriodAgentSteps: LOG_PERIOD,
    checkpointPeriodAgentSteps: 1_000_000,
    evaluationEpisodes: 0,
    evaluation: { ...config.evaluation, periodAgentSteps: null },
    agent: { ...config.agent, minReplayHistoryAgentSteps: ACTING_AGENT_STEPS },
  } as RunConfig;
}

/**
 * Probes a variant in `scratchFolder`, which is emptied before and after.
 * @throws MissingDependencyError when the variant can't run here, with the reason
 */
export async function probeVariant(
  experiment: Experiment,
  variant: string,
  scratchFolder: string,
  signal?: AbortSignal,
): Promise<ProbeResult> {
  const { config } = experiment.variants.find(({ name }) => name === variant)!;
  const [game] = experiment.games as [string];
  const { datasets } = experiment.plan;
  const dataset = datasets === null ? undefined : datasetFolder(datasets, game, experiment.seeds[0]);
  const probe = probeConfig(config, game, dataset);
  const runFolder = join(scratchFolder, variant);
  rmSync(runFolder, { recursive: true, force: true });
  const startedMs = performance.now();
  const child = startJob({ probe: { runFolder, config: probe } });
  const stop = (): void => child.kill();
  signal?.addEventListener('abort', stop);
  try {
    const outcome = await child.outcome;
    signal?.throwIfAborted();
    if (outcome.type === 'failed') {
      throw new MissingDependencyError(`variant ${variant} can't run here: ${outcome.message}`);
    }
    return measure(variant, probe, runFolder, (performance.now() - startedMs) / 1000);
  } finally {
    signal?.removeEventListener('abort', stop);
    rmSync(runFolder, { recursive: true, force: true });
  }
}

function measure(variant: string, config: RunConfig, runFolder: string, totalSeconds: number): ProbeResult {
  const paths = runFolderPaths(runFolder);
  const points = readMetricRows(paths.metricsFile).flatMap(({ agentSteps, values }) => {
    const seconds = values['time/elapsedSeconds'];
    return seconds === undefined ? [] : [{ agentSteps, seconds, bytes: values['process/residentBytes'] ?? 0 }];
  });
  const before = points.filter(({ agentSteps }) => agentSteps < ACTING_AGENT_STEPS);
  // The first updates record or compile; they are no measure of the others.
  const after = points.filter(({ agentSteps }) => agentSteps >= ACTING_AGENT_STEPS + 2 * LOG_PERIOD);
  const actingSeconds = perStep(before);
  const learningSeconds = Math.max(actingSeconds, after.length > 1 ? perStep(after) : perStep(points));
  const { trainedSeconds, frameBytes } = {
    trainedSeconds: points.at(-1)?.seconds ?? 0,
    frameBytes: frameBytesOf(config),
  };
  const replayBytes = frameBytes * (points.at(-1)?.agentSteps ?? 0);
  const checkpoints = join(runFolder, 'checkpoints');
  return {
    variant,
    actingSeconds,
    learningSeconds,
    startSeconds: Math.max(0, totalSeconds - trainedSeconds),
    baseBytes: Math.max(0, Math.max(0, ...points.map(({ bytes }) => bytes)) - replayBytes),
    transitionBytes: frameBytes + TRANSITION_BYTES,
    checkpointBytes: folderBytes(checkpoints) - folderBytes(paths.replayFolder),
  };
}

/** Action, reward, flags, priority and its sums. */
const TRANSITION_BYTES = 32;

function perStep(points: readonly { readonly agentSteps: number; readonly seconds: number }[]): number {
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined || first.agentSteps === last.agentSteps) return 0;
  return (last.seconds - first.seconds) / (last.agentSteps - first.agentSteps);
}

function frameBytesOf(config: RunConfig): number {
  const environment = makeEnvironment(config);
  const { frameShape, dtype } = environment.observationSpec;
  environment.close?.();
  return frameShape.reduce((product, size) => product * size, 1) * (dtype === 'uint8' ? 1 : 4);
}

/** Bytes of all files below a folder. */
export function folderBytes(folder: string): number {
  let bytes = 0;
  try {
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      const file = statSync(join(folder, name), { throwIfNoEntry: false });
      if (file?.isFile()) bytes += file.size;
    }
  } catch {
    // a folder that is not there holds nothing
  }
  return bytes;
}
