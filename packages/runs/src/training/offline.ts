// Two neighbors of the run loop: one that learns from a dataset and takes no step in an environment, and one that records what the loop does.
import type { Agent, AgentMetrics, RunStep } from '@moe-rl/core';
import type { TransitionRecorder } from './replay-persistence.ts';

const NOTHING_SEEN = new Uint8Array(0);

/** A step per call of `learn`, in the form of the run loop's: without observations, rewards and ends of episodes. */
export async function* offlineSteps(
  learn: () => Promise<AgentMetrics | undefined>,
): AsyncGenerator<RunStep, never, void> {
  for (;;) {
    const metrics = await learn();
    yield {
      action: 0,
      observation: NOTHING_SEEN,
      reward: 0,
      terminated: false,
      truncated: false,
      episodeAgentSteps: 0,
      episodeReturn: 0,
      metrics,
      info: {},
    };
  }
}

/** The agent, with everything it observes recorded. */
export function recordedBy(recorder: TransitionRecorder, agent: Agent): Pick<Agent, keyof Agent> {
  return {
    get trainingAgentSteps() {
      return agent.trainingAgentSteps;
    },
    get updates() {
      return agent.updates;
    },
    act: (observation, mode) => agent.act(observation, mode),
    async observe(transition) {
      await recorder.add(transition);
      return agent.observe(transition);
    },
    getState: () => agent.getState(),
    setState: (state) => agent.setState(state),
    dispose: () => agent.dispose(),
  };
}
