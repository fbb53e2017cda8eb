// `moe-rl report`: a run's learning curve, drawn again, and what its summary says. Reads a folder that can't be written to as well.
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { CorruptDataError, isMoeRlError } from '@moe-rl/core';
import { makeFolder, readJsonObject } from '@moe-rl/core/node';
import { lastAgentSteps } from '@moe-rl/figures';
import { duration, meanText, number, readMetricRows, readRunConfig, runFolderPaths, table } from '@moe-rl/runs';
import { drawCurve, type EvaluationPair } from '@moe-rl/training';
import { requireOutputFile } from './output-file.ts';
import { note, print } from './terminal.ts';

interface ReportOptions {
  readonly output?: string;
}

export async function report(path: string, options: ReportOptions): Promise<void> {
  const { output } = options;
  if (output !== undefined) requireOutputFile('--output', output, ['.svg', '.png']);
  const config = readRunConfig(path);
  const paths = runFolderPaths(path);
  const rows = existsSync(paths.metricsFile)
    ? readMetricRows(paths.metricsFile, (line) => note(damaged(paths.metricsFile, line)))
    : [];
  const evaluation = existsSync(paths.summaryFile) ? readEvaluation(paths.summaryFile) : undefined;
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
        ['agent steps', `${lastAgentSteps(rows)} of ${config.trainingAgentSteps}`],
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
    if (output !== undefined) makeFolder(dirname(output));
    const files = await drawCurve({ ...paths, config }, evaluation, output === undefined ? undefined : [output]);
    print(`\nlearning curve: ${files.join(' and ')}`);
  } catch (error) {
    if (output !== undefined || !isMoeRlError(error) || error.code !== 'STORAGE') throw error;
    note(`\nno learning curve was drawn: ${error.message}; --output FILE.svg (or .png) draws it elsewhere`);
  }
}

function damaged(file: string, line: number): string {
  return `${file}, line ${line}, is no row of metrics: it is left out`;
}

/** The evaluation in a summary, where there is one. @throws CorruptDataError when it is of another form */
function readEvaluation(file: string): EvaluationPair | undefined {
  const { evaluation = null } = readJsonObject(file) as { evaluation?: Partial<EvaluationPair> | null };
  if (evaluation === null) return undefined;
  const { trained, random } = evaluation;
  const isOutput = (one: unknown): boolean =>
    ['mean', 'episodes'].every((key) => Number.isFinite((one as Record<string, unknown> | null | undefined)?.[key]));
  if (isOutput(trained) && isOutput(random)) return evaluation as EvaluationPair;
  throw new CorruptDataError(
    `${file}: evaluation is ${JSON.stringify(evaluation).slice(0, 80)}; expected the results of trained and random`,
  );
}

function pair(evaluation: EvaluationPair['trained']): string {
  return `${meanText(evaluation)} (${evaluation.episodes} episodes)`;
}
