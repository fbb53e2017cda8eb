// Writes docs/text2reward.md and its figure: numbers from docs/text2reward/results.jsonl (scripts/study-text2reward.mjs) and benchmarks/results/reward.json,
// programs from the recorded replies.
//   node --conditions=@moe-rl/source scripts/render-text2reward.mjs [--check]
// With --check nothing is written; it fails if anything would change.
import { existsSync, readFileSync } from 'node:fs';
import { makeAtari } from '../packages/ale-env/src/index.ts';
import { comparisonSvg } from '../packages/figures/src/index.ts';
import {
  classText,
  describeCheck,
  findDescription,
  recordedReplies,
  refineReward,
  writeReward,
} from '../packages/text2reward/src/index.ts';
import { studentInterval } from './render/intervals.mjs';
import { finish, read, readLines, write } from './render/pages.mjs';

const { goal: GOAL, seen: SEEN, advice: ADVICE } = JSON.parse(read('text2reward/words.json'));
const LABELS = { original: "the game's own reward", text2reward: 'the first program', refined: 'the refined program' };
/** Return from which on the game counts as learned here: a random agent has 1.1, the best possible is 40. */
const LEARNED = 10;

const model = recordedReplies(JSON.parse(read('text2reward/replies.json')));
const description = findDescription('windfall');
const environment = makeAtari({ game: 'windfall' });
const written = await writeReward({ model, description, environment, goal: GOAL });
const refined = await refineReward({
  model,
  description,
  environment,
  messages: written.messages,
  seen: SEEN,
  advice: ADVICE,
});

/** Mean and 95 % interval of Student's t over seeds. */
function interval(values) {
  const { mean, half } = studentInterval(values);
  return Number.isNaN(half)
    ? mean.toFixed(1)
    : `${mean.toFixed(1)} [${(mean - half).toFixed(1)}, ${(mean + half).toFixed(1)}]`;
}

/** Runs by how they were evaluated; a series counts once every reward has three seeds. The last one is the page's. */
function seriesOf(lines) {
  const series = new Map();
  for (const line of lines) {
    const key = [line.agentSteps, line.curve[0][0], line.episodes ?? 5].join();
    series.set(key, [...(series.get(key) ?? []), line]);
  }
  return [...series.values()].filter((own) =>
    Object.keys(LABELS).every((reward) => own.filter((line) => line.reward === reward).length >= 3),
  );
}

const mean = (curve) => curve.reduce((sum, [, value]) => sum + value, 0) / curve.length;
const best = (curve) => Math.max(...curve.map(([, value]) => value));
const reached = (curve) => curve.find(([, value]) => value >= LEARNED)?.[0];

/** Seed by seed: what chance does to both alike (start values, fruit) drops out. */
function gainsOf(lines) {
  const { agentSteps } = lines[0];
  return Object.keys(LABELS)
    .filter((reward) => reward !== 'original')
    .map((reward) => {
      const pairs = lines
        .filter((line) => line.reward === reward)
        .flatMap(({ seed, curve }) => {
          const original = lines.find((line) => line.reward === 'original' && line.seed === seed)?.curve;
          return original === undefined ? [] : [{ original, curve }];
        });
      const steps = pairs.map((pair) => (reached(pair.original) ?? agentSteps) - (reached(pair.curve) ?? agentSteps));
      const returns = pairs.map((pair) => mean(pair.curve) - mean(pair.original));
      return `Seed by seed, with ${LABELS[reward]} a return of ${LEARNED} comes ${interval(steps)} agent steps earlier than with the game's own reward, and the mean return over the run is higher by ${interval(returns)}.`;
    });
}

