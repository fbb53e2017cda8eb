// What an experiment would take, from the probe of each variant.
import { type Experiment, listJobs } from '../plan/experiment.ts';
import type { ProbeResult } from './probe.ts';

export interface VariantEstimate {
  readonly variant: string;
  /** Of one job, alone on the machine. */
  readonly jobSeconds: number;
  /** Memory of one job at its end. */
  readonly memoryBytes: number;
  /** Disk that one finished job takes. */
  readonly diskBytes: number;
  /** Disk that a job under way takes beside that: its replay memory. */
  readonly replayBytes: number;
}

export interface ExperimentEstimate {
  readonly variants: readonly VariantEstimate[];
  readonly jobs: number;
  /** All jobs, one after the other. */
  readonly computingSeconds: number;
  /** With `slots` jobs at a time. */
  readonly elapsedSeconds: number;
  /** Of the `slots` jobs that take most. */
  readonly memoryBytes: number;
  readonly diskBytes: number;
}

/** Checkpoints that a run keeps. */
const KEPT_CHECKPOINTS = 2;
/** A metric row, and its twin for TensorBoard. */
const ROW_BYTES = 1200;

/** Estimates an experiment. Jobs at a time are taken to slow each other down by nothing, which is near the truth where each has its own cores. */
export function estimateExperiment(
  experiment: Experiment,
  probes: readonly ProbeResult[],
  slots: number,
): ExperimentEstimate {
  const variants = experiment.variants.map(({ name, config }): VariantEstimate => {
    const probe = probes.find(({ variant }) => variant === name)!;
    const total = config.trainingAgentSteps;
    const acting = Math.min(total, config.agent.minReplayHistoryAgentSteps);
    const { periodAgentSteps, agentSteps, episodes } = config.evaluation;
    const evaluations = periodAgentSteps === null ? 0 : Math.floor(total / periodAgentSteps);
    const evaluationSteps = agentSteps ?? (episodes ?? 0) * TYPICAL_EPISODE_AGENT_STEPS;
    const transitions = Math.min(total, config.replay.capacity);
    return {
      variant: name,
      jobSeconds:
        probe.startSeconds +
        (acting + evaluations * evaluationSteps) * probe.actingSeconds +
        (total - acting) * probe.learningSeconds,
      memoryBytes: probe.baseBytes + transitions * probe.transitionBytes,
      diskBytes: KEPT_CHECKPOINTS * probe.checkpointBytes + (total / config.logPeriodAgentSteps) * ROW_BYTES,
      replayBytes: transitions * probe.transitionBytes,
    };
  });
  const of = (name: string): VariantEstimate => variants.find(({ variant }) => variant === name)!;
  const jobs = listJobs(experiment);
  const computingSeconds = jobs.reduce((sum, { variant }) => sum + of(variant).jobSeconds, 0);
  const longest = Math.max(...variants.map(({ jobSeconds }) => jobSeconds));
  const ofSlots = (bytes: (estimate: VariantEstimate) => number): number =>
    jobs
      .map(({ variant }) => bytes(of(variant)))
      .sort((left, right) => right - left)
      .slice(0, slots)
      .reduce((sum, value) => sum + value, 0);
  return {
    variants,
    jobs: jobs.length,
    computingSeconds,
    elapsedSeconds: Math.max(longest, computingSeconds / slots),
    memoryBytes: ofSlots(({ memoryBytes }) => memoryBytes),
    diskBytes:
      jobs.reduce((sum, { variant }) => sum + of(variant).diskBytes, 0) + ofSlots(({ replayBytes }) => replayBytes),
  };
}

/** Where an evaluation is counted in episodes: an Atari game is some hundred to some thousand agent steps long, the small ones are shorter. */
const TYPICAL_EPISODE_AGENT_STEPS = 500;
