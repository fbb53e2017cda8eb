// `moe-rl compare`: several runs side by side. Runs of the same game and preset count as seeds of one thing.
import { extname } from 'node:path';
import { InvalidArgumentError } from '@moe-rl/core';
import { replaceFile } from '@moe-rl/core/node';
import { type CurveGroup, comparisonSvg, svgToPng } from '@moe-rl/figures';
import { meanText, number, readMetricRows, readRunConfig, returnStatistics, runFolderPaths, table } from '@moe-rl/runs';
import { print } from './terminal.ts';

export async function compare(paths: readonly string[], options: { readonly output?: string }): Promise<void> {
  if (paths.length < 2) throw new InvalidArgumentError(`compare got ${paths.length} run folder; expected two or more`);
  const extension = options.output === undefined ? '' : extname(options.output).toLowerCase();
  if (options.output !== undefined && extension !== '.svg' && extension !== '.png') {
    throw new InvalidArgumentError(
      `--output is ${JSON.stringify(options.output)}; expected a name that ends with .svg or .png`,
    );
  }
  const groups = new Map<
    string,
    { readonly curves: CurveGroup['curves'][number][]; readonly finals: number[]; agentSteps: number }
  >();
  for (const path of paths) {
    const { game, preset } = readRunConfig(path);
    const rows = readMetricRows(runFolderPaths(path).metricsFile);
    const label = `${game}, ${preset}`;
    const group = groups.get(label) ?? { curves: [], finals: [], agentSteps: 0 };
    groups.set(label, group);
    const curve = rows.filter((row) => 'train/meanReturn' in row.values);
    group.curves.push(curve.map((row) => ({ agentSteps: row.agentSteps, value: row.values['train/meanReturn']! })));
    const last = curve.at(-1);
    if (last !== undefined) group.finals.push(last.values['train/meanReturn']!);
    group.agentSteps = Math.max(group.agentSteps, rows.at(-1)?.agentSteps ?? 0);
  }
  print(
    table(
      ['game, preset', 'runs', 'agent steps', 'mean return at the end ± standard error over runs', 'lowest', 'highest'],
      [...groups].map(([label, { curves, finals, agentSteps }]) => {
        if (finals.length === 0) return [label, String(curves.length), String(agentSteps), '-', '-', '-'];
        const statistics = returnStatistics(finals);
        return [
          label,
          String(curves.length),
          String(agentSteps),
          meanText(statistics),
          number(statistics.minimum),
          number(statistics.maximum),
        ];
      }),
    ),
  );
  if (options.output === undefined) return;
  const svg = comparisonSvg([...groups].map(([label, { curves }]) => ({ label, curves })));
  replaceFile(options.output, extension === '.svg' ? svg : await svgToPng(svg));
  print(`\n${options.output}`);
}
