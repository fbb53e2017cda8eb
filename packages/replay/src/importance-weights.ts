// Importance weights of prioritized sampling.
import { ShapeError } from '@moe-rl/core';

/**
 * `w_i = (1 / (P_i + 1e-10))^exponent / max_j w_j`, into `output` (`[B]`), which is returned.
 * Schaul et al. 2016, section 3.4, with the constants of Dopamine's Rainbow (exponent 0.5 throughout training, divided by the batch's maximum).
 * @throws ShapeError when the lengths differ
 */
export function importanceWeights(
  probabilities: ArrayLike<number>,
  exponent: number,
  output: Float32Array = new Float32Array(probabilities.length),
): Float32Array {
  if (output.length !== probabilities.length) {
    throw new ShapeError(`output holds ${output.length} weights; expected ${probabilities.length}`);
  }
  let largest = 0;
  for (let index = 0; index < probabilities.length; index++) {
    const weight = (1 / (probabilities[index]! + 1e-10)) ** exponent;
    if (weight > largest) largest = weight;
  }
  if (largest === Number.POSITIVE_INFINITY) {
    // A large exponent: the quotient is taken before the power, which nothing can overflow then.
    let least = Number.POSITIVE_INFINITY;
    for (let index = 0; index < probabilities.length; index++) least = Math.min(least, probabilities[index]!);
    for (let index = 0; index < probabilities.length; index++) {
      output[index] = ((least + 1e-10) / (probabilities[index]! + 1e-10)) ** exponent;
    }
    return output;
  }
  for (let index = 0; index < probabilities.length; index++) {
    output[index] = (1 / (probabilities[index]! + 1e-10)) ** exponent / largest;
  }
  return output;
}
