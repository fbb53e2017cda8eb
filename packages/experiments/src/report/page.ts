// The page of a report: tables and inline figures, no scripts, nothing loaded from elsewhere.
import type { Interval } from '@moe-rl/evaluation';
import { count, duration, number } from '@moe-rl/runs';
import { countJobs } from '../jobs/job-state.ts';
import { changedPaths } from '../plan/experiment-folder.ts';
import { type Analysis, hasSpread } from '../results/analysis.ts';
import type { ExperimentResults } from '../results/results.ts';
import { intervalsNote, intervalText, verdictText } from '../results/texts.ts';
import type { ReportFigure } from './marks.ts';

const STYLE = `
body { font: 15px/1.5 system-ui, sans-serif; color: #20262d; max-width: 1180px; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 1.6em } h2 { font-size: 1.25em; margin-top: 2em; border-bottom: 1px solid #d5dae0 }
table { border-collapse: collapse; margin: 1em 0; font-variant-numeric: tabular-nums }
th, td { padding: 3px 12px 3px 0; text-align: left; vertical-align: top; border-bottom: 1px solid #eceff2 }
td.n, th.n { text-align: right }
figure { margin: 1.5em 0 } figure svg { max-width: 100%; height: auto } figcaption { color: #4a525c; font-size: 0.9em }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(420px, 1fr)); gap: 0 1.5em }
.open { color: #8a5a00 } .better { color: #00704e } .worse { color: #a23b00 } .failed { color: #a23b00 }
code { font-size: 0.92em; overflow-wrap: anywhere } .muted { color: #4a525c }
`;

