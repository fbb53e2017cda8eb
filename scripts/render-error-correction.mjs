// Writes docs/error-correction.md and its figure from docs/error-correction/results.jsonl, which scripts/study-error-correction.mjs makes.
//   node --conditions=@moe-rl/source scripts/render-error-correction.mjs [--check]
// With --check nothing is written; it fails if anything would change.
import { linearScale, svgText } from '../packages/figures/src/index.ts';
import { studentInterval as interval } from './render/intervals.mjs';
import { finish, readLines, write } from './render/pages.mjs';

/** Runs by their settings (seed and variant aside) and households of the evaluation; the page is of the newest series that has three seeds of both variants. */
const series = new Map();
for (const run of readLines('error-correction/results.jsonl')) {
  const households = run.evaluation?.arrangements;
  const key = JSON.stringify({ ...run.settings, seed: 0, plansOnly: false, network: null, households });
  series.set(key, [...(series.get(key) ?? []), run]);
}
const isWhole = (own) => ['plans', 'e2cl'].every((one) => own.filter(({ variant }) => variant === one).length >= 3);
const wholeSeries = [...series.values()].filter(isWhole);
const runs = wholeSeries.at(-1);
const NAMES = { plans: 'plans alone', e2cl: 'E2CL', soft: 'E2CL, Soft MoE' };
const SPLITS = { arrangements: 'known tasks, unseen arrangements', tasks: 'unseen tasks' };
const MEASURES = {
  stepExecutability: 'steps executable',
  taskExecutability: 'tasks executable as a whole',
  tasksDone: 'tasks done',
  agreement: 'LCS with the expert',
};
const variants = Object.keys(NAMES).filter((variant) => runs.some((run) => run.variant === variant));
const ROWS = variants.flatMap((variant) =>
  ['plain', 'speculative']
    .filter((inference) =>
      runs.some((run) => run.variant === variant && run.results.some((row) => row.inference === inference)),
    )
    .map((inference) => ({ variant, inference })),
);

function valuesOf({ variant, inference }, split, measure, from = runs) {
  const own = from.filter((run) => run.variant === variant);
  return new Map(
    own.map(({ seed, results }) => [
      seed,
      results.find((result) => result.split === split && result.inference === inference)[measure],
    ]),
  );
}

const percent = (value) => (100 * value).toFixed(1);
const shown = ({ mean, half }, low = Number.NEGATIVE_INFINITY, high = Number.POSITIVE_INFINITY) =>
  Number.isNaN(half)
    ? percent(mean)
    : `${percent(mean)} [${percent(Math.max(low, mean - half))}, ${percent(Math.min(high, mean + half))}]`;

function table(split) {
  return [
    `| % | ${Object.values(MEASURES).join(' | ')} | errors corrected | calls per step |`,
    `| --- |${' --- |'.repeat(Object.keys(MEASURES).length + 2)}`,
    ...ROWS.map((row) => {
      const cells = Object.keys(MEASURES).map((measure) =>
        shown(interval([...valuesOf(row, split, measure).values()]), 0, 1),
      );
      const sum = (key) => [...valuesOf(row, split, key).values()].reduce((total, value) => total + value, 0);
      const seeds = valuesOf(row, split, 'errors').size;
      const corrected = row.inference === 'plain' ? '' : `${sum('corrected')} of ${sum('errors')}`;
      return `| ${NAMES[row.variant]}, ${row.inference} | ${cells.join(' | ')} | ${corrected} | ${(sum('callsPerStep') / seeds).toFixed(2)} |`;
    }),
  ];
}

