// The EM map of a mixture of polynomial experts (Jordan and Jacobs 1994): E: tau_ij = g_j f_j / sum; M, experts: weighted least squares
// (Gaussian) or Newton steps on the weighted likelihood; M, gates: Newton steps on sum tau_ij ln g_j.
// Packed parameters: gate rows 1 to m - 1 [s + 1 each], coefficients of every expert [J each], ln variance of every expert (if estimated).
import { polynomialFeatures } from '../data/polynomial.ts';
import type { CheckedSamples, Matrix } from '../data/samples.ts';
import { withIntercept } from '../data/standardize.ts';
import { GateRegression } from '../gates/gate-regression.ts';
import { solveDamped } from '../numerics/cholesky.ts';
import type { EmProblem } from '../numerics/em.ts';
import { emptyExpert, requireReseedsLeft, worstFittedRow } from '../numerics/empty-experts.ts';
import { type Family, type ResponseFamily, responseFamily } from './families.ts';

/**
 * By how much a linear predictor may change in one step. Means are exponential in it: from far below, Newton's step would lead beyond all that halving can take
 * back.
 */
const LONGEST_CHANGE = 16;

export interface PolynomialEmSettings {
  readonly experts: number;
  readonly degree: number;
  readonly family: Family;
  readonly innerSteps: number;
  readonly gateBound: number;
  readonly expertBound: number;
  readonly varianceFloor: number;
}

export class PolynomialEm implements EmProblem {
  readonly settings: PolynomialEmSettings;
  readonly terms: number;
  readonly gateWidth: number;
  /** Whether the packed parameters hold variances. */
  readonly isVarianceFree: boolean;
  readonly size: number;
  reseedCount = 0;
  readonly #rows: number;
  readonly #features: Float64Array;
  /** The largest |feature| of every column. */
  readonly #reach: Float64Array;
  readonly #y: Float64Array;
  readonly #weights: Float64Array;
  readonly #family: ResponseFamily;
  readonly #logBase: Float64Array;
  readonly #gate: GateRegression;
  readonly #gateCoefficients: Float64Array;
  /** Weighted responsibilities [n, m]. */
  readonly #tau: Float64Array;
  /** Linear predictors h_j(x_i) [n, m] at the parameters of the last expectation. */
  readonly #predictors: Float64Array;
  readonly #rowLogDensity: Float64Array;
  readonly #mass: Float64Array;

