// Checks of the numbers in a model that somebody hands in.
import { InvalidArgumentError, NonFiniteError, ShapeError } from '@moe-rl/core';

/** @throws ShapeError for what is no object, or lacks one of these arrays: a model may come from a file that somebody edited */
export function requireModel(model: unknown, arrays: readonly string[]): void {
  if (typeof model !== 'object' || model === null)
    throw new ShapeError(`model is ${model === null ? 'null' : typeof model}; expected what a fit gave`);
  const missing = arrays.find((name) => !Array.isArray((model as Readonly<Record<string, unknown>>)[name]));
  if (missing !== undefined) throw new ShapeError(`the model has no array "${missing}"; expected what a fit gave`);
}

/** @throws NonFiniteError naming the first number that is not finite */
export function requireFiniteNumbers(name: string, values: readonly number[]): void {
  values.forEach((value, index) => {
    if (!Number.isFinite(value)) throw new NonFiniteError(`${name}[${index}] is ${value}; expected a finite number`);
  });
}

/** @throws InvalidArgumentError naming the first number that is not positive, or not finite */
export function requirePositiveNumbers(name: string, values: readonly number[]): void {
  values.forEach((value, index) => {
    if (!(value > 0) || value === Number.POSITIVE_INFINITY)
      throw new InvalidArgumentError(`${name}[${index}] is ${value}; expected a positive number`);
  });
}
