// Writes docs/statistics.md and its figures: numbers from the result files in docs/statistics/, words from the studies themselves.
//   node --conditions=@moe-rl/source scripts/render-statistics.mjs [--check]
// Result files are made by `moe-rl statistics <study> --folder docs/statistics/<study>`. With --check nothing is written; it fails if anything would change.
import { existsSync, readFileSync } from 'node:fs';
import { studySvg } from '../apps/trainer/src/cli/statistics-figure.ts';
import { expertsByApproximation } from '../packages/moe-statistics/src/index.ts';
import {
  axisValue,
  leastSquaresSlope,
  readResultLines,
  STUDY_NAMES,
  studyByName,
  summarizeStudy,
} from '../packages/moe-statistics/src/node.ts';
import { docs, finish, write } from './render/pages.mjs';

const rounded = (value) => {
  if (value === 0) return '0';
  const text = Number(value.toPrecision(3));
  return Math.abs(value) < 1e-3 || Math.abs(value) >= 1e5 ? text.toExponential() : String(text);
};
const interval = ({ estimate, low, high }, show = rounded) =>
  low === high ? show(estimate) : `${show(estimate)} [${show(low)}, ${show(high)}]`;
const fixed = (value) => value.toFixed(3);

/** The slope over log(n)/n of what is exactly proportional to n^-1/2, over the sizes of a series. */
function rootSlope({ axis, points }) {
  const x = points.map(({ size }) => Math.log(axisValue(axis, size)));
  return leastSquaresSlope(
    x,
    points.map(({ size }) => -Math.log(size) / 2),
  );
}

/** A n^-1/2 + B / n by least squares on the logarithms, from n = 316 on; and how far the points are from it, and from A n^-1/2 alone. */
function twoTerms(points) {
  const used = points.filter(({ size }) => size >= 316);
  const lawOf = (ratio) => {
    const shape = used.map(({ size }) => Math.log(size ** -0.5 + ratio / size));
    const rest = used.map(({ estimate }, k) => Math.log(estimate) - shape[k]);
    const mean = rest.reduce((sum, value) => sum + value, 0) / rest.length;
    const square = rest.reduce((sum, value) => sum + (value - mean) ** 2, 0) / rest.length;
    return { a: Math.exp(mean), b: ratio * Math.exp(mean), off: Math.expm1(Math.sqrt(square)) };
  };
  const ratios = Array.from({ length: 1201 }, (_, k) => Math.exp(-4 + k / 100));
  const best = ratios.map(lawOf).reduce((one, other) => (other.off < one.off ? other : one));
  return { ...best, alone: lawOf(0).off };
}

/** What BIC would choose without noise, at the study's sizes and beyond. */
function predictedLines(sizes) {
  const all = [...sizes, ...[4, 16, 64].map((factor) => factor * sizes.at(-1))];
  const sine = (x) => Math.sin(2 * Math.PI * x);
  const slope = (some, chosen) =>
    leastSquaresSlope(
      some.map((n) => Math.log(n / Math.log(n))),
      chosen.map(Math.log),
    ).toFixed(3);
  const large = all.filter((n) => n >= 800);
  return [
    'Without noise:',
    '',
    `| m with | ${all.map((n) => `n = ${n}`).join(' | ')} | slope over the n of the study | slope from n = ${large[0]} on | theory |`,
    `| --- |${all.map(() => ' --- |').join('')} --- | --- | --- |`,
    ...[0, 1, 2, 3].map((degree) => {
      const chosen = all.map((samples) => expertsByApproximation(sine, { samples, degree, maxExperts: 48 }));
      return `| degree ${degree} | ${chosen.join(' | ')} | ${slope(sizes, chosen.slice(0, sizes.length))} | ${slope(large, chosen.slice(all.length - large.length))} | ${rounded(1 / (2 * degree + 3))} |`;
    }),
    '',
  ];
}

/** What the law of two terms says of the medians. */
function twoTermLines(series) {
  const rows = series.filter(
    ({ setting, value, average, from }) =>
      setting !== 'T4' && value === 'loss' && average === 'median' && from === undefined,
  );
  return [
    'Medians from n = 316 on as A n^-1/2 + B / n, by least squares on their logarithms; `off`: root mean square distance of the points from it, and from A n^-1/2 alone.',
    '',
    '| | A | B | n where both are alike | off | off from A n^-1/2 |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows.map(({ label, points }) => {
      const { a, b, off, alone } = twoTerms(points);
      return `| ${label} | ${rounded(a)} | ${rounded(b)} | ${Math.round((b / a) ** 2)} | ${Math.round(100 * off)} % | ${Math.round(100 * alone)} % |`;
    }),
    '',
  ];
}

