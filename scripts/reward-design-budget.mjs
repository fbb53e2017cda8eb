// Why EXPRD's five states in Room hold learners up: designs with more and more states, how soon each tells good actions from bad ones, and how long Q-learning
// takes with it, in episodes of 30 steps and of 100. Writes docs/reward-design/room-budget.json.
//   node --conditions=@moe-rl/source scripts/reward-design-budget.mjs
import { writeFileSync } from 'node:fs';
import { inferiorActions } from '../packages/reward-design/src/exprd/target.ts';
import {
  DEFAULT_HORIZONS,
  designExprd,
  designOnStates,
  designTarget,
  horizonGaps,
  informativeness,
  room,
} from '../packages/reward-design/src/index.ts';
import { learningRun } from '../packages/reward-design/src/studies/learning.ts';

const SEEDS = 20;
const BUDGETS = [1, 3, 5, 8, 12, 20];
const EPISODE_STEPS = [30, 100];
const MAX_REWARD = 10;
const config = { goalReward: 10, discount: 0.95 };
const game = room(config);
const { mdp } = game;
const target = designTarget(mdp);
const inferior = inferiorActions(target);
const goal = 48;

const order = [];
await designExprd(mdp, {
  budget: Math.max(...BUDGETS),
  maxReward: MAX_REWARD,
  onState(state, value) {
    order.push(state);
    console.log(`${order.length}: state ${state} (${state % 7}, ${Math.floor(state / 7)}), informativeness ${value}`);
  },
});

const rows = [];
for (const budget of [0, ...BUDGETS]) {
  const chosen = order.slice(0, budget);
  const rewards =
    budget === 0 ? mdp.rewards : (await designOnStates(mdp, [goal, ...chosen], { maxReward: MAX_REWARD })).rewards;
  // Inferior actions that are behind by at least half of what they are for ever, within h.
  const told = DEFAULT_HORIZONS.map((horizon) => {
    const gaps = horizonGaps(target, rewards, horizon);
    return inferior.filter((at) => gaps[at] >= target.gaps[at] / 2).length / inferior.length;
  });
  const learning = Object.fromEntries(
    EPISODE_STEPS.map((horizon) => {
      const episodes = Array.from({ length: SEEDS }, (_, seed) => run(rewards, horizon, seed));
      return [horizon, episodes];
    }),
  );
  const row = {
    budget,
    chosen,
    informativeness: informativeness(target, rewards),
    told,
    rewards: chosen.map((state) => [state, [...rewards.slice(4 * state, 4 * state + 4)]]),
    learning,
  };
  console.log(JSON.stringify(row));
  rows.push(row);
}
writeFileSync(
  new URL('../docs/reward-design/room-budget.json', import.meta.url),
  `${JSON.stringify({ seeds: SEEDS, horizons: DEFAULT_HORIZONS, inferior: inferior.length, rows })}\n`,
);

function run(rewards, horizon, seed) {
  const design = {
    start: () => ({ pay: (state, action) => rewards[4 * state + action], endEpisode() {} }),
    dispose() {},
  };
  return learningRun({ ...game, horizon }, 'q-learning', design, { seed, maxEpisodes: 2000 }).episodes;
}
