// An agent: Q-learning over observations rounded to a grid. Anything with these six members can be trained, resumed and evaluated.
// `moe-rl train --module docs/extending/grid-q.mjs --game classic-control/cart-pole --preset grid-q --set grid.learningRate=0.2`.
const VERSION = 1;

/** A small random stream whose whole state is one number (xorshift), so that a run that goes on draws what it would have drawn. */
const nextSeed = (seed) => {
  let x = seed;
  x ^= x << 13;
  x ^= x >>> 17;
  x ^= x << 5;
  return x >>> 0;
};

function gridQ({ learningRate, discountFactor, epsilon, cellSize }, seed, actionCount) {
  let values = new Map();
  let random = seed * 2 + 1;
  let steps = 0;
  const draw = () => {
    random = nextSeed(random);
    return random / 2 ** 32;
  };
  const cellOf = (observation) => Array.from(observation, (one) => Math.round(one / cellSize)).join();
  const valuesOf = (observation) => values.get(cellOf(observation)) ?? new Array(actionCount).fill(0);
  return {
    get trainingAgentSteps() {
      return steps;
    },
    get updates() {
      return steps;
    },
    act(observation, mode) {
      if (mode === 'train' && draw() < epsilon) return Math.floor(draw() * actionCount);
      const own = valuesOf(observation);
      return own.indexOf(Math.max(...own));
    },
    observe({ observation, action, reward, terminated, nextObservation }) {
      const own = [...valuesOf(observation)];
      const next = terminated ? 0 : discountFactor * Math.max(...valuesOf(nextObservation));
      const error = reward + next - own[action];
      own[action] += learningRate * error;
      values.set(cellOf(observation), own);
      steps++;
      return { 'train/loss': error * error, 'grid/cells': values.size };
    },
    getState: () => ({ kind: 'grid-q', version: VERSION, random, steps, values: JSON.stringify([...values]) }),
    setState(state) {
      [random, steps, values] = [state.random, state.steps, new Map(JSON.parse(state.values))];
    },
    dispose() {},
  };
}

export function register({ agents, presets, metrics, setting }) {
  metrics.register('grid/cells', { unit: 'cells', description: 'Cells that have been visited' });
  agents.register('grid-q', {
    description: 'Q-learning over a grid of observations',
    // Groups of settings stand beside the run's own.
    settings: {
      grid: setting.group({
        learningRate: setting.share('Learning rate', 0.1),
        discountFactor: setting.share('Discount factor', 0.99),
        epsilon: setting.share('Probability of a random action', 0.1),
        cellSize: setting.positive('Width of a cell', 0.1),
      }),
    },
    create: ({ config, environment }) => ({ agent: gridQ(config.grid, config.seed, environment.actionCount) }),
  });
  presets.register('grid-q', { description: 'Its defaults', agent: 'grid-q', trainingAgentSteps: 20_000 });
}