function studySection(name) {
  const folder = new URL(`statistics/${name}/`, docs);
  if (!existsSync(new URL('results.jsonl', folder))) return [];
  const study = studyByName(name);
  const { seed, plan } = JSON.parse(readFileSync(new URL('study.json', folder), 'utf8'));
  const lines = readResultLines(new URL('results.jsonl', folder).pathname);
  const planned = plan.reduce((sum, { repeats }) => sum + repeats, 0) * study.settings.length;
  const { series } = summarizeStudy(study, lines);
  write(`statistics/${name}.svg`, studySvg(study, series));
  const withSlope = series.filter(({ slope }) => slope !== null);
  const hasPaper = series.some(({ paper }) => paper !== undefined);
  const sizes = [...new Set(series.flatMap(({ points }) => points.map(({ size }) => size)))].sort((a, b) => a - b);
  const axis = study.series[0].axis === 'm' ? 'm' : 'n';
  const hasRoot = withSlope.some((one) => one.axis === 'log(n)/n');
  return [
    `## ${study.title}`,
    '',
    study.description,
    '',
    ...study.notes.map((note) => `- ${note}`),
    '',
    `\`moe-rl statistics ${name}\`: seed ${seed}; ${plan.map(({ size, repeats }) => `${axis} = ${size}: ${repeats}`).join(', ')} ${
      plan.every(({ repeats }) => repeats === 1) ? 'repeat' : 'repeats'
    } of each setting${lines.length < planned ? ` planned, ${lines.length} of ${planned} done` : ''}.`,
    '',
    `| | slope in | measured | theory |${hasRoot ? ' n^-1/2 would give |' : ''}${hasPaper ? ' paper |' : ''}`,
    `| --- | --- | --- | --- |${hasRoot ? ' --- |' : ''}${hasPaper ? ' --- |' : ''}`,
    ...withSlope.map((one) => {
      const { label, axis: slopeAxis, slope, theory, paper } = one;
      const root = hasRoot ? ` ${fixed(rootSlope(one))} |` : '';
      return `| ${label} | ${slopeAxis} | ${interval(slope, fixed)} | ${rounded(theory)} |${root}${hasPaper ? ` ${paper ?? ''} |` : ''}`;
    }),
    '',
    `| average | ${sizes.map((size) => `${axis} = ${size}`).join(' | ')} |`,
    `| --- |${sizes.map(() => ' --- |').join('')}`,
    ...series.map(({ label, points }) => {
      const cells = sizes.map((size) => points.find((point) => point.size === size));
      return `| ${label} | ${cells.map((point) => (point === undefined ? '' : interval(point))).join(' | ')} |`;
    }),
    '',
    ...(name === 'theorems' ? twoTermLines(series) : []),
    ...(name === 'selection' ? predictedLines(sizes) : []),
    `![${study.title}](statistics/${name}.svg)`,
    '',
  ];
}

/** What EM and repeats on threads take, from `pnpm bench statistics`. */
function cost() {
  const file = new URL('../benchmarks/results/statistics.json', import.meta.url);
  if (!existsSync(file)) return [];
  const { rows, machine } = JSON.parse(readFileSync(file, 'utf8'));
  const row = (name) => rows.find((one) => one.name === `statistics/${name}`);
  const [em, repeats] = [row('em-100000'), row('repeats-40')];
  return [
    '## What it takes',
    '',
    `\`pnpm bench statistics\`: EM of four quadratic experts on 100,000 samples, the choice among eight starts included, takes ${em.ours.toFixed(1)} s by the clock on one thread (at most ${em.peer} are allowed); 40 repeats of \`estimation\` take ${repeats.ours.toFixed(1)} s on two threads and ${repeats.peer.toFixed(1)} s on one.`,
    `${machine.processor}, ${machine.processors} processors, ${machine.date.slice(0, 10)}${rows.every(({ clean }) => clean) ? '' : ', while other programs ran'}.`,
    '',
  ];
}

write(
  'statistics.md',
  [
    '# Rate studies of mixtures of experts',
    '',
    'What theory says of estimating mixtures of experts, measured with [`@moe-rl/moe-statistics`](../packages/moe-statistics/README.md). This page is written by',
    '`scripts/render-statistics.mjs` from the result lines in [statistics/](statistics/); `moe-rl statistics <study>` makes such lines: one per repeat, each with a random',
    'stream of its own, so that a run can be stopped, killed and gone on with, and gives the same numbers on any number of threads. Averages are means over repeats unless said',
    'otherwise; brackets are 95 % percentile bootstrap intervals over repeats; slopes are least squares on the logarithms of averages.',
    '',
    ...STUDY_NAMES.flatMap(studySection),
    ...cost(),
  ].join('\n'),
);
finish('render-statistics.mjs');