function results() {
  const all = seriesOf(readLines('text2reward/results.jsonl'));
  if (all.length === 0) return [];
  const lines = all.at(-1);
  const groups = Object.keys(LABELS)
    .map((reward) => ({ reward, lines: lines.filter((line) => line.reward === reward) }))
    .filter((group) => group.lines.length > 0);
  const { agentSteps, episodes = 5 } = lines[0];
  const period = lines[0].curve[0][0];
  const curves = groups.map(({ reward, lines: own }) => ({
    label: LABELS[reward],
    curves: own.map(({ curve }) => curve.map(([steps, value]) => ({ agentSteps: steps, value }))),
  }));
  write(
    'text2reward/learning.svg',
    comparisonSvg(curves, { title: 'Windfall: return under the true reward, evaluations' }),
  );
  const rows = groups.map(({ reward, lines: own }) => {
    const steps = own.map(({ curve }) => reached(curve));
    return `| ${LABELS[reward]} | ${own.length} | ${interval(own.map(({ curve }) => mean(curve)))} | ${interval(own.map(({ curve }) => best(curve)))} | ${interval(own.map(({ curve }) => curve.at(-1)[1]))} | ${steps.map((one) => one ?? 'not reached').join(', ')} |`;
  });
  const seeds = lines.filter(({ reward }) => reward === 'original').map(({ seed }) => seed);
  const earlier = all
    .slice(0, -1)
    .flatMap((own) => [
      `An earlier series, evaluated every ${own[0].curve[0][0]} agent steps over ${own[0].agentSteps.toLocaleString('en-US')}, after which this one's measures, length and seeds were chosen:`,
      ...gainsOf(own),
      '',
    ]);
  return [
    '## What it gained',
    '',
    `\`scripts/study-text2reward.mjs --agent-steps ${agentSteps} --period ${period} --episodes ${episodes} --first-seed ${Math.min(...seeds)} --seeds ${seeds.length}\` trains a small network (DQN, one layer of 128 units) for ${agentSteps.toLocaleString('en-US')} agent steps on Windfall as its RAM tells it: the basket's place, the fruit's place and height, whether one falls. The game's own`,
    `reward against the programs above, with the same seeds. Every number is the true return, of ${episodes} evaluation episodes (600 agent steps at most) every ${period} agent steps; brackets are 95 % intervals of Student’s t over seeds.`,
    'Standing still has 0.9, a random agent 1.1, the best possible is 40.',
    '',
    `| learned from | seeds | mean return over the run | best evaluation | last evaluation | agent steps to a return of ${LEARNED}, by seed |`,
    '| --- | --- | --- | --- | --- | --- |',
    ...rows,
    '',
    ...gainsOf(lines),
    '',
    ...earlier,
    '![Learning curves of the rewards](text2reward/learning.svg)',
    '',
  ];
}

function cost() {
  const file = new URL('../benchmarks/results/reward.json', import.meta.url);
  if (!existsSync(file)) return [];
  const { rows, machine } = JSON.parse(readFileSync(file, 'utf8'));
  const row = (name) => rows.find((one) => one.name === `reward/minatar-breakout/${name}`);
  const [whole, share] = [row('program'), row('share')];
  return [
    '## What it costs',
    '',
    `\`pnpm bench reward\`: on \`minatar/breakout\` with the small network (preset \`classic-control\`) an agent step takes ${whole.ours.toFixed(2)} ms of processor time with a program that goes through the hundred cells of the wall twice, and ${whole.peer.toFixed(2)} ms without; the program's own share of its`,
    `step is ${share.ours.toFixed(1)} % (at most 15 % is allowed). ${machine.processor}, ${machine.processors} processors, ${machine.date.slice(0, 10)}${rows.every(({ clean }) => clean) ? '' : ', while other programs ran'}.`,
    '',
  ];
}

write(
  'text2reward.md',
  [
    '# Rewards in words',
    '',
    'How [`@moe-rl/text2reward`](../packages/text2reward/README.md) turns a goal into a reward, on the embedded game, from the command line. This page is written by `scripts/render-text2reward.mjs`.',
    '',
    '```sh',
    `moe-rl reward write --game windfall --goal "${GOAL}" --server http://localhost:11434/v1 --model qwen3`,
    'moe-rl train --game windfall --reward text2reward --set reward.program=rewards/windfall/program-1.js --run-folder runs/words',
    `moe-rl reward refine rewards/windfall --run-folder runs/words --advice "${ADVICE}"`,
    '```',
    '',
    'Every program is shown, and kept under `attempts/`, before it runs; the folder keeps the programs, the conversation and the film. A run keeps a copy of its program and the description (`reward/`), goes on with that copy and asks no model again.',
    'What is reported, recorded and evaluated stays the true reward. A program that fails in the middle of a run ends it by name with its last checkpoint whole; `--resume --set reward.maxFailures=100` goes on over such steps with a reward of 0.',
    '`moe-rl reward describe --game NAME` shows what a program may know, `reward check FILE` tries one, `--replies FILE` takes recorded replies in place of a server.',
    '',
    "The replies on this page are [recorded](text2reward/replies.json), written by hand in the form in which a model answers: what is measured here is what a reward program gains, not how well some model writes one. The refined program was written after the first one's runs had been seen.",
    '',
    '## What a model is told of the game',
    '',
    '```ts',
    classText(description),
    '```',
    '',
    '## The program',
    '',
    `Goal: ${GOAL}`,
    '',
    '```js',
    written.source.trimEnd(),
    '```',
    '',
    `The check: ${describeCheck(written.report)}.`,
    '',
    '## The program after a round of advice',
    '',
    `Seen: ${SEEN} Advice: ${ADVICE}`,
    '',
    '```js',
    refined.source.trimEnd(),
    '```',
    '',
    `The check: ${describeCheck(refined.report)}.`,
    '',
    ...results(),
    ...cost(),
  ].join('\n'),
);
finish('render-text2reward.mjs');
