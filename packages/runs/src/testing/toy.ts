// A toy environment and a toy learner for tests: small, fast, and with every kind of state (random streams, arrays, an episode under way), so that a wrong
// resume shows.
import {
  type Agent,
  createRng,
  type Environment,
  type RewardDesign,
  type RngState,
  type StateTree,
} from '@moe-rl/core';

/** A walk on a line of 9 cells from the middle; the right end pays 1, the left end 0, and a gust moves the walker now and then. */
export function createToyEnvironment(): Environment {
  let rng = createRng(0, 'toy');
  let cell = 4;
  const observation = new Float32Array(9);
  const observe = (): Float32Array => {
    observation.fill(0);
    observation[cell] = 1;
    return observation;
  };
  return {
    id: 'toy',
    observationSpec: { frameShape: [9], stackSize: 1, dtype: 'float32' },
    actionCount: 2,
    reset(options) {
      if (options?.seed !== undefined) rng = createRng(options.seed, 'toy');
      cell = 3 + rng.nextInteger(3);
      return { observation: observe(), info: {} };
    },
    step(action) {
      cell += rng.nextFloat() < 0.2 ? rng.nextInteger(3) - 1 : action === 1 ? 1 : -1;
      cell = Math.min(8, Math.max(0, cell));
      const terminated = cell === 0 || cell === 8;
      return { observation: observe(), reward: cell === 8 ? 1 : 0, terminated, truncated: false, info: {} };
    },
    getState: () => ({ rng: rng.getState(), cell }),
    setState(state) {
      rng.setState(state.rng as RngState);
      cell = Number(state.cell);
    },
    close() {},
  };
}

/** Tabular Q-learning with an epsilon-greedy policy. */
export function createToyAgent(seed: number): Agent & { readonly table: Float64Array } {
  const rng = createRng(seed, 'toy-agent');
  let table = new Float64Array(18);
  let trainingAgentSteps = 0;
  return {
    get table() {
      return table;
    },
    get trainingAgentSteps() {
      return trainingAgentSteps;
    },
    get updates() {
      return trainingAgentSteps;
    },
    act(observation, mode) {
      const cell = observation.indexOf(1);
      if (rng.nextFloat() < (mode === 'train' ? 0.3 : 0.05)) return rng.nextInteger(2);
      return table[cell * 2 + 1]! >= table[cell * 2]! ? 1 : 0;
    },
    observe({ observation, action, reward, terminated, nextObservation }) {
      trainingAgentSteps++;
      const at = observation.indexOf(1) * 2 + action;
      const next = nextObservation.indexOf(1) * 2;
      const target = reward + (terminated ? 0 : 0.9 * Math.max(table[next]!, table[next + 1]!));
      const error = target - table[at]!;
      table[at] = table[at]! + 0.1 * error;
      return { 'train/loss': error * error, 'train/epsilon': 0.3 };
    },
    getState: () => ({ rng: rng.getState(), table: table.slice(), trainingAgentSteps }) as StateTree,
    setState(state) {
      rng.setState(state.rng as RngState);
      table = Float64Array.from(state.table as Float64Array);
      trainingAgentSteps = Number(state.trainingAgentSteps);
    },
    dispose() {},
  };
}

/** A bonus that falls with the visits of a cell, and a count of the steps of the episode. */
export function createToyReward(scale: number): RewardDesign {
  let visits = new Float64Array(9);
  let steps = 0;
  return {
    begin: () => {
      steps = 0;
    },
    reward({ reward, nextObservation }) {
      const cell = nextObservation.indexOf(1);
      visits[cell]!++;
      return reward - 0.001 * ++steps + scale / Math.sqrt(visits[cell]!);
    },
    getState: () => ({ visits: visits.slice(), steps }),
    setState(state) {
      visits = Float64Array.from(state.visits as Float64Array);
      steps = Number(state.steps);
    },
  };
}

/** Collects what a display would show. */
export function captureOutput(isTTY = false): {
  isTTY: boolean;
  columns: number;
  write(text: string): void;
  text: string;
} {
  return {
    isTTY,
    columns: 120,
    text: '',
    write(text) {
      this.text += text;
    },
  };
}