  /** @param x standardized */
  constructor(x: Matrix, samples: CheckedSamples, settings: PolynomialEmSettings) {
    const { experts, degree, family } = settings;
    this.settings = settings;
    this.#rows = x.rows;
    this.#features = polynomialFeatures(x, degree);
    this.terms = this.#features.length / x.rows;
    this.#reach = new Float64Array(this.terms);
    this.#features.forEach((value, index) => {
      const k = index % this.terms;
      this.#reach[k] = Math.max(this.#reach[k]!, Math.abs(value));
    });
    this.gateWidth = x.columns + 1;
    this.isVarianceFree = family.type === 'gaussian' && family.variance === undefined;
    this.size = (experts - 1) * this.gateWidth + experts * (this.terms + (this.isVarianceFree ? 1 : 0));
    this.#y = samples.y;
    this.#weights = samples.weights;
    this.#family = responseFamily(family);
    this.#logBase = samples.y.map((y) => this.#family.logBase(y));
    this.#gate = new GateRegression({
      kind: 'softmax',
      design: withIntercept(x),
      rows: x.rows,
      width: this.gateWidth,
      outputs: experts,
      pinned: experts - 1,
    });
    this.#gateCoefficients = new Float64Array(experts * this.gateWidth);
    this.#tau = new Float64Array(x.rows * experts);
    this.#predictors = new Float64Array(x.rows * experts);
    this.#rowLogDensity = new Float64Array(x.rows);
    this.#mass = new Float64Array(experts);
  }

  get expertsAt(): number {
    return (this.settings.experts - 1) * this.gateWidth;
  }

  get variancesAt(): number {
    return this.expertsAt + this.settings.experts * this.terms;
  }

  step(from: Float64Array, to: Float64Array, mayReseed: boolean): number {
    const logLikelihood = this.expectation(from);
    const empty = emptyExpert(this.#mass, this.#rows);
    if (empty >= 0 && Number.isFinite(logLikelihood)) {
      if (!mayReseed) return Number.NaN;
      to.set(from);
      this.#reseed(to, empty);
      return logLikelihood;
    }
    this.maximization(from, to, this.settings.innerSteps, true);
    return logLikelihood;
  }

  project(parameters: Float64Array): void {
    const { gateBound, expertBound, varianceFloor } = this.settings;
    for (let k = 0; k < this.size; k++) {
      const bound = k < this.expertsAt ? gateBound : k < this.variancesAt ? expertBound : Number.POSITIVE_INFINITY;
      parameters[k] = Math.max(-bound, Math.min(bound, parameters[k]!));
      if (k >= this.variancesAt) parameters[k] = Math.max(Math.log(varianceFloor), Math.min(200, parameters[k]!));
    }
  }

  /** Weighted responsibilities into the scratch space; the log-likelihood at `parameters`. */
  expectation(parameters: Float64Array): number {
    const { experts, family } = this.settings;
    const terms = this.terms;
    this.#gateCoefficients.set(parameters.subarray(0, this.expertsAt));
    const logGates = this.#gate.evaluate(this.#gateCoefficients);
    const isGaussian = family.type === 'gaussian';
    const precisions = new Float64Array(experts).fill(1);
    const normalizers = new Float64Array(experts);
    if (isGaussian) {
      for (let j = 0; j < experts; j++) {
        const logVariance = this.isVarianceFree ? parameters[this.variancesAt + j]! : Math.log(family.variance!);
        precisions[j] = Math.exp(-logVariance);
        normalizers[j] = -0.5 * logVariance;
      }
    }
    const tau = this.#tau;
    const features = this.#features;
    const predictors = this.#predictors;
    const mass = this.#mass.fill(0);
    let logLikelihood = 0;
    for (let row = 0; row < this.#rows; row++) {
      const at = row * experts;
      const y = this.#y[row]!;
      let largest = Number.NEGATIVE_INFINITY;
      for (let j = 0, beta = this.expertsAt; j < experts; j++) {
        let h = 0;
        for (let k = 0; k < terms; k++) h += parameters[beta++]! * features[row * terms + k]!;
        predictors[at + j] = h;
        const kernel = isGaussian
          ? normalizers[j]! - 0.5 * precisions[j]! * (y - h) * (y - h)
          : this.#family.logKernel(y, h);
        const joint = logGates[at + j]! + kernel;
        tau[at + j] = joint;
        if (joint > largest) largest = joint;
      }
      let sum = 0;
      for (let j = at; j < at + experts; j++) {
        const share = Math.exp(tau[j]! - largest);
        tau[j] = share;
        sum += share;
      }
      const weight = this.#weights[row]!;
      const logDensity = largest + Math.log(sum) + this.#logBase[row]!;
      this.#rowLogDensity[row] = logDensity;
      if (weight !== 0) logLikelihood += weight * logDensity;
      const factor = weight / sum;
      for (let j = 0; j < experts; j++) {
        const share = tau[at + j]! * factor;
        tau[at + j] = share;
        mass[j]! += share;
      }
    }
    return logLikelihood;
  }

  /** Weighted responsibilities [n, m] of the last expectation; a start may write its own. */
  get responsibilities(): Float64Array {
    return this.#tau;
  }

  /** From parameters (`isEvaluated`: those of the last expectation) and the responsibilities in the scratch space to better parameters. */
  maximization(from: Float64Array, to: Float64Array, innerSteps: number, isEvaluated: boolean): void {
    const { experts, gateBound, family } = this.settings;
    to.set(from);
    this.#gateCoefficients.fill(0);
    this.#gateCoefficients.set(from.subarray(0, this.expertsAt));
    this.#gate.improve(this.#gateCoefficients, this.#tau, innerSteps, gateBound, isEvaluated);
    to.set(this.#gateCoefficients.subarray(0, this.expertsAt));
    if (!isEvaluated) this.#predict(from);
    if (family.type === 'gaussian') this.#fitGaussianExperts(to);
    else for (let j = 0; j < experts; j++) this.#fitExpert(to, j, innerSteps);
  }

  #predict(parameters: Float64Array): void {
    const { experts } = this.settings;
    const terms = this.terms;
    for (let row = 0; row < this.#rows; row++) {
      for (let j = 0, beta = this.expertsAt; j < experts; j++) {
        let h = 0;
        for (let k = 0; k < terms; k++) h += parameters[beta++]! * this.#features[row * terms + k]!;
        this.#predictors[row * experts + j] = h;
      }
    }
  }

  /**
   * Weighted least squares of every expert, and the weighted variances of the residuals. Solved for the correction to the coefficients at hand, not for
   * them anew: rounding then does not grow with their size, and the square that the correction saves is known without another pass.
   */
  #fitGaussianExperts(parameters: Float64Array): void {
    const terms = this.terms;
    const features = this.#features;
    const { experts, varianceFloor, expertBound } = this.settings;
    const area = terms * terms;
    const moments = new Float64Array(experts * area);
    const gradients = new Float64Array(experts * terms);
    const squares = new Float64Array(experts);
    const masses = new Float64Array(experts);
    for (let row = 0; row < this.#rows; row++) {
      const at = row * terms;
      for (let j = 0; j < experts; j++) {
        const share = this.#tau[row * experts + j]!;
        if (share < 1e-18) continue;
        const error = this.#y[row]! - this.#predictors[row * experts + j]!;
        squares[j]! += share * error * error;
        masses[j]! += share;
        for (let k = 0; k < terms; k++) {
          const scaled = share * features[at + k]!;
          gradients[j * terms + k]! += scaled * error;
          const cell = j * area + k * terms;
          for (let l = 0; l <= k; l++) moments[cell + l]! += scaled * features[at + l]!;
        }
      }
    }
    for (let j = 0; j < experts; j++) {
      const beta = this.expertsAt + j * terms;
      const matrix = moments.subarray(j * area, (j + 1) * area);
      const gradient = gradients.subarray(j * terms, (j + 1) * terms);
      const correction = gradient.slice();
      solveDamped(matrix, correction, terms, 0);
      const old = parameters.slice(beta, beta + terms);
      let saved = 0;
      let isClipped = false;
      for (let k = 0; k < terms; k++) {
        const moved = old[k]! + correction[k]!;
        parameters[beta + k] = Math.max(-expertBound, Math.min(expertBound, moved));
        if (parameters[beta + k] !== moved) isClipped = true;
        saved += correction[k]! * gradient[k]!;
      }
      let square = squares[j]! - saved;
      if (isClipped || square < 0.01 * squares[j]!) {
        square = this.#residualSquare(parameters, j);
        if (!(square <= squares[j]!)) {
          parameters.set(old, beta);
          square = squares[j]!;
        }
      }
      if (this.isVarianceFree)
        parameters[this.variancesAt + j] = Math.log(Math.max(varianceFloor, square / masses[j]!));
    }
  }

  #residualSquare(parameters: Float64Array, j: number): number {
    const terms = this.terms;
    const beta = this.expertsAt + j * terms;
    let sum = 0;
    for (let row = 0; row < this.#rows; row++) {
      let error = this.#y[row]!;
      for (let k = 0; k < terms; k++) error -= parameters[beta + k]! * this.#features[row * terms + k]!;
      sum += this.#tau[row * this.settings.experts + j]! * error * error;
    }
    return sum;
  }

  /** Fisher scoring on the weighted likelihood of one expert, halved until it does not fall. */
  #fitExpert(parameters: Float64Array, j: number, steps: number): void {
    const terms = this.terms;
    const { experts, expertBound } = this.settings;
    const beta = this.expertsAt + j * terms;
    const information = new Float64Array(terms * terms);
    let objective = this.#expertObjective(parameters, j);
    for (let step = 0; step < steps; step++) {
      information.fill(0);
      const direction = new Float64Array(terms);
      for (let row = 0; row < this.#rows; row++) {
        const share = this.#tau[row * experts + j]!;
        if (share < 1e-300) continue;
        const at = row * terms;
        let h = 0;
        for (let k = 0; k < terms; k++) h += parameters[beta + k]! * this.#features[at + k]!;
        const score = share * this.#family.score(this.#y[row]!, h);
        const curvature = share * this.#family.information(h);
        for (let k = 0; k < terms; k++) {
          direction[k]! += score * this.#features[at + k]!;
          const scaled = curvature * this.#features[at + k]!;
          for (let l = 0; l <= k; l++) information[k * terms + l]! += scaled * this.#features[at + l]!;
        }
      }
      solveDamped(information, direction, terms, 0);
      const old = parameters.slice(beta, beta + terms);
      let isImproved = false;
      const change = direction.reduce((sum, value, k) => sum + Math.abs(value) * this.#reach[k]!, 0);
      const longest = change > LONGEST_CHANGE ? LONGEST_CHANGE / change : 1;
      for (let length = longest; length > 1e-5 * longest && !isImproved; length /= 2) {
        for (let k = 0; k < terms; k++)
          parameters[beta + k] = Math.max(-expertBound, Math.min(expertBound, old[k]! + length * direction[k]!));
        const reached = this.#expertObjective(parameters, j);
        if (reached > objective) {
          isImproved = true;
          objective = reached;
        }
      }
      if (!isImproved) {
        parameters.set(old, beta);
        return;
      }
    }
  }

  #expertObjective(parameters: Float64Array, j: number): number {
    const terms = this.terms;
    const beta = this.expertsAt + j * terms;
    let sum = 0;
    for (let row = 0; row < this.#rows; row++) {
      const share = this.#tau[row * this.settings.experts + j]!;
      if (share < 1e-300) continue;
      let h = 0;
      for (let k = 0; k < terms; k++) h += parameters[beta + k]! * this.#features[row * terms + k]!;
      sum += share * this.#family.logKernel(this.#y[row]!, h);
    }
    return sum;
  }

  /** Puts an empty expert on the sample that the mixture fits worst: the average of the others' gates and coefficients, shifted to pass through it. */
  #reseed(parameters: Float64Array, empty: number): void {
    const { experts } = this.settings;
    const { gateWidth, terms } = this;
    requireReseedsLeft(++this.reseedCount, experts, `expert ${empty + 1} of ${experts}`);
    const worst = worstFittedRow(this.#weights, this.#rowLogDensity);
    const gate = new Float64Array(experts * gateWidth);
    gate.set(parameters.subarray(0, this.expertsAt));
    for (let k = 0; k < gateWidth; k++) {
      let sum = 0;
      for (let j = 0; j < experts; j++) if (j !== empty) sum += gate[j * gateWidth + k]!;
      gate[empty * gateWidth + k] = sum / (experts - 1);
    }
    for (let j = 0; j < experts - 1; j++) {
      for (let k = 0; k < gateWidth; k++)
        parameters[j * gateWidth + k] = gate[j * gateWidth + k]! - gate[(experts - 1) * gateWidth + k]!;
    }
    const average = (at: number, width: number, k: number): number => {
      let sum = 0;
      for (let j = 0; j < experts; j++) if (j !== empty) sum += parameters[at + j * width + k]!;
      return sum / (experts - 1);
    };
    const beta = this.expertsAt + empty * terms;
    for (let k = 0; k < terms; k++) parameters[beta + k] = average(this.expertsAt, terms, k);
    let h = 0;
    for (let k = 0; k < terms; k++) h += parameters[beta + k]! * this.#features[worst * terms + k]!;
    // The first feature is 1.
    parameters[beta]! += this.#family.link(this.#y[worst]!) - h;
    if (this.isVarianceFree) parameters[this.variancesAt + empty] = average(this.variancesAt, 1, 0);
    this.project(parameters);
  }
}
