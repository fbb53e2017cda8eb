// A design put around an environment, for loops that know nothing of designs.
import {
  type Environment,
  InvalidArgumentError,
  NonFiniteError,
  type Observation,
  type RewardDesign,
} from '@moe-rl/core';

/**
 * The environment with the designed reward in place of its own, which stands in `info.trueReward`. (The run loop of `@moe-rl/core` needs no such wrapper:
 * `rewardedBy` puts the design around the agent, and returns stay true.)
 * @throws NonFiniteError, from `step`, for a designed reward that is NaN or infinite; InvalidArgumentError for a design that learns asynchronously
 */
export function withDesignedReward(environment: Environment, design: RewardDesign): Environment {
  let observation: Observation = new Float32Array(0);
  return {
    ...environment,
    reset(options) {
      const output = environment.reset(options);
      observation = output.observation.slice();
      design.begin?.(observation);
      return output;
    },
    step(action) {
      const output = environment.step(action);
      const { reward: trueReward, terminated, truncated, info, observation: nextObservation } = output;
      const reward = design.reward({
        observation,
        action,
        reward: trueReward,
        terminated,
        truncated,
        nextObservation,
        info,
      });
      if (!Number.isFinite(reward)) {
        throw new NonFiniteError(
          `${environment.id}: the designed reward is ${reward} for action ${action} (true reward ${trueReward}); expected a finite number`,
        );
      }
      observation = nextObservation.slice();
      if ((terminated || truncated) && design.endEpisode?.() instanceof Promise) {
        throw new InvalidArgumentError(
          `${environment.id}: the reward design learns asynchronously; expected one that does not, or rewardedBy around the agent`,
        );
      }
      return { ...output, reward, info: { ...info, trueReward } };
    },
    ...(environment.getState === undefined || environment.setState === undefined
      ? {}
      : {
          getState: () => ({
            environment: environment.getState!(),
            design: design.getState(),
            observation: observation as Float32Array,
          }),
          setState(state) {
            environment.setState!(state.environment as ReturnType<RewardDesign['getState']>);
            design.setState(state.design as ReturnType<RewardDesign['getState']>);
            observation = state.observation as Float32Array;
          },
        }),
  };
}
