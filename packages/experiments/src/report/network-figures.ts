// Figures of what happens inside: routers, experts, dormant units, rank; and what the networks consist of and cost.
import type { MetricRow } from '@moe-rl/core';
import type { ExperimentResults, RunResult } from '../results/results.ts';
import { type BandedLine, barsSvg, colorOf, csv, linesCsv, linesSvg, type ReportFigure } from './marks.ts';

/** Points of a curve; each is a mean over the rows of its part of the run. */
const BINS = 40;
/** What is logged where a plan sets `statistics.followsRouters`. */
const ROUTER_COURSE = [
  [
    'router-saturation',
    'Router saturation',
    'router/saturation',
    'Share of the choices for a batch that stays the same that are those of the end of training, too.',
  ],
  [
    'router-change-rate',
    'Router change rate',
    'router/changeRate',
    'Share of the choices for that batch that were not made at the measurement before.',
  ],
  [
    'router-utilization',
    'Utilization of experts by the router',
    'router/utilization',
    'Jain’s index of the experts’ choices for that batch: 1 means all are used alike, 1 / experts that one is.',
  ],
] as const;
const BLOCKS = ['encoder', 'tokens', 'dense', 'router', 'experts', 'head'];

export function networkFigures(results: ExperimentResults): readonly ReportFigure[] {
  const figures = [
    series(
      results,
      'expert-utilisation',
      'Expert utilisation',
      'effective number of experts / experts',
      utilisation,
      'Exponential of the entropy of the experts’ load, divided by the number of experts: 1 means all are used alike.',
    ),
    series(
      results,
      'router-entropy',
      'Router entropy',
      'nats',
      routerEntropy,
      'Sparse routers: mean entropy of a token’s router probabilities; soft ones: of its combine weights.',
    ),
    ...ROUTER_COURSE.map(([name, title, tag, caption]) =>
      series(results, name, title, 'share', (row) => row.values[tag], caption),
    ),
    series(
      results,
      'dormant-units',
      'Dormant units',
      'fraction of units',
      (row) => row.values['network/dormantFraction'],
      'Units of the dense layer or of the experts that are dormant.',
    ),
    series(
      results,
      'effective-rank',
      'Effective rank of the features',
      'rank',
      (row) => row.values['network/effectiveRank'],
      'Of the features that the head sees.',
    ),
    series(results, 'loss', 'Training loss', 'loss', (row) => row.values['train/loss'], 'Mean loss of the updates.'),
    blocks(results, 'parameters', 'Parameters by block', 'parameters', (run) =>
      run.record?.parameterBlocks.map(({ block, parameters }) => [block, parameters]),
    ),
    blocks(
      results,
      'flops',
      'Floating-point operations of a forward pass by block',
      'operations for one observation',
      (run) => run.record?.flopBlocks.map(({ block, flops }) => [block, flops]),
    ),
  ];
  return figures.filter((figure) => figure !== undefined);
}

/** Mean over all games and seeds of a variant; band: from the lowest run to the highest. */
function series(
  results: ExperimentResults,
  name: string,
  title: string,
  yLabel: string,
  measure: (row: MetricRow) => number | undefined,
  caption: string,
): ReportFigure | undefined {
  const lines = results.experiment.variants.flatMap(({ name: variant, config }, index): BandedLine[] => {
    const width = config.trainingAgentSteps / BINS;
    const runs = results.runs
      .filter(({ job }) => job.variant === variant)
      .map(({ rows }) => binned(rows, width, measure));
    const points = Array.from({ length: BINS }, (_, bin) => bin).flatMap((bin) => {
      const values = runs.flatMap((run) => (run[bin] === undefined ? [] : [run[bin]]));
      if (values.length === 0) return [];
      const y = values.reduce((sum, value) => sum + value, 0) / values.length;
      return [{ x: (bin + 1) * width, y, low: Math.min(...values), high: Math.max(...values) }];
    });
    return points.length === 0 ? [] : [{ label: variant, color: colorOf(index), points }];
  });
  if (lines.length === 0) return undefined;
  return {
    name,
    title,
    caption: `${caption} Mean over games and seeds; band: from the lowest run to the highest.`,
    svg: linesSvg({ title, xLabel: 'agent steps', yLabel, lines }),
    csv: linesCsv(lines, 'agentSteps', 'value'),
  };
}

function binned(
  rows: readonly MetricRow[],
  width: number,
  measure: (row: MetricRow) => number | undefined,
): (number | undefined)[] {
  const sums = Array.from({ length: BINS }, () => ({ sum: 0, count: 0 }));
  for (const row of rows) {
    const value = measure(row);
    if (value === undefined || value === null || !Number.isFinite(value)) continue;
    const bin = sums[Math.min(BINS - 1, Math.max(0, Math.ceil(row.agentSteps / width) - 1))]!;
    bin.sum += value;
    bin.count++;
  }
  return sums.map(({ sum, count }) => (count === 0 ? undefined : sum / count));
}

function utilisation({ values }: MetricRow): number | undefined {
  const loads: number[] = [];
  for (let expert = 0; ; expert++) {
    const load = values[`expert/load/${expert}`];
    if (load === undefined) break;
    loads.push(load);
  }
  const total = loads.reduce((sum, load) => sum + load, 0);
  if (loads.length < 2 || total <= 0) return undefined;
  const entropy = loads.reduce((sum, load) => (load > 0 ? sum - (load / total) * Math.log(load / total) : sum), 0);
  return Math.exp(entropy) / loads.length;
}

function routerEntropy({ values }: MetricRow): number | undefined {
  return values['router/entropy'] ?? values['router/combineEntropy'];
}

/** Stacked bars, one per variant: its first run that has a record stands for all. */
function blocks(
  results: ExperimentResults,
  name: string,
  title: string,
  xLabel: string,
  of: (run: RunResult) => readonly (readonly [string, number])[] | undefined,
): ReportFigure | undefined {
  const rows = results.experiment.variants.flatMap(({ name: variant }) => {
    const found = results.runs
      .filter(({ job }) => job.variant === variant)
      .map(of)
      .find((parts) => parts !== undefined);
    return found === undefined ? [] : [{ label: variant, blocks: found }];
  });
  if (rows.length === 0) return undefined;
  const used = BLOCKS.filter((block) => rows.some(({ blocks: parts }) => parts.some(([label]) => label === block)));
  const colors = new Map(used.map((block) => [block, colorOf(BLOCKS.indexOf(block))]));
  return {
    name,
    title,
    caption: `${title}, of the network on ${results.experiment.games[0]}.`,
    svg: barsSvg(
      title,
      xLabel,
      rows.map(({ label, blocks: parts }) => ({
        label,
        parts: parts.map(([block, value]) => ({ value, color: colors.get(block) ?? '#6c757d' })),
      })),
      used.map((block) => ({ label: block, color: colors.get(block)! })),
    ),
    csv: csv(
      ['variant', 'block', 'value'],
      rows.flatMap(({ label, blocks: parts }) => parts.map(([block, value]) => [label, block, value])),
    ),
  };
}
