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
import { studentInterval } from './render/intervals.mjs';
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

const DQN_NAMES = { original: 'DQN', explors: 'DQN with ExploRS' };

/** Curves of DQN with and without ExploRS on LineK with so many keys. */
function dqnRuns(keys) {
  const lines = readLines('reward-design/dqn.jsonl').filter((one) => one.keys === keys);
  return Object.keys(DQN_NAMES).map((reward) => {
    const own = lines.filter((one) => one.reward === reward);
    const seeds = [...new Set(own.map(({ seed }) => seed))];
    return { reward, curves: seeds.map((seed) => own.filter((one) => one.seed === seed)) };
  });
}

function dqnTable(keys) {
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const meanReturns = (curves) => curves.map((curve) => mean(curve.map((one) => one.return)));
  const runs = dqnRuns(keys);
  write(
    `reward-design/dqn-${keys}.svg`,
    comparisonSvg(
      runs.map(({ reward, curves }) => ({
        label: DQN_NAMES[reward],
        curves: curves.map((curve) => curve.map(({ agentSteps, return: value }) => ({ agentSteps, value }))),
      })),
    ),
  );
  const [plain, explors] = runs.map(({ curves }) => meanReturns(curves));
  const gain = studentInterval(explors.map((value, seed) => value - plain[seed]));
  const ends = [gain.mean - gain.half, gain.mean + gain.half];
  const steps = runs[0].curves[0].at(-1).agentSteps;
  const verdict =
    ends[0] > 0 ? 'ExploRS gains' : ends[1] < 0 ? 'ExploRS loses' : 'No gain is shown: the interval holds 0';
  return [
    `${keys === 1 ? 'One key' : `${keys} keys, of which one opens the goal`}, ${steps.toLocaleString('en')} agent steps. A random agent gets a reward in ${(100 * luck(keys)).toFixed(1)} % of episodes.`,
    '',
    '| | seeds that found the reward | mean return over the training, by seed | at the end | first evaluation with a return, agent steps |',
    '| --- | --- | --- | --- | --- |',
    ...runs.map(({ reward, curves }) => {
      const found = curves.map((curve) => curve.find((one) => one.return > 0)?.agentSteps ?? null);
      const cells = [
        `${found.filter((one) => one !== null).length} of ${curves.length}`,
        meanReturns(curves)
          .map((value) => value.toFixed(1))
          .join(', '),
        mean(curves.map((curve) => curve.at(-1).return)).toFixed(1),
        found.map((one) => one ?? 'never').join(', '),
      ];
      return `| ${DQN_NAMES[reward]} | ${cells.join(' | ')} |`;
    }),
    '',
    `Mean return over the training, with ExploRS minus without, paired by seed: ${gain.mean.toFixed(1)} [${ends.map((end) => end.toFixed(1)).join(', ')}] (95 %, Student's t). ${verdict}.`,
    '',
    `![DQN with and without ExploRS, ${keys} ${keys === 1 ? 'key' : 'keys'}](reward-design/dqn-${keys}.svg)`,
    '',
  ];
}

function dqnSection() {
  const counts = [...new Set(readLines('reward-design/dqn.jsonl').map(({ keys }) => keys))];
  if (counts.length === 0) return [];
  return [
    '## ExploRS with DQN',
    '',
    'LineK without cells (`navigation/line-key-picks`), where states are not known: reward, critic and agent are networks. Evaluated ten times, without the designed reward, 3 episodes each',
    '(`scripts/reward-design-dqn.mjs`).',
    '',
    ...counts.flatMap(dqnTable),
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
