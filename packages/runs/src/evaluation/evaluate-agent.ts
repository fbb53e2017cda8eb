// Plays episodes without learning and sums up their returns.
import {
  type Agent,
  type Environment,
  InvalidArgumentError,
  type RunStep,
  requireInteger,
  runLoop,
} from '@moe-rl/core';
import { createBreather } from '@moe-rl/core/node';
import { type ReturnStatistics, returnStatistics } from './statistics.ts';

export interface EvaluationOutput extends ReturnStatistics {
  readonly returns: readonly number[];
  /** Episodes that did not end by themselves: cut by the environment's time limit or by `maxEpisodeAgentSteps`. */
  readonly truncatedEpisodes: number;
  /** Agent steps of these episodes together. */
  readonly agentSteps: number;
  /** False when `signal` ended it early: the episodes that had ended by then are here. */
  readonly isComplete: boolean;
}

export interface EvaluateAgentOptions {
  readonly agent: Agent;
  readonly environment: Environment;
  /** Length in episodes ... */
  readonly episodes?: number | undefined;
  /** ... or in agent steps: whole episodes until so many are reached, the last one to its end (Dopamine's evaluation_steps). One of the two. */
  readonly agentSteps?: number | undefined;
  readonly seed: number;
  /** Cuts an episode after this many agent steps. Default: only the environment's own limit. */
  readonly maxEpisodeAgentSteps?: number | undefined;
  /** Aborting ends the evaluation after the step under way. */
  readonly signal?: AbortSignal | undefined;
  /** Called after each step, with the number of episodes that ended before it. */
  readonly onStep?: (step: RunStep, endedEpisodes: number) => void;
  readonly onEpisode?: (endedEpisodes: number, episodeReturn: number) => void;
}

/**
 * Evaluates an agent over whole episodes, with its evaluation rule (a small fixed epsilon) and unclipped rewards.
 * @throws InvalidArgumentError for fewer than one episode or agent step, or for both lengths or none; the signal's reason when it aborts before an episode ended.
 */
export async function evaluateAgent(options: EvaluateAgentOptions): Promise<EvaluationOutput> {
  const { agent, environment, episodes, agentSteps: minAgentSteps, seed, maxEpisodeAgentSteps, signal } = options;
  if ((episodes === undefined) === (minAgentSteps === undefined)) {
    throw new InvalidArgumentError(
      `episodes is ${episodes} and agentSteps is ${minAgentSteps}; expected one of them as the length of the evaluation`,
    );
  }
  if (episodes !== undefined) requireInteger('episodes', episodes, 1);
  if (minAgentSteps !== undefined) requireInteger('agentSteps', minAgentSteps, 1);
  if (maxEpisodeAgentSteps !== undefined) requireInteger('maxEpisodeAgentSteps', maxEpisodeAgentSteps, 1);
  const limit = maxEpisodeAgentSteps === undefined ? {} : { maxEpisodeAgentSteps };
  const returns: number[] = [];
  let truncatedEpisodes = 0;
  let agentSteps = 0;
  let isComplete = false;
  signal?.throwIfAborted();
  const breathe = createBreather();
  for await (const step of runLoop({ agent, environment, mode: 'evaluate', seed, ...limit })) {
    await breathe();
    options.onStep?.(step, returns.length);
    if (step.terminated || step.truncated) {
      if (step.truncated) truncatedEpisodes++;
      returns.push(step.episodeReturn);
      agentSteps += step.episodeAgentSteps;
      options.onEpisode?.(returns.length, step.episodeReturn);
      isComplete = episodes === undefined ? agentSteps >= minAgentSteps! : returns.length === episodes;
      if (isComplete) break;
    }
    if (signal?.aborted) break;
  }
  if (returns.length === 0) signal?.throwIfAborted();
  return { ...returnStatistics(returns), returns, truncatedEpisodes, agentSteps, isComplete };
}
