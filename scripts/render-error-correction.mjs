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
    [
      'speculative over plain inference',
      { variant: 'e2cl', inference: 'speculative' },
      { variant: 'e2cl', inference: 'plain' },
    ],
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
    [
      'E2CL: speculative minus plain',
      { variant: 'e2cl', inference: 'speculative' },
      { variant: 'e2cl', inference: 'plain' },
    ],
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
/** The network that is told which lines name the same thing came with this setting. */
const isOfPresentNetwork = settings.feedbackBatchSize !== undefined;
/** What the study plans and hasn't done yet. */
const missing = ['plans', 'e2cl'].flatMap((variant) =>
  [...new Set(runs.map(({ seed }) => seed))]
    .filter((seed) => !runs.some((run) => run.variant === variant && run.seed === seed))
    .map((seed) => `${NAMES[variant]} ${seed}`),
);
/** What exploration found, where it was counted: means over seeds and rounds. */
const found = runs.flatMap(({ exploration = [] }) => exploration);
const meanFound = (key) => Math.round(found.reduce((sum, round) => sum + round[key], 0) / found.length);
/** An earlier series, in a sentence: other settings, or the same policies in fewer households. */
function describeEarlier(series) {
  const { settings: before, evaluation: evaluated } = series[0];
  if (isOfTheseSettings(series)) {
    const seeds = [...new Set(series.map(({ seed }) => seed))];
    const of = (split) =>
      ['stepExecutability', 'tasksDone']
        .map((measure) => `${MEASURES[measure]} ${difference(E2CL_MINUS_PLANS, split, measure, series)}`)
        .join(', ');
    const more = new Set(runs.map(({ seed }) => seed)).size - seeds.length;
    return (
      `- Seeds ${seeds.join(', ')} in ${evaluated.arrangements} households per task came first (E2CL, speculative, minus plans alone: ` +
      `${Object.entries(SPLITS)
        .map(([split, name]) => `${name}: ${of(split)}`)
        .join('; ')}). That left unseen tasks open: ` +
      `the same policies were evaluated in ${evaluation.arrangements}, and ${more} more seeds were fixed before any of those was run.`
    );
  }
  const plans = before.demonstrations === 1 ? 'plan' : 'plans';
  const network = isOfPresentNetwork
    ? `, ${before.network.encoderLayers} encoder layer of ${before.network.size}, not told which lines name the same thing`
    : '';
  return `- An earlier series (${series.length} runs, ${before.demonstrations} ${plans} for each of ${before.tasks} tasks, ${before.planUpdates} and ${before.correctionUpdates} updates${network}) came first; this one's settings were chosen after it, before its seeds were run.`;
}
const isOfTheseSettings = ([{ settings: before }]) =>
  JSON.stringify({ ...before, seed: 0 }) === JSON.stringify({ ...settings, seed: 0 });
const earlier = wholeSeries.slice(0, -1);
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
    ...earlier.filter((series) => !isOfTheseSettings(series)).map(describeEarlier),
    ...(isOfPresentNetwork
      ? [
          '- What the earlier ones lacked, by one of their runs: the network took a quarter of its executable steps for errors, and its corrections repeated the rejected action in two of three cases, saying the next step of a plan',
          '  known by heart. The network was changed after that, for all variants alike; its settings were tried with seeds 1 and 21, most of that on other households, and fixed before the seeds above were run.',
        ]
      : [
          '- The lengths were raised once: with 120 tasks and 1,200 updates neither exploration nor speculative inference made a difference (two seeds). They were not tuned further.',
          '- The network and the default settings were changed after these runs. What that gains is not on this page yet.',
        ]),
    ...earlier.filter(isOfTheseSettings).map(describeEarlier),
    '',
    ...(settings.guidedProposals === undefined
      ? [
          "- In these runs guided exploration proposed the likeliest step only, as `--set guidedProposals=1` does. Along plans that it has learned these are mostly the expert's own, which leaves few errors to correct; the default draws three",
          '  more proposals by now. No run on this page has done that: what it gains is not measured.',
        ]
      : []),
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
    'the household would have rejected, and how many of them speculative inference turned into executable actions.',
    '',
  ].join('\n'),
);
finish('render-error-correction.mjs');
