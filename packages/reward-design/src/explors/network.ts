// A small network with one hidden layer of ReLUs, trained by Adam: what the reward and its critic are where states are not known. Plain typed arrays: it sees
// single observations, for which a tensor library costs more than the arithmetic.
import { CheckpointError, type Rng, type StateTree } from '@moe-rl/core';

const [BETA1, BETA2, EPSILON] = [0.9, 0.999, 1e-8];

export class SmallNetwork {
  readonly #inputs: number;
  readonly #hidden: number;
  readonly #outputs: number;
  /** `[hidden, inputs]`, `[hidden]`, `[outputs, hidden]`, `[outputs]`, one behind the other. */
  readonly #weights: Float64Array;
  readonly #gradient: Float64Array;
  readonly #mean: Float64Array;
  readonly #square: Float64Array;
  readonly #activations: Float64Array;
  #updates = 0;

  constructor(inputs: number, hidden: number, outputs: number, rng: Rng) {
    this.#inputs = inputs;
    this.#hidden = hidden;
    this.#outputs = outputs;
    const size = hidden * (inputs + 1) + outputs * (hidden + 1);
    this.#weights = new Float64Array(size);
    this.#gradient = new Float64Array(size);
    this.#mean = new Float64Array(size);
    this.#square = new Float64Array(size);
    this.#activations = new Float64Array(hidden);
    // Uniform within 1 / sqrt(fan-in), as PyTorch has it.
    const split = hidden * (inputs + 1);
    for (let index = 0; index < size; index++) {
      this.#weights[index] = (2 * rng.nextFloat() - 1) / Math.sqrt(index < split ? inputs : hidden);
    }
  }

  /** Outputs for one input `[inputs]`. */
  forward(input: Float32Array): Float64Array {
    const { hidden, firstBias, second, secondBias } = this.#places();
    const weights = this.#weights;
    const inputs = this.#inputs;
    for (let unit = 0; unit < hidden; unit++) {
      let sum = weights[firstBias + unit]!;
      for (let index = 0, at = unit * inputs; index < inputs; index++, at++) sum += weights[at]! * input[index]!;
      this.#activations[unit] = Math.max(sum, 0);
    }
    const outputs = new Float64Array(this.#outputs);
    for (let output = 0; output < outputs.length; output++) {
      let sum = weights[secondBias + output]!;
      for (let unit = 0, at = second + output * hidden; unit < hidden; unit++, at++) {
        sum += weights[at]! * this.#activations[unit]!;
      }
      outputs[output] = sum;
    }
    return outputs;
  }

  /** Adds to the gradient what `slopes` `[outputs]`, of a loss by the outputs for this input, give. */
  accumulate(input: Float32Array, slopes: ArrayLike<number>): void {
    this.forward(input);
    const { hidden, firstBias, second, secondBias } = this.#places();
    const [weights, gradient, inputs] = [this.#weights, this.#gradient, this.#inputs];
    for (let output = 0; output < this.#outputs; output++) gradient[secondBias + output]! += slopes[output]!;
    for (let unit = 0; unit < hidden; unit++) {
      const activation = this.#activations[unit]!;
      if (activation === 0) continue;
      let slope = 0;
      for (let output = 0; output < this.#outputs; output++) {
        const at = second + output * hidden + unit;
        gradient[at]! += slopes[output]! * activation;
        slope += slopes[output]! * weights[at]!;
      }
      gradient[firstBias + unit]! += slope;
      for (let index = 0, at = unit * inputs; index < inputs; index++, at++) gradient[at]! += slope * input[index]!;
    }
  }

  /** One step of Adam down the gradient gathered, which starts anew. */
  descend(learningRate: number): void {
    this.#updates++;
    const rate = (learningRate * Math.sqrt(1 - BETA2 ** this.#updates)) / (1 - BETA1 ** this.#updates);
    const [weights, gradient, mean, square] = [this.#weights, this.#gradient, this.#mean, this.#square];
    for (let index = 0; index < weights.length; index++) {
      const slope = gradient[index]!;
      mean[index] = BETA1 * mean[index]! + (1 - BETA1) * slope;
      square[index] = BETA2 * square[index]! + (1 - BETA2) * slope * slope;
      weights[index]! -= (rate * mean[index]!) / (Math.sqrt(square[index]!) + EPSILON);
    }
    gradient.fill(0);
  }

  getState(): StateTree {
    return {
      weights: this.#weights.slice(),
      mean: this.#mean.slice(),
      square: this.#square.slice(),
      updates: this.#updates,
    };
  }

  /** @throws CheckpointError for the state of a network of another size */
  setState(state: StateTree): void {
    const { weights, mean, square } = state as Readonly<Record<string, Float64Array>>;
    if (weights?.length !== this.#weights.length || mean === undefined || square === undefined) {
      throw new CheckpointError(
        `the state holds a network of ${weights?.length ?? 'no'} weights; expected ${this.#weights.length}`,
      );
    }
    this.#weights.set(weights);
    this.#mean.set(mean);
    this.#square.set(square);
    this.#updates = Number(state.updates);
    this.#gradient.fill(0);
  }

  #places() {
    const firstBias = this.#hidden * this.#inputs;
    const second = firstBias + this.#hidden;
    return { hidden: this.#hidden, firstBias, second, secondBias: second + this.#outputs * this.#hidden };
  }
}
