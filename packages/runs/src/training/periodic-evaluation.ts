// Evaluations while a run trains: an environment made anew for each, seeded by the run's seed and the agent step, so that one that was interrupted is played
// again with equal results.
import { type Agent, createRng, type Environment, type MetricRow } from '@moe-rl/core';
import type { EvaluationSettings } from '../config/evaluation-settings.ts';
import { evaluateVisibly } from '../evaluation/evaluate-visibly.ts';
import type { ProgressOutput, StatusLine } from '../sinks/status-line.ts';
import { count } from '../sinks/text.ts';

export interface PeriodicEvaluationOptions {
  readonly settings: EvaluationSettings;
  /** The run's seed. */
  readonly seed: number;
  /** Agent steps of training so far. */
  readonly agentSteps: number;
  readonly agent: Agent;
  readonly makeEnvironment: () => Environment;
  readonly output: ProgressOutput;
  readonly status: StatusLine;
  readonly signal?: AbortSignal | undefined;
}

export function isEvaluationDue({ periodAgentSteps }: EvaluationSettings, agentSteps: number): boolean {
  return periodAgentSteps !== null && agentSteps > 0 && agentSteps % periodAgentSteps === 0;
}

/** Seed of the evaluation after `agentSteps` agent steps of training: no other stream of the run has anything to do with it. */
export function evaluationSeed(seed: number, agentSteps: number): number {
  return createRng(seed, `evaluation/${agentSteps}`).nextInteger(2 ** 31);
}

/** Evaluates once and returns the row for the log, or undefined when `signal` ended it: half an evaluation is none. */
export async function evaluateOnce(options: PeriodicEvaluationOptions): Promise<MetricRow | undefined> {
  const { settings, seed, agentSteps, agent, makeEnvironment, output, status, signal } = options;
  if (signal?.aborted) return undefined;
  const environment = makeEnvironment();
  try {
    const result = await evaluateVisibly({
      name: `evaluation at ${count(agentSteps)}`,
      agent,
      environment,
      seed: evaluationSeed(seed, agentSteps),
      episodes: settings.episodes ?? undefined,
      agentSteps: settings.agentSteps ?? undefined,
      maxEpisodeAgentSteps: settings.maxEpisodeAgentSteps ?? undefined,
      signal,
      output,
      status,
    });
    if (!result.isComplete) return undefined;
    return {
      agentSteps,
      values: {
        'evaluation/return': result.mean,
        'evaluation/standardError': result.standardError ?? Number.NaN,
        'evaluation/episodes': result.episodes,
        'evaluation/truncatedEpisodes': result.truncatedEpisodes,
      },
    };
  } catch (error) {
    if (signal?.aborted && error === signal.reason) return undefined;
    throw error;
  } finally {
    environment.close?.();
  }
}
