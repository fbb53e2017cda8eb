// A neighbor of the run loop that learns from a dataset and takes no step in an environment.
import type { AgentMetrics, RunStep } from '@moe-rl/core';

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
