// Samples from a CSV file with a header line.
import { readFileSync } from 'node:fs';
import {
  CorruptDataError,
  didYouMean,
  InvalidArgumentError,
  NonFiniteError,
  NotFoundError,
  requireKnownOptions,
} from '@moe-rl/core';
import { parse } from 'csv-parse/sync';
import type { Samples } from './data/samples.ts';

export interface CsvColumns {
  /** Name of the response's column. */
  readonly y: string;
  /** Names of the covariates' columns. Default: all others (but the weights'). */
  readonly x?: readonly string[];
  /** Name of a column of weights. */
  readonly weights?: string;
  /** Default: a comma. */
  readonly delimiter?: string;
}

/** Samples, as `fit` takes them, with the columns' names. */
export interface CsvSamples extends Samples {
  readonly x: number[][];
  readonly y: number[];
  readonly names: readonly string[];
}

/**
 * Reads the file. Empty lines are skipped, blanks around values dropped.
 * @throws NotFoundError for a file or column that is not there, NonFiniteError naming line and column of what is no number, CorruptDataError for broken CSV and
 *   for a column of a name that another has too, InvalidArgumentError for a column that is asked for twice, or an unknown option
 */
export function readCsv(path: string, columns: CsvColumns): CsvSamples {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new NotFoundError(`can't read ${path}: ${(error as Error).message}`, { cause: error });
  }
  return parseCsv(text, columns, path);
}

/**
 * The same from a text.
 * @param source what to call the text in messages
 */
export function parseCsv(text: string, columns: CsvColumns, source = 'the text'): CsvSamples {
  requireKnownOptions('parseCsv', columns, ['y', 'x', 'weights', 'delimiter']);
  let lines: { record: string[]; info: { lines: number } }[];
  try {
    lines = parse(text, {
      bom: true,
      info: true,
      trim: true,
      skip_empty_lines: true,
      delimiter: columns.delimiter ?? ',',
    }) as unknown as typeof lines;
  } catch (error) {
    throw new CorruptDataError(`${source} is no CSV: ${(error as Error).message}`, { cause: error });
  }
  const header = lines.shift()?.record ?? [];
  if (header.length === 0) throw new CorruptDataError(`${source} is empty; expected a header line and samples`);
  const find = (name: string): number => {
    const index = header.indexOf(name);
    if (index < 0)
      throw new NotFoundError(
        `${source} has no column "${name}"; it has ${header.join(', ')}${didYouMean(name, header)}`,
      );
    return index;
  };
  const named = [columns.y, ...(columns.weights === undefined ? [] : [columns.weights])];
  const names = columns.x ?? header.filter((name) => !named.includes(name));
  const used = [...named, ...names];
  for (const name of used) {
    if (header.indexOf(name) !== header.lastIndexOf(name))
      throw new CorruptDataError(`${source} has several columns "${name}"; expected names that differ`);
    if (used.indexOf(name) !== used.lastIndexOf(name))
      throw new InvalidArgumentError(`column "${name}" is asked for twice; expected y, weights and x to differ`);
  }
  const number = (column: number) => (line: (typeof lines)[number]) => {
    const cell = line.record[column]!;
    const value = cell === '' ? Number.NaN : Number(cell);
    if (!Number.isFinite(value))
      throw new NonFiniteError(
        `${source}, line ${line.info.lines}, column ${header[column]}: ${JSON.stringify(cell)}; expected a finite number`,
      );
    return value;
  };
  const y = lines.map(number(find(columns.y)));
  const read = names.map((name) => number(find(name)));
  const x = lines.map((line) => read.map((cell) => cell(line)));
  if (columns.weights === undefined) return { x, y, names };
  return { x, y, names, weights: lines.map(number(find(columns.weights))) };
}
