// The execution check: a random agent plays with the program for some hundred steps, so that what it does wrong shows before anybody trains with it.
import { createRng, type Environment, requireInteger, requireKnownOptions } from '@moe-rl/core';
import type { EnvironmentDescription } from '../description/environment-description.ts';
import { RewardProgramError } from '../errors.ts';
import { RewardProgram } from '../program/reward-program.ts';
import type { RewardLimits } from '../program/sandbox.ts';

export interface CheckOptions {
  readonly source: string;
  readonly name?: string;
  readonly description: EnvironmentDescription;
  readonly environment: Environment;
  readonly limits?: Partial<RewardLimits>;
  readonly hasRandomness?: boolean;
  /** Default 500. */
  readonly agentSteps?: number;
  /** Of the agent and the environment. Default 0. */
  readonly seed?: number;
}

/** What a random agent collected. */
export interface CheckReport {
  readonly agentSteps: number;
  readonly episodes: number;
  readonly mean: number;
  readonly minimum: number;
  readonly maximum: number;
  /** Share of steps with another reward than 0. */
  readonly nonZero: number;
  /** Rewards beyond -1 .. 1, which most agents clip. */
  readonly beyondOne: number;
  /** Mean of the environment's own reward. */
  readonly gameMean: number;
}

/** @throws RewardProgramError naming what the program did, and at which step; InvalidArgumentError for an unknown option or a number out of range */
export async function checkProgram(options: CheckOptions): Promise<CheckReport> {
  const { agentSteps = 500, seed = 0, ...rest } = options;
  const { environment } = rest;
  requireKnownOptions('a check', rest, ['source', 'name', 'description', 'environment', 'limits', 'hasRandomness']);
  requireCheckNumbers(agentSteps, seed);
  const program = await RewardProgram.create(rest);
  try {
    const rng = createRng(seed, 'text2reward/check');
    const rewards: number[] = [];
    let episodes = 0;
    let gameSum = 0;
    let hasEnded = true;
    for (let step = 1; step <= agentSteps; step++) {
      if (hasEnded) {
        environment.reset(episodes++ === 0 ? { seed } : {});
        program.begin();
      }
      const action = rng.nextInteger(environment.actionCount);
      const { reward, terminated, truncated } = environment.step(action);
      gameSum += reward;
      hasEnded = terminated || truncated;
      try {
        rewards.push(program.reward({ action, reward, terminated, randomSeed: step }));
      } catch (error) {
        if (error instanceof RewardProgramError) error.message += `, at step ${step} of a random agent`;
        throw error;
      }
    }
    return {
      agentSteps,
      episodes,
      mean: rewards.reduce((sum, reward) => sum + reward, 0) / rewards.length,
      minimum: rewards.reduce((a, b) => Math.min(a, b)),
      maximum: rewards.reduce((a, b) => Math.max(a, b)),
      nonZero: rewards.filter((reward) => reward !== 0).length / rewards.length,
      beyondOne: rewards.filter((reward) => Math.abs(reward) > 1).length / rewards.length,
      gameMean: gameSum / rewards.length,
    };
  } finally {
    program.dispose();
  }
}

/** @throws InvalidArgumentError for one out of range */
export function requireCheckNumbers(agentSteps = 1, seed = 0): void {
  requireInteger('agentSteps', agentSteps, 1, 1e6);
  requireInteger('seed', seed, 0, 2 ** 31 - 1);
}

/** The report in words, for people and for a model that is to improve the program. */
export function describeCheck(report: CheckReport): string {
  const { agentSteps, mean, minimum, maximum, nonZero, beyondOne, gameMean } = report;
  const number = (value: number): string => Number(value.toPrecision(3)).toString();
  const clipped = beyondOne === 0 ? '' : `; ${number(100 * beyondOne)} % are beyond -1 .. 1, which most agents clip`;
  return `a random agent's reward over ${agentSteps} steps: mean ${number(mean)}, from ${number(minimum)} to ${number(maximum)}, ${number(100 * nonZero)} % not 0${clipped} (the game's own: mean ${number(gameMean)})`;
}
