// `moe-rl report`: a run's learning curve, drawn again, and what its summary says.
import { existsSync } from 'node:fs';
import { readMetricRows } from '../consumers/metrics-file.ts';
import { readRunConfig, runFolderPaths } from '../run/run-folder.ts';
import { drawCurve, type EvaluationPair } from '../run/run-session.ts';
import { readJson } from '../run/storage.ts';
import { duration, number, table } from '../text.ts';
import { print } from './terminal.ts';

export async function report(path: string): Promise<void> {
  const config = readRunConfig(path);
  const paths = runFolderPaths(path);
  const rows = readMetricRows(paths.metricsFile);
  const evaluation = existsSync(paths.summaryFile)
    ? ((readJson(paths.summaryFile) as { evaluation?: EvaluationPair | null }).evaluation ?? undefined)
    : undefined;
  await drawCurve({ ...paths, config }, evaluation);
  const newest = (tag: string): number | undefined => rows.findLast((row) => tag in row.values)?.values[tag];
  const show = (value: number | undefined, text = number): string => (value === undefined ? '-' : text(value));
  print(
    table(
      ['run', ''],
      [
        ['game', config.game],
        ['preset', config.preset],
        ['seed', String(config.seed)],
        ['agent steps', `${rows.at(-1)?.agentSteps ?? 0} of ${config.trainingAgentSteps}`],
        ['episodes', show(newest('episode/count'))],
        ['updates', show(newest('train/updates'))],
        ['mean return of the last 100 episodes', show(newest('train/meanReturn'))],
        ['training time', show(newest('time/elapsedSeconds'), duration)],
        ['evaluation, trained', evaluation === undefined ? '-' : pair(evaluation.trained)],
        ['evaluation, random', evaluation === undefined ? '-' : pair(evaluation.random)],
      ],
    ),
  );
  print(`\nlearning curve: ${paths.curveSvgFile} and .png`);
}

function pair({ mean, standardError, episodes }: EvaluationPair['trained']): string {
  return `${number(mean)} ± ${number(standardError)} (${episodes} episodes)`;
}
