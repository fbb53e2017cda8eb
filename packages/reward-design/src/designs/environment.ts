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
    // One by one: what an environment that is a class has from its prototype would be left out by a spread.
    id: environment.id,
    observationSpec: environment.observationSpec,
    actionCount: environment.actionCount,
    ...handedOver(environment),
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

/** Beside `reset` and `step`: what draws, ends and shows the environment, as far as it has it. RAM and state are what rewards written as programs read. */
const HANDED_OVER = ['render', 'close', 'ram', 'peekState'] as const;

function handedOver(environment: Environment): Partial<Pick<Environment, 'render' | 'close'>> {
  const methods = environment as unknown as Readonly<Record<string, unknown>>;
  return Object.fromEntries(
    HANDED_OVER.flatMap((name) => {
      const method = methods[name];
      return typeof method === 'function' ? [[name, method.bind(environment)]] : [];
    }),
  );
}
