// The agent that acts uniformly at random: the floor that every result is compared with.
import type { Agent } from './agent.ts';
import { createRng, type RngState } from './rng.ts';

/** Makes a random agent; it never learns. */
export function createRandomAgent(actionCount: number, seed: number): Agent {
  const rng = createRng(seed, 'random-agent');
  let trainingAgentSteps = 0;
  return {
    get trainingAgentSteps() {
      return trainingAgentSteps;
    },
    updates: 0,
    act: () => rng.nextInteger(actionCount),
    actionProbabilities: () => new Float32Array(actionCount).fill(1 / actionCount),
    observe() {
      trainingAgentSteps++;
      return undefined;
    },
    getState: () => ({ rng: rng.getState(), trainingAgentSteps }),
    setState(state) {
      rng.setState(state.rng as RngState);
      trainingAgentSteps = Number(state.trainingAgentSteps);
    },
    dispose() {},
  };
}
