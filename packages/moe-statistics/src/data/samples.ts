// What a caller hands in, checked and made into typed arrays: covariates [n, s], responses [n], weights [n].
import { InvalidArgumentError, NonFiniteError, ShapeError } from '@moe-rl/core';
import { ConstantColumnError, TooFewSamplesError } from '../errors.ts';

/** One number per sample (s = 1), or one row of s numbers per sample. */
export type Covariates = ArrayLike<number> | readonly ArrayLike<number>[];

/** Samples of a response y given covariates x. */
export interface Samples {
  /** [n] or [n][s] */
  readonly x: Covariates;
  /** [n] */
  readonly y: ArrayLike<number>;
  /** [n], not negative: how often each sample counts. Default: once. */
  readonly weights?: ArrayLike<number>;
  /** Names of the s columns of x, for messages and tables. Default: x (s = 1) or x1, x2, ... */
  readonly names?: readonly string[];
}

/** Covariates as one row-major array. */
export interface Matrix {
  readonly values: Float64Array;
  readonly rows: number;
  readonly columns: number;
  readonly names: readonly string[];
}

export interface CheckedSamples {
  readonly x: Matrix;
  readonly y: Float64Array;
  readonly weights: Float64Array;
  /** The sum of the weights: the n of BIC. */
  readonly totalWeight: number;
}

/**
 * @param columns how many columns the model at hand expects, if there is one
 * @throws ShapeError for ragged rows or another width, NonFiniteError naming row and column
 */
export function toMatrix(x: Covariates, names?: readonly string[], columns?: number): Matrix {
  const rows = x?.length;
  if (typeof rows !== 'number' || typeof x !== 'object')
    throw new ShapeError(`x is ${x === null ? 'null' : typeof x}; expected an array of numbers or of rows of numbers`);
  if (rows === 0) throw new ShapeError('x has no rows; expected at least one');
  const width = typeof x[0] === 'number' ? 1 : (x[0] as ArrayLike<number> | null | undefined)?.length;
  if (width === undefined || !Number.isInteger(width) || width < 1)
    throw new ShapeError(`x[0] has no columns; expected a number or a row of numbers`);
  if (columns !== undefined && columns !== width)
    throw new ShapeError(`x has ${width} columns; the model has ${columns}`);
  if (names !== undefined && names.length !== width)
    throw new ShapeError(`names has ${names.length} entries; x has ${width} columns`);
  const labels = names ?? (width === 1 ? ['x'] : Array.from({ length: width }, (_, column) => `x${column + 1}`));
  const values = new Float64Array(rows * width);
  for (let row = 0; row < rows; row++) {
    const entry = x[row];
    if (entry === undefined || entry === null) throw new ShapeError(`x[${row}] is ${entry}; expected what x[0] is`);
    if (typeof entry !== 'number' && entry.length !== width)
      throw new ShapeError(`x[${row}] has ${entry.length} columns; x[0] has ${width}`);
    for (let column = 0; column < width; column++) {
      const value = typeof entry === 'number' ? entry : entry[column]!;
      if (typeof value !== 'number' || !Number.isFinite(value) || (typeof entry === 'number' && width !== 1))
        throw new NonFiniteError(`x[${row}], column ${labels[column]}, is ${value}; expected a finite number`);
      values[row * width + column] = value;
    }
  }
  return { values, rows, columns: width, names: labels };
}

/**
 * Checks the form of a data set: finite numbers, equal lengths, weights that are not negative.
 * @throws ShapeError, NonFiniteError for what is missing or no number, InvalidArgumentError
 */
export function checkSamples(samples: Samples, columns?: number): CheckedSamples {
  if (typeof samples !== 'object' || samples === null)
    throw new ShapeError(`samples is ${samples === null ? 'null' : typeof samples}; expected { x, y }`);
  const x = toMatrix(samples.x, samples.names, columns);
  if (samples.y?.length !== x.rows) throw new ShapeError(`y has ${samples.y?.length} entries; x has ${x.rows} rows`);
  const y = numbersOf('y', samples.y);
  for (let row = 0; row < y.length; row++) {
    if (!Number.isFinite(y[row]!)) throw new NonFiniteError(`y[${row}] is ${y[row]}; expected a finite number`);
  }
  const weights =
    samples.weights === undefined ? new Float64Array(x.rows).fill(1) : numbersOf('weights', samples.weights);
  if (weights.length !== x.rows) throw new ShapeError(`weights has ${weights.length} entries; x has ${x.rows} rows`);
  let totalWeight = 0;
  for (let row = 0; row < weights.length; row++) {
    const weight = weights[row]!;
    if (!(weight >= 0) || weight === Number.POSITIVE_INFINITY)
      throw new InvalidArgumentError(`weights[${row}] is ${weight}; expected a finite number of at least 0`);
    totalWeight += weight;
  }
  if (totalWeight === 0) throw new InvalidArgumentError('all weights are 0; expected a positive one');
  return { x, y, weights, totalWeight };
}

/** A typed array would take a missing value (null, an empty text) for 0, and a text for the number that it spells. */
function numbersOf(name: string, values: ArrayLike<number>): Float64Array {
  const numbers = new Float64Array(values.length);
  for (let row = 0; row < numbers.length; row++) {
    const value: unknown = values[row];
    if (typeof value !== 'number')
      throw new NonFiniteError(`${name}[${row}] is ${JSON.stringify(value)}; expected a finite number`);
    numbers[row] = value;
  }
  return numbers;
}

/**
 * Checks that a model can be fitted to the samples at all.
 * @throws TooFewSamplesError, ConstantColumnError naming the column
 */
export function requireInformative(samples: CheckedSamples, parameterCount: number, model: string): void {
  const used = samples.weights.reduce((count, weight) => count + (weight > 0 ? 1 : 0), 0);
  if (used <= parameterCount) {
    throw new TooFewSamplesError(
      `${used} samples for the ${parameterCount} free parameters of ${model}; expected more samples than parameters`,
    );
  }
  const { values, rows, columns, names } = samples.x;
  const first = samples.weights.findIndex((weight) => weight > 0);
  const isConstant = (read: (row: number) => number): boolean => {
    for (let row = first + 1; row < rows; row++) {
      if (samples.weights[row]! > 0 && read(row) !== read(first)) return false;
    }
    return true;
  };
  for (let column = 0; column < columns; column++) {
    if (isConstant((row) => values[row * columns + column]!)) {
      throw new ConstantColumnError(
        `column ${names[column]} of x is ${values[first * columns + column]} in every sample; leave it out (every model has an intercept)`,
      );
    }
  }
  if (isConstant((row) => samples.y[row]!)) {
    throw new ConstantColumnError(`y is ${samples.y[first]} in every sample; expected a response that varies`);
  }
}
