// Plays episodes without learning and sums up their returns.
import { type Agent, type Environment, requireInteger, runLoop } from '@moe-rl/core';
import { type ReturnStatistics, returnStatistics } from './statistics.ts';

export interface EvaluationOutput extends ReturnStatistics {
  readonly returns: readonly number[];
  /** Agent steps of all episodes together. */
  readonly agentSteps: number;
}

/**
 * Evaluates an agent over whole episodes, with its evaluation rule (a small fixed epsilon) and unclipped rewards.
 * @throws InvalidArgumentError for fewer than one episode.
 */
export async function evaluateAgent(options: {
  readonly agent: Agent;
  readonly environment: Environment;
  readonly episodes: number;
  readonly seed: number;
  readonly onEpisode?: (episodes: number, episodeReturn: number) => void;
}): Promise<EvaluationOutput> {
  const { agent, environment, episodes, seed, onEpisode } = options;
  requireInteger('episodes', episodes, 1);
  const returns: number[] = [];
  let agentSteps = 0;
  for await (const step of runLoop({ agent, environment, mode: 'evaluate', seed })) {
    agentSteps++;
    if (!step.terminated && !step.truncated) continue;
    returns.push(step.episodeReturn);
    onEpisode?.(returns.length, step.episodeReturn);
    if (returns.length === episodes) break;
  }
  return { ...returnStatistics(returns), returns, agentSteps };
}