/** The whole page. */
export function reportHtml(results: ExperimentResults, analysis: Analysis, figures: readonly ReportFigure[]): string {
  const { experiment, states } = results;
  const { total, done, failed, running, waiting } = countJobs(states);
  const isGame = ({ name }: ReportFigure): boolean => name.startsWith('game-');
  const inside = new Set([
    'expert-utilisation',
    'router-entropy',
    'router-saturation',
    'router-change-rate',
    'router-utilization',
    'dormant-units',
    'effective-rank',
    'loss',
    'parameters',
    'flops',
  ]);
  const sections = [
    `<p>${total} jobs: ${done} done, ${running} running, ${waiting} waiting, ${failed} failed. ${escapeHtml(protocolText(results))}</p>`,
    section('Answer', comparisonTable(analysis) + aggregateTable(analysis)),
    section(
      'Scores',
      figures
        .filter((figure) => !isGame(figure) && !inside.has(figure.name))
        .map(figureHtml)
        .join(''),
    ),
    section('Scores per game', gameTable(results) + normalizedTable(results)),
    section('Learning curves', `<div class="grid">${figures.filter(isGame).map(figureHtml).join('')}</div>`),
    section(
      'Inside the networks',
      figures
        .filter(({ name }) => inside.has(name))
        .map(figureHtml)
        .join(''),
    ),
    section('What differs', differences(results)),
    section('Cost', costTable(results)),
    failures(results),
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(experiment.title)}</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
<h1>${escapeHtml(experiment.title)}</h1>
${sections.join('\n')}
</body>
</html>
`;
}

function section(title: string, content: string): string {
  return content === '' ? '' : `<section>\n<h2>${escapeHtml(title)}</h2>\n${content}\n</section>`;
}

function figureHtml({ name, caption, svg }: ReportFigure): string {
  return `<figure id="${escapeHtml(name)}">\n${svg}<figcaption>${escapeHtml(caption)} <span class="muted">(figures/${escapeHtml(name)}.svg, .png, .csv)</span></figcaption>\n</figure>\n`;
}

function protocolText({ experiment, scoreKind }: ExperimentResults): string {
  const { plan, protocol, games, seeds, variants } = experiment;
  const [first] = variants;
  const score =
    scoreKind === 'final'
      ? `the mean of the last ${protocol.scoredEvaluations} evaluations`
      : scoreKind === 'best'
        ? 'the best evaluation'
        : 'the mean of all evaluations';
  return `Suite ${plan.suite} (${games.length} game${games.length === 1 ? '' : 's'}), protocol ${protocol.name}${plan.scale === 1 ? '' : ` scaled by ${plan.scale}`}: ${count(first!.config.trainingAgentSteps)} agent steps a run, ${seeds.length} seeds; the score of a run is ${score}.`;
}

function comparisonTable({ comparisons }: Analysis): string {
  if (comparisons.length === 0) return '';
  return htmlTable(
    ['comparison', 'games', 'difference of IQMs', 'probability of improvement', 'verdict'],
    comparisons.map((comparison) => [
      `${escapeHtml(comparison.variant)} against ${escapeHtml(comparison.baseline)}`,
      String(comparison.games.length),
      intervalText(comparison.difference, comparison.verdict !== 'unknown'),
      intervalText(comparison.probability, comparison.verdict !== 'unknown'),
      `<span class="${comparison.verdict}">${escapeHtml(verdictText(comparison))}</span>`,
    ]),
  );
}

function aggregateTable({ variants, leftOut, normalization }: Analysis): string {
  if (variants.length === 0) return '<p>No run is finished yet.</p>';
  const reference = normalization === 'human' ? 'a human tester' : 'the yardstick of each game, a convention of ours';
  const without =
    leftOut.length === 0 ? '' : ` Left out, for want of a reference score: ${leftOut.map(escapeHtml).join(', ')}.`;
  return `${htmlTable(
    ['variant', 'games', 'runs', 'IQM', 'median', 'mean', 'optimality gap'],
    variants.map(({ variant, games, runs, aggregates: { iqm, median, mean, optimalityGap } }) => {
      const text = (interval: Interval): string => intervalText(interval, hasSpread({ games, runs }));
      return [
        escapeHtml(variant),
        String(games.length),
        String(runs),
        text(iqm),
        text(median),
        text(mean),
        text(optimalityGap),
      ];
    }),
  )}<p class="muted">Scores are normalized: 0 is a random agent, 1 ${reference}. Intervals: ${intervalsNote(variants)}.${without}</p>`;
}

function gameTable(results: ExperimentResults): string {
  return scoreTable(results, 'game', ({ score }) => score, number);
}

function normalizedTable(results: ExperimentResults): string {
  if (results.runs.every(({ normalized }) => normalized === undefined)) return '';
  return scoreTable(
    results,
    'normalized',
    ({ normalized }) => normalized,
    (value) => value.toFixed(3),
  );
}

function scoreTable(
  { experiment, runs }: ExperimentResults,
  head: string,
  of: (run: ExperimentResults['runs'][number]) => number | undefined,
  show: (value: number) => string,
): string {
  if (runs.length === 0) return '';
  const names = experiment.variants.map(({ name }) => name);
  const body = experiment.games.map((game) => [
    escapeHtml(game),
    ...names.map((variant) => {
      const values = runs
        .filter(({ job }) => job.game === game && job.variant === variant)
        .flatMap((run) => of(run) ?? []);
      if (values.length === 0) return '-';
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const spread =
        values.length < 2
          ? ''
          : ` <span class="muted">(${show(Math.min(...values))} to ${show(Math.max(...values))})</span>`;
      return show(mean) + spread;
    }),
  ]);
  return htmlTable([head, ...names.map(escapeHtml)], body);
}

function differences({ experiment }: ExperimentResults): string {
  const base = experiment.variants.find(({ name }) => name === experiment.baseline)!;
  const rows = experiment.variants
    .filter((variant) => variant !== base)
    .map(({ name, config }) => [
      escapeHtml(name),
      changedPaths(base.config, config)
        .map((change) => `<code>${escapeHtml(change)}</code>`)
        .join('<br>') || 'nothing',
    ]);
  return rows.length === 0 ? '' : htmlTable(['variant', `settings that differ from ${escapeHtml(base.name)}`], rows);
}

function costTable({ experiment, runs }: ExperimentResults): string {
  const body = experiment.variants.flatMap(({ name }) => {
    const ours = runs.filter(({ job }) => job.variant === name);
    if (ours.length === 0) return [];
    const seconds = ours.flatMap(({ trainingSeconds }) => trainingSeconds ?? []);
    const record = ours.find((run) => run.record !== undefined)?.record;
    const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
    const machines = new Set(
      ours.flatMap((run) =>
        run.record === undefined ? [] : [`${run.record.cpu}, ${run.record.cores} cores, ${run.record.backend}`],
      ),
    );
    return [
      [
        escapeHtml(name),
        String(ours.length),
        duration(sum(seconds)),
        seconds.length === 0 ? '-' : duration(sum(seconds) / seconds.length),
        record === undefined ? '-' : count(sum(record.parameterBlocks.map(({ parameters }) => parameters))),
        record === undefined ? '-' : count(Math.round(sum(record.flopBlocks.map(({ flops }) => flops)))),
        [...machines].map(escapeHtml).join('<br>') || '-',
      ],
    ];
  });
  return body.length === 0
    ? ''
    : htmlTable(
        ['variant', 'runs', 'training time', 'per run', 'parameters', 'operations per forward pass', 'machines'],
        body,
      );
}

function failures({ states, withoutScore }: ExperimentResults): string {
  const rows = states.flatMap(({ job, status, failures: all }) =>
    status === 'done'
      ? []
      : all.map(({ message, host, at, kind }) => [
          escapeHtml(job.id),
          status,
          kind,
          escapeHtml(host),
          escapeHtml(at),
          escapeHtml(message),
        ]),
  );
  for (const { id } of withoutScore)
    rows.push([escapeHtml(id), 'done', '-', '-', '-', 'no evaluation and no episode ended: it has no score']);
  return rows.length === 0
    ? ''
    : section('Failures', htmlTable(['job', 'state', 'kind', 'machine', 'when', 'why'], rows));
}

/** Cells are HTML already. */
function htmlTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[], tag: string): string =>
    `<tr>${cells.map((cell) => `<${tag}>${cell}</${tag}>`).join('')}</tr>`;
  return `<table>\n<thead>${line(head, 'th')}</thead>\n<tbody>\n${rows.map((row) => line(row, 'td')).join('\n')}\n</tbody>\n</table>\n`;
}

function escapeHtml(text: string): string {
  return text.replace(
    /[&<>"]/g,
    (character) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[character]!,
  );
}
