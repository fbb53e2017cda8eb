// Checks of the numbers in a model that somebody hands in.
import { InvalidArgumentError, NonFiniteError } from '@moe-rl/core';

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
