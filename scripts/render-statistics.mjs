// Writes docs/statistics.md and its figures: numbers from the result files in docs/statistics/, words from the studies themselves.
//   node --conditions=@moe-rl/source scripts/render-statistics.mjs [--check]
// Result files are made by `moe-rl statistics <study> --folder docs/statistics/<study>`. With --check nothing is written; it fails if anything would change.
import { existsSync, readFileSync } from 'node:fs';
import { studySvg } from '../apps/trainer/src/cli/statistics-figure.ts';
import { readResultLines, STUDY_NAMES, studyByName, summarizeStudy } from '../packages/moe-statistics/src/node.ts';
import { docs, finish, write } from './render/pages.mjs';

const rounded = (value) => {
  if (value === 0) return '0';
  const text = Number(value.toPrecision(3));
  return Math.abs(value) < 1e-3 || Math.abs(value) >= 1e5 ? text.toExponential() : String(text);
};
const interval = ({ estimate, low, high }, show = rounded) =>
  low === high ? show(estimate) : `${show(estimate)} [${show(low)}, ${show(high)}]`;
const fixed = (value) => value.toFixed(3);

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
    `| | slope in | measured | theory |${hasPaper ? ' paper |' : ''}`,
    `| --- | --- | --- | --- |${hasPaper ? ' --- |' : ''}`,
    ...withSlope.map(
      ({ label, axis: slopeAxis, slope, theory, paper }) =>
        `| ${label} | ${slopeAxis} | ${interval(slope, fixed)} | ${rounded(theory)} |${hasPaper ? ` ${paper ?? ''} |` : ''}`,
    ),
    '',
    `| average | ${sizes.map((size) => `${axis} = ${size}`).join(' | ')} |`,
    `| --- |${sizes.map(() => ' --- |').join('')}`,
    ...series.map(({ label, points }) => {
      const cells = sizes.map((size) => points.find((point) => point.size === size));
      return `| ${label} | ${cells.map((point) => (point === undefined ? '' : interval(point))).join(' | ')} |`;
    }),
    '',
    `![${study.title}](statistics/${name}.svg)`,
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
  ].join('\n'),
);
finish('render-statistics.mjs');