/** What the intervals allow to say. */
function verdicts() {
  const measures = ['stepExecutability', 'taskExecutability', 'tasksDone'];
  const against = [
    ['E2CL with speculative inference over plans alone', ...E2CL_MINUS_PLANS],
    [
      'E2CL with plain inference over plans alone',
      { variant: 'e2cl', inference: 'plain' },
      { variant: 'plans', inference: 'plain' },
    ],
    ['speculative over plain inference', ...SPECULATIVE_MINUS_PLAIN],
  ];
  if (!variants.includes('e2cl')) return [];
  // Student's t on two values, for six intervals at once, is luck.
  if (missing.length > 0) return ['- Too few seeds to say whether anything is gained.'];
  return against.map(([name, first, second]) => {
    const found = Object.keys(SPLITS).flatMap((split) =>
      measures.map((measure) => {
        const [a, b] = [valuesOf(first, split, measure), valuesOf(second, split, measure)];
        const { mean, half } = interval(
          [...a.keys()].filter((seed) => b.has(seed)).map((seed) => a.get(seed) - b.get(seed)),
        );
        const text = `${MEASURES[measure]} (${SPLITS[split]})`;
        return { text, isGain: mean - half > 0, isLoss: mean + half < 0 };
      }),
    );
    const texts = (isShown) => found.filter(isShown).map(({ text }) => text);
    const gains = texts(({ isGain }) => isGain);
    const losses = texts(({ isLoss }) => isLoss);
    const gained = gains.length === 0 ? 'none. At these sizes the runs do not show one' : gains.join(', ');
    return `- Gains of ${name} whose interval excludes 0: ${gained}.${losses.length === 0 ? '' : ` Losses: ${losses.join(', ')}.`}`;
  });
}

const E2CL_MINUS_PLANS = [
  { variant: 'e2cl', inference: 'speculative' },
  { variant: 'plans', inference: 'plain' },
];
const SPECULATIVE_MINUS_PLAIN = [
  { variant: 'e2cl', inference: 'speculative' },
  { variant: 'e2cl', inference: 'plain' },
];

/** A difference of paired seeds with its interval, in points. */
function difference([first, second], split, measure, from = runs) {
  const [a, b] = [valuesOf(first, split, measure, from), valuesOf(second, split, measure, from)];
  return shown(interval([...a.keys()].filter((seed) => b.has(seed)).map((seed) => a.get(seed) - b.get(seed))));
}

/** Differences of paired seeds. */
function differences() {
  const pairs = [
    ['E2CL, speculative, minus plans alone, plain', ...E2CL_MINUS_PLANS],
    [
      'E2CL, plain, minus plans alone, plain',
      { variant: 'e2cl', inference: 'plain' },
      { variant: 'plans', inference: 'plain' },
    ],
    ['E2CL: speculative minus plain', ...SPECULATIVE_MINUS_PLAIN],
  ];
  const measures = ['stepExecutability', 'taskExecutability', 'tasksDone'];
  if (!variants.includes('e2cl')) return [];
  return [
    '## Differences',
    '',
    `| points | | ${measures.map((measure) => MEASURES[measure]).join(' | ')} |`,
    `| --- | --- |${' --- |'.repeat(measures.length)}`,
    ...pairs.flatMap(([name, first, second]) =>
      Object.keys(SPLITS).map((split) => {
        const cells = measures.map((measure) => difference([first, second], split, measure));
        return `| ${name} | ${SPLITS[split]} | ${cells.join(' | ')} |`;
      }),
    ),
    '',
  ];
}

