// Writes docs/reward-design.md and its figures: numbers from the result files in docs/reward-design/, rewards from the designs themselves.
//   node --conditions=@moe-rl/source scripts/render-reward-design.mjs [--check]
// Result files are made by `moe-rl reward-design study <name> --folder docs/reward-design/<name>`, `scripts/reward-design-budget.mjs` and `scripts/reward-design-dqn.mjs`. With --check nothing is
// written; it fails if anything would change.
import { existsSync } from 'node:fs';
import { designStudySvg } from '../apps/trainer/src/cli/reward-design-figure.ts';
import { createRng } from '../packages/core/src/index.ts';
import { comparisonSvg, heatMapSvg } from '../packages/figures/src/index.ts';
import {
  DESIGN_STUDY_NAMES,
  designExprd,
  designStudy,
  LEVEL,
  lineKey,
  lineKeyPicks,
  MAX_EPISODES,
  rewardMap,
  room,
  shapedRewards,
  summarizeDesigns,
} from '../packages/reward-design/src/index.ts';
import { docs, finish, read, readLines, write } from './render/pages.mjs';

/** Runs of each case; the table says where there are fewer. */
const SEEDS = 20;

const CLAIMS = {
  'exprd-5': 'EXPRD: a handful of states make Q-learning much faster',
  exprd: 'EXPRD: as fast as shaping by V*',
  expadard: 'EXPADARD: faster than rewards that do not follow the learner',
  explors: 'ExploRS: faster than either of its parts',
};

function studySection(name) {
  const results = readLines(`reward-design/${name}/results.jsonl`);
  if (results.length === 0) return [];
  const { title } = designStudy(name);
  write(`reward-design/${name}.svg`, designStudySvg(title, results));
  const summaries = summarizeDesigns(results);
  const learners = [...new Set(summaries.map(({ learner }) => learner))];
  const find = (learner, design) => summaries.find((one) => one.learner === learner && one.design === design);
  const designs = [...new Set(summaries.map(({ design }) => design))];
  const cell = (summary, original) => {
    if (summary === undefined) return '';
    const { mean, low, high, reached, seeds } = summary;
    const isFaster = summary !== original && original !== undefined && high < original.low;
    const text = `${mean.toFixed(0)} [${low.toFixed(0)}, ${high.toFixed(0)}]`;
    return `${isFaster ? `**${text}**` : text}${reached === seeds && seeds === SEEDS ? '' : `, ${reached} of ${seeds}`}`;
  };
  return [
    `## ${title}`,
    '',
    `\`moe-rl reward-design study ${name}\``,
    '',
    `| reward | ${learners.join(' | ')} | the paper says |`,
    `| --- |${learners.map(() => ' --- |').join('')} --- |`,
    ...designs.map(
      (design) =>
        `| ${design} | ${learners.map((learner) => cell(find(learner, design), find(learner, 'original'))).join(' | ')} | ${CLAIMS[design] ?? ''} |`,
    ),
    '',
    `![${title}](reward-design/${name}.svg)`,
    '',
  ];
}

