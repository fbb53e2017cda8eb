// Plays episodes without learning and sums up their returns.
import { type Agent, type Environment, type RunStep, requireInteger, runLoop } from '@moe-rl/core';
import { createBreather } from '@moe-rl/core/node';
import { type ReturnStatistics, returnStatistics } from './statistics.ts';

export interface EvaluationOutput extends ReturnStatistics {
  readonly returns: readonly number[];
  /** Episodes that did not end by themselves: cut by the environment's time limit or by `maxEpisodeAgentSteps`. */
  readonly truncatedEpisodes: number;
  /** Agent steps of all episodes together. */
  readonly agentSteps: number;
}

export interface EvaluateAgentOptions {
  readonly agent: Agent;
  readonly environment: Environment;
  readonly episodes: number;
  readonly seed: number;
  /** Cuts an episode after this many agent steps. Default: only the environment's own limit. */
  readonly maxEpisodeAgentSteps?: number;
  /** Called after each step, with the number of episodes that ended before it. */
  readonly onStep?: (step: RunStep, endedEpisodes: number) => void;
  readonly onEpisode?: (endedEpisodes: number, episodeReturn: number) => void;
}

/**
 * Evaluates an agent over whole episodes, with its evaluation rule (a small fixed epsilon) and unclipped rewards.
 * @throws InvalidArgumentError for fewer than one episode or agent step.
 */
export async function evaluateAgent(options: EvaluateAgentOptions): Promise<EvaluationOutput> {
  const { agent, environment, episodes, seed, maxEpisodeAgentSteps, onStep, onEpisode } = options;
  requireInteger('episodes', episodes, 1);
  if (maxEpisodeAgentSteps !== undefined) requireInteger('maxEpisodeAgentSteps', maxEpisodeAgentSteps, 1);
  const limit = maxEpisodeAgentSteps === undefined ? {} : { maxEpisodeAgentSteps };
  const returns: number[] = [];
  let truncatedEpisodes = 0;
  let agentSteps = 0;
  const breathe = createBreather();
  for await (const step of runLoop({ agent, environment, mode: 'evaluate', seed, ...limit })) {
    agentSteps++;
    await breathe();
    onStep?.(step, returns.length);
    if (!step.terminated && !step.truncated) continue;
    if (step.truncated) truncatedEpisodes++;
    returns.push(step.episodeReturn);
    onEpisode?.(returns.length, step.episodeReturn);
    if (returns.length === episodes) break;
  }
  return { ...returnStatistics(returns), returns, truncatedEpisodes, agentSteps };
}
