// The regression inside every M step that is one of probabilities: given soft targets T [n, K] (rows sum to R_i), maximize sum_i sum_j T_ij log g_j(u_i),
// where g is the softmax of linear logits z = C u, or their sigmoids divided by the sum of them. Gates are fitted so (T: responsibilities), and
// multinomial logistic experts (T: responsibilities at the observed class).
//
// Gradient in z_l: softmax T_l - R g_l; normalized sigmoid (1 - s_l)(T_l - R g_l). Steps are Newton's for the softmax, Fisher scoring's for the sigmoid,
// halved until the objective does not fall: one step raises the likelihood of the mixture, many solve the regression.
import { solveDamped } from '../numerics/cholesky.ts';
import { sigmoid } from '../numerics/special.ts';

export type GateKind = 'softmax' | 'normalized-sigmoid';
export const GATE_KINDS = ['softmax', 'normalized-sigmoid'] as const;

export interface GateShape {
  readonly kind: GateKind;
  /** [n, width], row-major. */
  readonly design: Float64Array;
  readonly rows: number;
  readonly width: number;
  /** K: experts, or classes. */
  readonly outputs: number;
  /** The output whose coefficients stay as they are (a softmax needs one); -1 for none. */
  readonly pinned: number;
}

/** ln g_j(u_i) into `logs` and g_j(u_i) into `probabilities`, both [n, K], for coefficients [K, width]. */
export function evaluateGates(
  shape: GateShape,
  coefficients: Float64Array,
  logs: Float64Array,
  probabilities: Float64Array,
): void {
  const { design, rows, width, outputs, kind } = shape;
  const isSigmoid = kind === 'normalized-sigmoid';
  for (let row = 0; row < rows; row++) {
    const at = row * outputs;
    const u = row * width;
    let largest = Number.NEGATIVE_INFINITY;
    for (let output = 0, c = 0; output < outputs; output++) {
      let z = 0;
      for (let k = 0; k < width; k++) z += coefficients[c++]! * design[u + k]!;
      // ln sigmoid(z) = -ln(1 + e^-z): normalized afterwards just as logits are.
      if (isSigmoid) z = z > 0 ? -Math.log1p(Math.exp(-z)) : z - Math.log1p(Math.exp(z));
      logs[at + output] = z;
      if (z > largest) largest = z;
    }
    let sum = 0;
    for (let output = at; output < at + outputs; output++) {
      const share = Math.exp(logs[output]! - largest);
      probabilities[output] = share;
      sum += share;
    }
    const normalizer = largest + Math.log(sum);
    for (let output = at; output < at + outputs; output++) {
      logs[output]! -= normalizer;
      probabilities[output]! /= sum;
    }
  }
}

/** Where Newton's step leads nowhere, no logit may change by more than this at first. */
const LONGEST_CHANGE = 16;

/** Fits gate coefficients in place; keeps its scratch space from call to call. */
export class GateRegression {
  readonly shape: GateShape;
  readonly #free: readonly number[];
  readonly #logGates: Float64Array;
  readonly #probabilities: Float64Array;
  /** The largest |u_k| of the design's columns: what a change of coefficients changes a logit by at most. */
  readonly #reach: Float64Array;
  readonly #gradient: Float64Array;
  readonly #information: Float64Array;

  constructor(shape: GateShape) {
    this.shape = shape;
    this.#free = Array.from({ length: shape.outputs }, (_, output) => output).filter((k) => k !== shape.pinned);
    this.#logGates = new Float64Array(shape.rows * shape.outputs);
    this.#probabilities = new Float64Array(shape.rows * shape.outputs);
    this.#reach = new Float64Array(shape.width);
    shape.design.forEach((value, index) => {
      const k = index % shape.width;
      this.#reach[k] = Math.max(this.#reach[k]!, Math.abs(value));
    });
    const unknowns = this.#free.length * shape.width;
    this.#gradient = new Float64Array(unknowns);
    this.#information = new Float64Array(unknowns * unknowns);
  }