/** How many states EXPRD needs in Room, from room-budget.json (scripts/reward-design-budget.mjs). */
function budgetSection() {
  if (!existsSync(new URL('reward-design/room-budget.json', docs))) return [];
  const { seeds, horizons, inferior, rows } = JSON.parse(read('reward-design/room-budget.json'));
  const steps = Object.keys(rows[0].learning);
  const shown = horizons.filter((horizon) => [1, 4, 8, 16].includes(horizon));
  const percent = (value) => `${(100 * value).toFixed(0)} %`;
  const told = (row, horizon) => row.told[horizons.indexOf(horizon)];
  const [none, five] = [rows[0], rows.find(({ budget }) => budget === 5)];
  const signs = (row) => {
    const paid = row.rewards.flatMap(([, values]) => values);
    return [paid.filter((value) => value > 1e-3).length, paid.filter((value) => value < -1e-3).length];
  };
  const meanOf = (row, length) =>
    row.learning[length].reduce((sum, one) => sum + (one ?? MAX_EPISODES['q-learning']), 0) / seeds;
  const faster = rows.find(
    (row) => row.budget >= 5 && steps.every((length) => meanOf(row, length) < meanOf(none, length)),
  );
  const place = (state) => `(${state % 7}, ${Math.floor(state / 7)})`;
  const learned = (row, length) => {
    const episodes = row.learning[length];
    const reached = episodes.filter((one) => one !== null).length;
    return `${meanOf(row, length).toFixed(0)}, ${reached} of ${seeds}`;
  };
  return [
    '### How many states EXPRD needs in Room',
    '',
    "The program's own numbers (`scripts/reward-design-budget.mjs`): the informativeness that the chosen states allow, at most 0; the share of the inferior actions that are behind the optimal one, within so many steps, by at",
    `least half of what they are behind for ever (${inferior} of them); and the mean episodes until Q-learning is optimal, in episodes of the length of the study and in longer ones, with the number of seeds that got there.`,
    '',
    `| states | informativeness | rewards above 0 / below | ${shown.map((horizon) => `told within ${horizon}`).join(' | ')} | ${steps.map((length) => `episodes of ${length} steps`).join(' | ')} | added |`,
    `| --- | --- | --- |${shown.map(() => ' --- |').join('')}${steps.map(() => ' --- |').join('')} --- |`,
    ...rows.map((row, index) => {
      const before = index === 0 ? 0 : rows[index - 1].chosen.length;
      const cells = [
        ...shown.map((horizon) => percent(told(row, horizon))),
        ...steps.map((length) => learned(row, length)),
      ];
      return `| ${row.budget} | ${row.informativeness.toFixed(1)} | ${index === 0 ? '' : signs(row).join(' / ')} | ${cells.join(' | ')} | ${row.chosen.slice(before).map(place).join(' ')} |`;
    }),
    '',
    `Five states are too few. They leave ${percent(five.informativeness / none.informativeness)} of what the true reward lacks in informativeness: the way from (1, 1) to the goal at (6, 6) leads through two doors and takes more than ten steps, and five states do not line it.`,
    `What they can do is punish: ${signs(five)[1]} of their ${4 * five.budget} rewards are below 0, ${signs(five)[0]} above. A step that pays could be taken again and again, unless going back costs as much, which takes further states: with both sides of a door, (1, 2) and (1, 3), (5, 2) and (5, 3), the program pays for going through. A learner whose`,
    `values start at 0 holds the five, which lie on its way to the doors, for worse than places where nothing is paid, and keeps away from them. ${faster === undefined ? 'No number of states tried helps' : `From ${faster.budget} states on (of those tried) Q-learning is faster than with the true reward`}.`,
    '',
  ];
}

/** The share of episodes of 60 steps in which a random agent gets a reward on LineK with so many keys. */
function luck(keys) {
  const episodes = 2000;
  const environment = lineKeyPicks({ keys }, { seed: 1 });
  const rng = createRng(1, `luck/${keys}`);
  let lucky = 0;
  for (let episode = 0; episode < episodes; episode++) {
    environment.reset();
    for (let hasEnded = false, isPaid = false; !hasEnded && !isPaid; ) {
      const { reward, terminated, truncated } = environment.step(rng.nextInteger(environment.actionCount));
      hasEnded = terminated || truncated;
      isPaid = reward > 0;
      if (isPaid) lucky++;
    }
  }
  return lucky / episodes;
}

