// `moe-rl report`: a run's learning curve, drawn again, and what its summary says. Reads a folder that can't be written to as well.
import { existsSync } from 'node:fs';
import { extname } from 'node:path';
import { InvalidArgumentError, isMoeRlError } from '@moe-rl/core';
import { readJson } from '@moe-rl/core/node';
import { duration, meanText, number, readMetricRows, readRunConfig, runFolderPaths, table } from '@moe-rl/runs';
import { drawCurve, type EvaluationPair } from '@moe-rl/training';
import { note, print } from './terminal.ts';

interface ReportOptions {
  readonly output?: string;
}

export async function report(path: string, options: ReportOptions): Promise<void> {
  const { output } = options;
  if (output !== undefined && !['.svg', '.png'].includes(extname(output).toLowerCase())) {
    throw new InvalidArgumentError(
      `--output is ${JSON.stringify(output)}; expected a name that ends with .svg or .png`,
    );
  }
  const config = readRunConfig(path);
  const paths = runFolderPaths(path);
  const rows = existsSync(paths.metricsFile) ? readMetricRows(paths.metricsFile) : [];
  const evaluation = existsSync(paths.summaryFile)
    ? ((readJson(paths.summaryFile) as { evaluation?: EvaluationPair | null }).evaluation ?? undefined)
    : undefined;
  const newest = (tag: string): number | undefined => rows.findLast((row) => tag in row.values)?.values[tag];
  const show = (value: number | undefined, text = number): string => (value === undefined ? '-' : text(value));
  const evaluated = newest('evaluation/return');
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
        ...(evaluated === undefined ? [] : [['newest evaluation during training', number(evaluated)]]),
        ['training time', show(newest('time/elapsedSeconds'), duration)],
        ['evaluation, trained', evaluation === undefined ? '-' : pair(evaluation.trained)],
        ['evaluation, random', evaluation === undefined ? '-' : pair(evaluation.random)],
      ],
    ),
  );
  try {
    const files = await drawCurve({ ...paths, config }, evaluation, output === undefined ? undefined : [output]);
    print(`\nlearning curve: ${files.join(' and ')}`);
  } catch (error) {
    if (output !== undefined || !isMoeRlError(error) || error.code !== 'STORAGE') throw error;
    note(`\nno learning curve was drawn: ${error.message}; --output FILE.svg (or .png) draws it elsewhere`);
  }
}

function pair(evaluation: EvaluationPair['trained']): string {
  return `${meanText(evaluation)} (${evaluation.episodes} episodes)`;
}
