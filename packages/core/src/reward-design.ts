// Rewards to learn from in place of an environment's own. The environment, its return and what is recorded keep the true reward; only the agent sees another.
import type { Agent, AgentMetrics } from './agent.ts';
import type { StateTree } from './checkpointable.ts';
import { NonFiniteError } from './errors.ts';
import type { Observation, Transition } from './transition.ts';

/** Gives the reward to learn from, and may itself learn from what it sees. It sees every step of the training once, in order, and no step of an evaluation. */
export interface RewardDesign {
  /** An episode starts with this observation; one under way that has not ended is forgotten. The environment stands where `reset` left it. */
  begin?(observation: Observation): void;
  /**
   * The reward to learn from for this step. `transition.reward` is the environment's own, `transition.info` what it said beside the observation; the
   * environment stands after the step. The observations may be overwritten later: copy what is kept.
   */
  reward(transition: Transition): number;
  /** Called after the last step of each episode: the place to learn. */
  endEpisode?(): void | Promise<void>;
  /** Numbers about the design by metric tag; logged whenever the agent reports its own. */
  metrics?(): AgentMetrics;
  /** Everything needed to go on exactly from here, an episode under way included. */
  getState(): StateTree;
  /** @throws CheckpointError when the state is of another kind or form; the old state is then kept */
  setState(state: StateTree): void;
  dispose?(): void;
}

/**
 * The agent, learning from a designed reward. It acts and evaluates as before; `train/designedReward` is added to what it reports. Use it in the run loop in
 * the agent's place; whoever made the agent keeps it for everything that is not part of `Agent`.
 * @param design gives the reward of each step
 * @param isInEpisode true when the first step to come goes on with an episode that the design has seen begin (after a resume); default false
 * @throws NonFiniteError, from `observe`, when the designed reward is NaN or infinite, naming the agent step
 */
export function rewardedBy(design: RewardDesign, agent: Agent, isInEpisode = false): Agent {
  let hasBegun = isInEpisode;
  return {
    get trainingAgentSteps() {
      return agent.trainingAgentSteps;
    },
    get updates() {
      return agent.updates;
    },
    act(observation, mode) {
      if (mode === 'train' && !hasBegun) {
        design.begin?.(observation);
        hasBegun = true;
      }
      return agent.act(observation, mode);
    },
    async observe(transition) {
      const reward = design.reward(transition);
      if (typeof reward !== 'number' || !Number.isFinite(reward)) {
        throw new NonFiniteError(
          `the designed reward is ${String(reward)} at agent step ${agent.trainingAgentSteps} (action ${transition.action}, true reward ${transition.reward}); expected a finite number`,
        );
      }
      const metrics = await agent.observe({ ...transition, reward });
      if (transition.terminated || transition.truncated) {
        hasBegun = false;
        await design.endEpisode?.();
      }
      return metrics === undefined ? undefined : { ...metrics, ...design.metrics?.(), 'train/designedReward': reward };
    },
    getState: () => agent.getState(),
    setState: (state) => agent.setState(state),
    dispose: () => agent.dispose(),
  };
}