function dqnSection() {
  const lines = readLines('reward-design/dqn.jsonl');
  if (lines.length === 0) return [];
  const rewards = [...new Set(lines.map(({ reward }) => reward))].sort().reverse();
  const seedsOf = (reward) => [...new Set(lines.filter((one) => one.reward === reward).map(({ seed }) => seed))];
  const curveOf = (reward, seed) => lines.filter((one) => one.reward === reward && one.seed === seed);
  write(
    'reward-design/dqn.svg',
    comparisonSvg(
      rewards.map((reward) => ({
        label: reward === 'original' ? 'DQN' : 'DQN with ExploRS',
        curves: seedsOf(reward).map((seed) =>
          curveOf(reward, seed).map(({ agentSteps, return: value }) => ({ agentSteps, value })),
        ),
      })),
    ),
  );
  const last = (reward) => seedsOf(reward).map((seed) => curveOf(reward, seed).at(-1).return);
  const solved = (reward) =>
    seedsOf(reward).map((seed) => curveOf(reward, seed).find((one) => one.return > 0)?.agentSteps ?? null);
  const median = (values) =>
    values.map((value) => value ?? Number.POSITIVE_INFINITY).sort((a, b) => a - b)[values.length >> 1];
  const [plain, explors] = ['original', 'explors'].map(solved);
  const found = plain.filter((steps) => steps !== null).length;
  return [
    '## ExploRS with DQN',
    '',
    'LineK without cells (`navigation/line-key-picks`, one key), where states are not known: reward, critic and agent are networks. 6,000 agent steps, evaluated every 600',
    'without the designed reward (`scripts/reward-design-dqn.mjs`).',
    '',
    '| | seeds | mean return at the end | first evaluation with a return, agent steps, by seed |',
    '| --- | --- | --- | --- |',
    ...rewards.map((reward) => {
      const values = last(reward);
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      return `| ${reward === 'original' ? 'DQN' : 'DQN with ExploRS'} | ${values.length} | ${mean.toFixed(1)} (${values.map((value) => value.toFixed(1)).join(', ')}) | ${solved(
        reward,
      )
        .map((steps) => steps ?? 'never')
        .join(', ')} |`;
    }),
    '',
    `No gain is shown, and the setting is not one that is hard for DQN: alone it finds the reward in ${found} of ${plain.length} seeds, half of them within ${median(plain)} agent steps (${median(explors)} with ExploRS). A random agent seldom does, in ${[
      1, 2, 4,
    ]
      .map((keys) => `${(100 * luck(keys)).toFixed(1)} % of episodes with ${keys} ${keys === 1 ? 'key' : 'keys'}`)
      .join(', ')},`,
    'presumably because it turns too often, while an untrained network walks one way for many steps (not measured). With more (`--set environment.keys=4`) it would have to guess the right one as well; that was not run.',
    '',
    '![DQN with and without ExploRS](reward-design/dqn.svg)',
    '',
  ];
}

async function mapSection() {
  const rooms = room({ slipProbability: 0.1, goalReward: 10, discount: 0.95 });
  const line = lineKey();
  const draw = (name, game, rewards, title) => {
    const { panels, rowNames } = rewardMap(game.mdp, game.layout, rewards);
    write(`reward-design/${name}.svg`, heatMapSvg(panels, { title, rowNames }));
  };
  draw('map-room-pbrs', rooms, shapedRewards(rooms.mdp), 'Room: rewards shaped by V*');
  const design = await designExprd(line.mdp, { budget: 3 });
  draw('map-line-key-exprd', line, design.rewards, 'LineK: EXPRD with budget 3');
  return [
    '## What designed rewards look like',
    '',
    'One panel for each action; blue takes, red gives. `moe-rl reward-design map <run-folder>` draws those of a run.',
    '',
    '![Room, shaped by V*](reward-design/map-room-pbrs.svg)',
    '',
    `![LineK, EXPRD](reward-design/map-line-key-exprd.svg)`,
    '',
  ];
}

const maps = await mapSection();
write(
  'reward-design.md',
  [
    '# Designed rewards, measured',
    '',
    'After how many episodes does a learner behave optimally, when it learns from a designed reward? The designs are those of [`@moe-rl/reward-design`](../packages/reward-design/README.md); this page is',
    'written by `scripts/render-reward-design.mjs` from the result lines in [reward-design/](reward-design/).',
    '',
    `A run counts the episodes until the learner's greedy policy, judged by its exact value under the true reward, is worth ${100 * LEVEL} % of the best one, at three checks in a row (one every 10 episodes, counted to`,
    `the first). Runs that never get there count with the longest time (${Object.entries(MAX_EPISODES)
      .map(([learner, episodes]) => `${learner} ${episodes}`)
      .join(
        ', ',
      )} episodes), and the table says how many did. Brackets are 95 % percentile bootstrap intervals over seeds; bold: the`,
    "interval lies below that of the original reward. Designed rewards are bounded by the largest true one; Q-learning has learning rate 0.5 and epsilon 0.1, REINFORCE 0.1 without a baseline. The authors' learners, lengths and",
    'tuning differ; what is compared is the order.',
    '',
    "Not everything is as the papers have it. EXPRD's five states in Room hold learners up in episodes of 30 steps, and its full rewards, like other mostly negative ones, teach REINFORCE without a baseline little; ExploRS's lead",
    'over the original reward in Room with Q-learning and in Chain with REINFORCE is smaller than the intervals are wide.',
    '',
    ...DESIGN_STUDY_NAMES.flatMap((name) => [...studySection(name), ...(name === 'room' ? budgetSection() : [])]),
    ...dqnSection(),
    ...maps,
  ].join('\n'),
);
finish('render-reward-design.mjs');
