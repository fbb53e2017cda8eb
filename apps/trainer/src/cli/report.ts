// `moe-rl report`: a run's learning curve, drawn again, and what its summary says.
import { existsSync } from 'node:fs';
import { readJson } from '@moe-rl/core/node';
import { duration, meanText, number, readMetricRows, readRunConfig, runFolderPaths, table } from '@moe-rl/runs';
import { drawCurve, type EvaluationPair } from '@moe-rl/training';
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

function pair(evaluation: EvaluationPair['trained']): string {
  return `${meanText(evaluation)} (${evaluation.episodes} episodes)`;
}