function figure() {
  const [width, rowHeight, left] = [960, 26, 250];
  const panels = Object.keys(SPLITS).flatMap((split) =>
    ['stepExecutability', 'tasksDone'].map((measure) => ({ split, measure })),
  );
  const panelHeight = 62 + ROWS.length * rowHeight;
  const panelWidth = (width - left) / 2;
  const height = 44 + 2 * panelHeight;
  const marks = panels.flatMap(({ split, measure }, index) => {
    const x0 = left + (index % 2) * panelWidth;
    const y0 = 44 + Math.floor(index / 2) * panelHeight;
    const x = linearScale(0, 1, x0 + 12, x0 + panelWidth - 24);
    const bottom = y0 + 24 + ROWS.length * rowHeight;
    const grid = [0, 0.25, 0.5, 0.75, 1].flatMap((tick) => [
      `<line x1="${x(tick).toFixed(1)}" x2="${x(tick).toFixed(1)}" y1="${y0 + 20}" y2="${bottom}" stroke="#e3e6ea"/>`,
      svgText(x(tick), bottom + 16, `${100 * tick}`, 'middle'),
    ]);
    const rows = ROWS.flatMap((row, at) => {
      const y = y0 + 24 + (at + 0.5) * rowHeight;
      const values = [...valuesOf(row, split, measure).values()];
      const { mean, half } = interval(values);
      const color = row.variant === 'plans' ? '#6b7683' : row.inference === 'plain' ? '#2b6cb0' : '#c05621';
      const ends = [Math.max(0, mean - half), Math.min(1, mean + half)].map((value) => x(value).toFixed(1));
      return [
        ...(Number.isNaN(half)
          ? []
          : [`<line x1="${ends[0]}" x2="${ends[1]}" y1="${y}" y2="${y}" stroke="${color}" stroke-width="2"/>`]),
        ...values.map((value) => `<circle cx="${x(value).toFixed(1)}" cy="${y}" r="3" fill="none" stroke="${color}"/>`),
        `<circle cx="${x(mean).toFixed(1)}" cy="${y}" r="5" fill="${color}"/>`,
        ...(index % 2 === 0 ? [svgText(left - 6, y + 4, `${NAMES[row.variant]}, ${row.inference}`, 'end')] : []),
      ];
    });
    return [
      svgText(x0 + 12, y0 + 12, `${MEASURES[measure]}, %: ${SPLITS[split]}`, 'start', '#20262d'),
      ...grid,
      ...rows,
    ];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="DejaVu Sans, Verdana, sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="16" y="26" font-size="16" fill="#20262d">Held-out problems of the text household: means, 95 % intervals, single seeds</text>`,
    ...marks,
    '</svg>',
    '',
  ].join('\n');
}

const { settings, evaluation } = runs[0];
/** What the study plans and hasn't done yet. */
const missing = ['plans', 'e2cl'].flatMap((variant) =>
  [...new Set(runs.map(({ seed }) => seed))]
    .filter((seed) => !runs.some((run) => run.variant === variant && run.seed === seed))
    .map((seed) => `${NAMES[variant]} ${seed}`),
);
/** What exploration found, where it was counted: means over seeds and rounds. */
const found = runs.flatMap(({ exploration = [] }) => exploration);
const meanFound = (key) => Math.round(found.reduce((sum, round) => sum + round[key], 0) / found.length);
/** The network that is told which lines name the same thing came with this setting. */
const hasPresentNetwork = ([{ settings: of }]) => of.feedbackBatchSize !== undefined;
const earlier = wholeSeries.slice(0, -1);
/** The longest of the earlier series with the present network: the one before END was judged. */
const before = earlier.filter(hasPresentNetwork).at(-1);

/** An earlier series of another network, in a sentence. */
function describeEarlier(series) {
  const { demonstrations, tasks, planUpdates, correctionUpdates, network } = series[0].settings;
  const plans = demonstrations === 1 ? 'plan' : 'plans';
  return (
    `- An earlier series (${series.length} runs, ${demonstrations} ${plans} for each of ${tasks} tasks, ${planUpdates} and ${correctionUpdates} updates, ` +
    `${network.encoderLayers} encoder layer of ${network.size}, not told which lines name the same thing) came first.`
  );
}

/** What came before this series, with what it found. */
function history() {
  const differencesOf = (pair, series) =>
    Object.entries(SPLITS)
      .map(([split, name]) => {
        const values = ['stepExecutability', 'tasksDone'].map(
          (measure) => `${MEASURES[measure]} ${difference(pair, split, measure, series)}`,
        );
        return `${name}: ${values.join(', ')}`;
      })
      .join('; ');
  const seeds = [...new Set(before.map(({ seed }) => seed))];
  const { planUpdates, correctionUpdates, rounds } = before[0].settings;
  return [
    '## What came before',
    '',
    ...earlier.filter((one) => !hasPresentNetwork(one)).map(describeEarlier),
    '- What these lacked, by one of their runs: the network took a quarter of its executable steps for errors, and its corrections repeated the rejected action in two of three cases, saying the next step of a plan',
    '  known by heart. The network was changed after that, for all variants alike.',
    `- A third one, of the present network (seeds ${seeds.join(', ')}, ${planUpdates} and ${correctionUpdates} updates, ${rounds} rounds, ${before[0].evaluation.arrangements} households per task; its first three seeds in 2 households came before),`,
    '  took END as it is and kept every correction that the household accepts. Points, E2CL with speculative inference minus plans alone:',
    `  ${differencesOf(E2CL_MINUS_PLANS, before)}. Speculative minus plain: ${differencesOf(SPECULATIVE_MINUS_PLAIN, before)}.`,
    '- What that one lacked, by the steps of one of its policies on other households: a quarter of the episodes ended with END said too soon, which nothing questioned, though the program of the authors asks for the feedback',
    '  on END too; and nine in ten rejected proposals that were made executable brought the task no nearer. So the household answers END by now, speculative inference foresees that answer, and exploration keeps a',
    '  correction only if the task gets finished from there. The updates behind the plans were doubled, to four rounds, for plans alone too.',
    '- Tried on the way with seeds 1 and 21 on other households, END judged in all: every accepted correction kept (2 rounds, seed 1 alone; 4 rounds), those that lead to the end preferred (4 rounds) or kept alone (2 and 4 rounds).',
    '  The last one finished most tasks in the mean of both. It was fixed before the seeds above were run.',
    '',
  ];
}
const seedsOf = (variant) => runs.filter((run) => run.variant === variant).map(({ seed }) => seed);
const minutes = (variant) => {
  const own = runs.filter((run) => run.variant === variant).map(({ processorSeconds }) => processorSeconds / 60);
  return `${NAMES[variant]} ${Math.min(...own).toFixed(1)} to ${Math.max(...own).toFixed(1)}`;
};

write('error-correction/held-out.svg', figure());
write(
  'error-correction.md',
  [
    '# Error correction in a text household',
    '',
    'What exploration, feedback and correction (E2CL, 2409.03256) gain over expert plans alone, measured with [`@moe-rl/error-correction`](../packages/error-correction/README.md) on problems that nothing',
    'was trained on. This page is written by `scripts/render-error-correction.mjs` from [results.jsonl](error-correction/results.jsonl), which `scripts/study-error-correction.mjs` makes with the commands',
    '`moe-rl error-correction train` and `evaluate`.',
    '',
    `- ${settings.tasks} tasks with ${settings.demonstrations} expert ${settings.demonstrations === 1 ? 'plan' : 'plans'} each; ${settings.planUpdates} updates on plans, then ${settings.correctionUpdates} on planning, feedback and correction, in ${settings.rounds} ${settings.rounds === 1 ? 'round' : 'rounds'} of exploration with ${settings.explorations} households per task.`,
    '- `plans alone`: the same network, plans, number of updates, planning examples per update and learning rates, without exploration. Both start from the same updates on plans. Trained on plans',
    '  alone a network can not foresee feedback, so it acts plainly.',
    `- Seeds: ${variants.map((variant) => `${NAMES[variant]} ${seedsOf(variant).join(', ')}`).join('; ')}. Brackets are 95 % intervals of the mean over seeds by Student's t; differences are paired by seed.`,
    `- Evaluation: ${evaluation.arrangements} households per task, the same for all. Speculative inference calls the model at most four times per step.`,
    `- Processor minutes of one training, with one thread: ${variants.map(minutes).join('; ')}.`,
    ...(found.length === 0
      ? []
      : [
          `- A round of exploration found, in the mean, ${meanFound('feedback')} answers of the household, ${meanFound('errors')} of them errors, and ${meanFound('corrections')} corrections.`,
        ]),
    ...(missing.length === 0 ? [] : [`- Planned and not done yet (variant, seed): ${missing.join(', ')}.`]),
    ...verdicts(),
    '',
    ...Object.keys(SPLITS).flatMap((split) => [
      `## ${SPLITS[split][0].toUpperCase()}${SPLITS[split].slice(1)}`,
      '',
      ...table(split),
      '',
    ]),
    ...differences(),
    '![Held-out problems](error-correction/held-out.svg)',
    '',
    'A step counts as executable when the household accepts it; an episode ends with END, with the task done, or after 26 turns, and an action that is rejected and tried again counts each time. `errors corrected`: proposals that',
    'the household would have rejected, END before the task is finished among them, and how many of them speculative inference turned into executable actions.',
    '',
    ...history(),
  ].join('\n'),
);
finish('render-error-correction.mjs');
