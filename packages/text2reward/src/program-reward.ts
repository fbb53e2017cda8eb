// A reward program as the design of a run's reward: it is what the agent learns from, and everything reported stays the environment's own.
import {
  CheckpointError,
  createRng,
  type Environment,
  type RewardDesign,
  type Rng,
  type RngState,
  requireFinite,
  requireInteger,
  requireKnownOptions,
  type StateTree,
} from '@moe-rl/core';
import type { EnvironmentDescription } from './description/environment-description.ts';
import { RewardProgramError } from './errors.ts';
import { RewardProgram } from './program/reward-program.ts';
import type { RewardLimits } from './program/sandbox.ts';

const STATE_KIND = 'moe-rl/text2reward';
const STATE_VERSION = 1;

export interface ProgramRewardOptions {
  readonly source: string;
  /** What messages call the program. */
  readonly name?: string;
  readonly description: EnvironmentDescription;
  /** The one that the agent learns in. */
  readonly environment: Environment;
  readonly limits?: Partial<RewardLimits>;
  /** Share of the environment's own reward that is added. Default 0: the program alone, as in the paper. */
  readonly gameRewardWeight?: number;
  /** Seed of the program's `Math.random`; absent: it has none. */
  readonly seed?: number;
  /** How many failures of the program are gone on over, each with a reward of 0. Default 0. */
  readonly maxFailures?: number;
  /** Called with each failure that is gone on over. */
  readonly onFailure?: (message: string) => void;
}

/**
 * Makes the design. A program that fails ends the run by name, once it has failed more often than allowed.
 * @throws RewardProgramError, also from `reward`; InvalidArgumentError for an unknown option or a number out of range
 */
export async function createProgramReward(options: ProgramRewardOptions): Promise<RewardDesign> {
  const { gameRewardWeight = 0, seed, maxFailures = 0, onFailure, ...rest } = options;
  requireKnownOptions('a program as reward', rest, ['source', 'name', 'description', 'environment', 'limits']);
  requireFinite('gameRewardWeight', gameRewardWeight);
  requireInteger('maxFailures', maxFailures, 0);
  const rng: Rng = createRng(seed ?? 0, 'text2reward/program');
  const program = await RewardProgram.create({ ...rest, hasRandomness: seed !== undefined });
  let failures = 0;
  const programReward = (step: Parameters<RewardProgram['reward']>[0]): number => {
    try {
      return program.reward(step);
    } catch (error) {
      if (!(error instanceof RewardProgramError) || failures >= maxFailures) throw error;
      failures++;
      onFailure?.(`${error.message}; its reward is 0 for this step (failure ${failures} of ${maxFailures} allowed)`);
      return 0;
    }
  };
  return {
    begin: () => program.begin(),
    reward({ action, reward, terminated }) {
      const randomSeed = seed === undefined ? {} : { randomSeed: rng.nextInteger(2 ** 31) };
      return programReward({ action, reward, terminated, ...randomSeed }) + gameRewardWeight * reward;
    },
    metrics: () => ({ 'reward/programFailures': failures }),
    getState: (): StateTree => ({
      kind: STATE_KIND,
      version: STATE_VERSION,
      values: program.values,
      failures,
      rng: rng.getState(),
    }),
    setState(state) {
      if (state.kind !== STATE_KIND || state.version !== STATE_VERSION) {
        throw new CheckpointError(
          `reward state is "${String(state.kind)}" version ${String(state.version)}; expected "${STATE_KIND}" version ${STATE_VERSION}`,
        );
      }
      const { values, failures: saved } = state;
      const { length } = program.values;
      if (!(values instanceof Float64Array) || values.length !== length) {
        throw new CheckpointError(
          `reward state has ${values instanceof Float64Array ? values.length : 'no'} values; the description of ${options.description.id} has ${length}`,
        );
      }
      if (typeof saved !== 'number' || !Number.isInteger(saved) || saved < 0) {
        throw new CheckpointError(`reward state has ${String(saved)} failures; expected a number of them`);
      }
      rng.setState(state.rng as RngState);
      program.values = values;
      failures = saved;
    },
    dispose: () => program.dispose(),
  };
}
