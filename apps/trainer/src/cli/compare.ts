// `moe-rl compare`: several runs side by side. Runs count as seeds of one thing when their whole configurations agree but for the seed.
import { extname } from 'node:path';
import { InvalidArgumentError } from '@moe-rl/core';
import { comparisonSvg, svgToPng } from '@moe-rl/figures';
import { meanText, number, table } from '@moe-rl/runs';
import { compareRuns, type GroupResult } from '@moe-rl/training';
import { requireOutputFile, writeOutputFile } from './output-file.ts';
import { note, print } from './terminal.ts';

interface CompareOptions {
  readonly output?: string;
}

export async function compare(paths: readonly string[], { output }: CompareOptions): Promise<void> {
  if (paths.length < 2) throw new InvalidArgumentError(`compare got ${paths.length} run folder; expected two or more`);
  if (output !== undefined) requireOutputFile('--output', output, ['.svg', '.png']);
  const { groups, agentSteps, measure, notes } = compareRuns(paths);
  print(`${measure}, at ${agentSteps} agent steps\n`);
  const hasIqm = groups.some(({ iqm }) => iqm !== undefined);
  const head = ['game, preset and what differs', 'runs', 'mean ± standard error over runs', 'lowest', 'highest'];
  print(
    table(
      hasIqm ? [...head, 'IQM, 95 % interval'] : head,
      groups.map((group) => row(group, hasIqm)),
    ),
  );
  for (const line of notes) note(line);
  if (output === undefined) return;
  const svg = comparisonSvg(groups, {
    title: measure.startsWith('return of the last') ? 'Return in evaluation' : 'Return of training episodes',
  });
  writeOutputFile(output, extname(output).toLowerCase() === '.svg' ? svg : await svgToPng(svg));
  print(`\n${output}`);
}

function row({ label, curves, statistics, iqm }: GroupResult, hasIqm: boolean): string[] {
  const interval = iqm === undefined ? '-' : `${number(iqm.estimate)} [${number(iqm.low)}, ${number(iqm.high)}]`;
  const numbers =
    statistics === undefined
      ? ['-', '-', '-']
      : [meanText(statistics), number(statistics.minimum), number(statistics.maximum)];
  return [label, String(curves.length), ...numbers, ...(hasIqm ? [interval] : [])];
}