  /** ln g [n, K] at the coefficients, in scratch space that the next call overwrites. */
  evaluate(coefficients: Float64Array): Float64Array {
    evaluateGates(this.shape, coefficients, this.#logGates, this.#probabilities);
    return this.#logGates;
  }

  /**
   * Up to `steps` steps from `coefficients` [K, width] (changed in place), each within [-bound, bound].
   * @param targets [n, K]
   * @param isEvaluated whether the last call was `evaluate(coefficients)`, which then need not be repeated
   * @returns whether nothing is left to gain: the regression is solved
   */
  improve(
    coefficients: Float64Array,
    targets: Float64Array,
    steps: number,
    bound: number,
    isEvaluated = false,
  ): boolean {
    const { width } = this.shape;
    if (this.#free.length === 0) return true;
    if (!isEvaluated) this.evaluate(coefficients);
    let objective = Number.NaN;
    const trial = coefficients.slice();
    const direction = new Float64Array(this.#gradient.length);
    const isBetter = (length: number): boolean => {
      for (let slot = 0; slot < this.#free.length; slot++) {
        const at = this.#free[slot]! * width;
        for (let k = 0; k < width; k++) {
          const moved = coefficients[at + k]! + length * direction[slot * width + k]!;
          trial[at + k] = Math.max(-bound, Math.min(bound, moved));
        }
      }
      this.evaluate(trial);
      const reached = this.#objective(targets);
      if (!(reached > objective)) return false;
      coefficients.set(trial);
      objective = reached;
      return true;
    };
    for (let step = 0; step < steps; step++) {
      this.#derivatives(coefficients, targets);
      if (this.#isSafeStep(coefficients, direction, bound, step === steps - 1)) return false;
      if (Number.isNaN(objective)) objective = this.#objective(targets);
      let isImproved = false;
      let isFar = false;
      // A full step fails near a face of the box or far from the maximum; more damping turns it towards the gradient.
      for (let damping = 0, halvings = 0, length = 1; halvings < 18 && !isImproved; halvings++, length /= 2) {
        if (halvings % 6 === 0) {
          direction.set(this.#gradient);
          solveDamped(this.#information, direction, direction.length, damping);
          damping = damping === 0 ? 1e-3 : damping * 1e3;
          length = 1;
          // Below rounding there is nothing to find.
          if (halvings === 0) {
            const gain = dot(direction, this.#gradient) / (1 + Math.abs(objective));
            if (gain < 1e-13) return true;
            isFar = gain > 1e-6;
          }
        }
        isImproved = isBetter(length);
      }
      // Where every sample is all but certain of its output, and some are wrong, the information is next to nothing, and all of these steps are far too long.
      if (!isImproved && isFar) {
        let length = LONGEST_CHANGE / this.#largestChange(direction);
        for (let halvings = 0; halvings < 12 && !isImproved; halvings++, length /= 2) isImproved = isBetter(length);
      }
      if (!isImproved) return true;
    }
    return false;
  }

  /**
   * Takes a full Newton step without looking where it leads, if it is the last one and cannot lead down: no logit changes against another by r or
   * more, e^r < 2, so that no curvature on the way is twice that at the start. Spares the third of an EM step's time that the look would take.
   */
  #isSafeStep(coefficients: Float64Array, direction: Float64Array, bound: number, isLast: boolean): boolean {
    const { kind, width } = this.shape;
    if (!isLast || kind !== 'softmax') return false;
    direction.set(this.#gradient);
    solveDamped(this.#information, direction, direction.length, 0);
    let reach = 0;
    for (let slot = 0; slot < this.#free.length; slot++) {
      let change = 0;
      for (let k = 0; k < width; k++) {
        const moved = coefficients[this.#free[slot]! * width + k]! + direction[slot * width + k]!;
        if (Math.abs(moved) > bound) return false;
        change += Math.abs(direction[slot * width + k]!) * this.#reach[k]!;
      }
      reach = Math.max(reach, change);
    }
    if (2 * reach >= 0.69) return false;
    for (let slot = 0; slot < this.#free.length; slot++) {
      for (let k = 0; k < width; k++) coefficients[this.#free[slot]! * width + k]! += direction[slot * width + k]!;
    }
    return true;
  }

  /** What a logit changes by at most along a direction. */
  #largestChange(direction: Float64Array): number {
    const { width } = this.shape;
    let largest = 0;
    for (let slot = 0; slot < this.#free.length; slot++) {
      let change = 0;
      for (let k = 0; k < width; k++) change += Math.abs(direction[slot * width + k]!) * this.#reach[k]!;
      largest = Math.max(largest, change);
    }
    return largest;
  }

  /** sum_i sum_j T_ij ln g_ij of the last evaluation. */
  #objective(targets: Float64Array): number {
    let sum = 0;
    const logs = this.#logGates;
    for (let index = 0; index < targets.length; index++) {
      const target = targets[index]!;
      if (target !== 0) sum += target * logs[index]!;
    }
    return sum;
  }

  /** Gradient and information at coefficients that were evaluated last: always so, since a step either ends at an accepted point or ends the search. */
  #derivatives(coefficients: Float64Array, targets: Float64Array): void {
    const { design, rows, width, outputs, kind } = this.shape;
    const free = this.#free;
    const count = free.length;
    const unknowns = count * width;
    const gradient = this.#gradient.fill(0);
    const information = this.#information.fill(0);
    const isSigmoid = kind === 'normalized-sigmoid';
    const shares = new Float64Array(count);
    const slopes = new Float64Array(count).fill(1);
    for (let row = 0; row < rows; row++) {
      const at = row * outputs;
      const u = row * width;
      let total = 0;
      for (let output = at; output < at + outputs; output++) total += targets[output]!;
      if (total === 0) continue;
      for (let a = 0; a < count; a++) {
        const output = free[a]!;
        const share = this.#probabilities[at + output]!;
        if (isSigmoid) {
          let z = 0;
          for (let k = 0; k < width; k++) z += coefficients[output * width + k]! * design[u + k]!;
          slopes[a] = sigmoid(-z);
        }
        shares[a] = share;
        const slope = slopes[a]!;
        const residual = slope * (targets[at + output]! - total * share);
        for (let k = 0; k < width; k++) gradient[a * width + k]! += residual * design[u + k]!;
        for (let b = 0; b <= a; b++) {
          const curvature = total * slope * slopes[b]! * share * (a === b ? 1 - share : -shares[b]!);
          for (let k = 0; k < width; k++) {
            const scaled = curvature * design[u + k]!;
            const cell = (a * width + k) * unknowns + b * width;
            for (let l = 0; l < width; l++) information[cell + l]! += scaled * design[u + l]!;
          }
        }
      }
    }
    for (let row = 0; row < unknowns; row++) {
      for (let column = row + 1; column < unknowns; column++)
        information[row * unknowns + column] = information[column * unknowns + row]!;
    }
  }
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += a[k]! * b[k]!;
  return sum;
}
