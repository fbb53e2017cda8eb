// Pairs of a goal and a reward program to show to a model, and the choice of those nearest to a goal.
import { InvalidArgumentError, requireInteger } from '@moe-rl/core';

export interface RewardExample {
  /** Id of the environment that it was written for. */
  readonly environment: string;
  readonly title: string;
  readonly goal: string;
  readonly source: string;
}

export const REWARD_EXAMPLES: readonly RewardExample[] = [
  {
    environment: 'classic-control/cart-pole',
    title: 'CartPole',
    goal: 'Balance the pole upright and stay near the middle.',
    source: `function computeReward(env, action, previous) {
  const upright = 1 - Math.abs(env.pole.angle) / 0.2095;
  const centered = 1 - Math.abs(env.cart.position) / 2.4;
  return env.terminated ? -1 : 0.7 * upright + 0.3 * centered;
}
`,
  },
  {
    environment: 'classic-control/mountain-car',
    title: 'MountainCar',
    goal: 'Swing the car up to the flag on the hill as fast as possible.',
    source: `// Height and kinetic energy together grow while the car swings up.
function energy(state) {
  return Math.sin(3 * state.car.position) * 0.0025 + 0.5 * state.car.velocity * state.car.velocity;
}

function computeReward(env, action, previous) {
  if (env.terminated) return 1;
  return 300 * (energy(env) - energy(previous));
}
`,
  },
  {
    environment: 'bsuite/catch',
    title: 'Catch',
    goal: 'Be under the falling ball with the paddle when it lands.',
    source: `function distance(state) {
  return Math.abs(state.ball.column - state.paddle.column);
}

function computeReward(env, action, previous) {
  if (env.terminated) return distance(env) === 0 ? 1 : -1;
  // Pays for coming nearer, costs for going away.
  return 0.2 * (distance(previous) - distance(env));
}
`,
  },
  {
    environment: 'minatar/asterix',
    title: 'MinAtar Asterix',
    goal: 'Collect treasures and keep away from enemies.',
    source: `function computeReward(env, action, previous) {
  let reward = env.gameReward;
  for (let lane = 0; lane < env.lanes.x.length; lane++) {
    if (env.lanes.x[lane] < 0) continue;
    const distance = Math.abs(env.lanes.x[lane] - env.player.x) + Math.abs(lane + 1 - env.player.y);
    if (distance <= 2) reward += env.lanes.isTreasure[lane] === 1 ? 0.05 : -0.1;
  }
  return env.terminated ? -1 : reward;
}
`,
  },
  {
    environment: 'minatar/freeway',
    title: 'MinAtar Freeway',
    goal: 'Cross the road to the other side as often as possible, going up between the cars.',
    source: `function computeReward(env, action, previous) {
  if (env.gameReward > 0) return 1;
  const climbed = previous.chicken.y - env.chicken.y;
  return climbed < -1 ? -0.5 : 0.1 * climbed;
}
`,
  },
  {
    environment: 'minatar/seaquest',
    title: 'MinAtar Seaquest',
    goal: 'Shoot enemies, but surface with a diver before the oxygen runs out.',
    source: `function computeReward(env, action, previous) {
  let reward = 0.5 * env.gameReward + 0.3 * Math.max(0, env.diversOnBoard - previous.diversOnBoard);
  if (env.oxygen < 60 && env.diversOnBoard > 0) reward += 0.05 * (previous.submarine.y - env.submarine.y);
  return env.terminated ? -1 : reward;
}
`,
  },
  {
    environment: 'atari/pong',
    title: 'Pong',
    goal: 'Win points by keeping the paddle level with the ball.',
    source: `function computeReward(env, action, previous) {
  const point = env.player.score - previous.player.score - (env.opponent.score - previous.opponent.score);
  if (point !== 0) return point;
  if (env.ball.y === 0) return 0;
  const distance = (state) => Math.abs(state.ball.y - state.player.y - 8);
  return Math.max(-0.1, Math.min(0.1, 0.01 * (distance(previous) - distance(env))));
}
`,
  },
];

/**
 * The `count` examples whose goals and titles share most with this one: cosine of words weighted by how rare they are (the paper takes embeddings of a hosted
 * model, which would need one). Ties go to the earlier example; those written for the same environment and goal are left out.
 * @throws InvalidArgumentError for a count below 0
 */
export function nearestExamples(
  request: { readonly goal: string; readonly title: string; readonly environment: string },
  count: number,
  examples: readonly RewardExample[] = REWARD_EXAMPLES,
): readonly RewardExample[] {
  requireInteger('examples', count, 0, 100);
  const others = examples.filter(
    ({ environment, goal }) => environment !== request.environment || goal !== request.goal,
  );
  const documents = others.map(({ title, goal }) => words(`${title} ${goal}`));
  const wanted = words(`${request.title} ${request.goal}`);
  const rarity = (word: string): number => {
    const found = documents.filter((document) => document.has(word)).length;
    return Math.log((1 + documents.length) / (1 + found)) + 1e-9;
  };
  const length = (document: ReadonlySet<string>): number =>
    Math.sqrt([...document].reduce((sum, word) => sum + rarity(word) ** 2, 0)) || 1;
  const similarity = (document: ReadonlySet<string>): number => {
    const shared = [...document].filter((word) => wanted.has(word));
    return shared.reduce((sum, word) => sum + rarity(word) ** 2, 0) / (length(document) * length(wanted));
  };
  return others
    .map((example, index) => ({ example, index, score: similarity(documents[index]!) }))
    .sort((a, b) => b.score - a.score || a.index - b.index)
    .slice(0, count)
    .map(({ example }) => example);
}

/**
 * Examples of somebody's own, from JSON.
 * @throws InvalidArgumentError naming the place and what is missing
 */
export function checkExamples(value: unknown, place: string): readonly RewardExample[] {
  if (!Array.isArray(value)) throw new InvalidArgumentError(`${place}: expected a list of examples`);
  value.forEach((one: Readonly<Record<string, unknown>> | null, index) => {
    for (const key of ['environment', 'title', 'goal', 'source']) {
      if (typeof one?.[key] !== 'string') {
        throw new InvalidArgumentError(`${place}: example ${index + 1} lacks ${key}; expected a text`);
      }
    }
  });
  return value as readonly RewardExample[];
}

/** Words without their commonest endings, so that `balls` meets `ball` and `falling` meets `fall`. */
function words(text: string): ReadonlySet<string> {
  const found = text.toLowerCase().match(/[a-z]{3,}/g) ?? [];
  return new Set(found.map((word) => word.replace(/(ing|ed|es|s)$/, '')));
}
