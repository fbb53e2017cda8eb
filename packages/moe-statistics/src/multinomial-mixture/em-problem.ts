// The EM map of a mixture of multinomial logistic experts. E: tau_ni = g_i f_i(y_n) / sum; M: every expert is a tau-weighted multinomial logistic
// regression, the gate one on tau itself. Packed parameters: gate rows 1 to k - 1 [d + 1 each], then of every expert its K - 1 classes [d + 1 each].
import type { CheckedSamples, Matrix } from '../data/samples.ts';
import { withIntercept } from '../data/standardize.ts';
import { GateRegression } from '../gates/gate-regression.ts';
import type { EmProblem } from '../numerics/em.ts';
import { emptyExpert, massesOf, requireReseedsLeft, worstFittedRow } from '../numerics/empty-experts.ts';
import { type GateTransform, gateDesign } from './model.ts';

export interface MultinomialEmSettings {
  readonly experts: number;
  readonly classes: number;
  readonly transform: GateTransform;
  readonly innerSteps: number;
  /** Every parameter stays within [-bound, bound]. */
  readonly bound: number;
}

export class MultinomialEm implements EmProblem {
  readonly settings: MultinomialEmSettings;
  readonly width: number;
  readonly size: number;
  reseedCount = 0;
  readonly #rows: number;
  readonly #y: Float64Array;
  readonly #weights: Float64Array;
  readonly #gate: GateRegression;
  readonly #experts: readonly GateRegression[];
  readonly #gateCoefficients: Float64Array;
  readonly #expertCoefficients: readonly Float64Array[];
  /** Weighted responsibilities [n, k]. */
  readonly responsibilities: Float64Array;
  readonly #targets: Float64Array;
  readonly #rowLogDensity: Float64Array;

  /** @param x standardized */
  constructor(x: Matrix, samples: CheckedSamples, settings: MultinomialEmSettings) {
    const { experts, classes, transform } = settings;
    this.settings = settings;
    this.width = x.columns + 1;
    this.size = (experts - 1 + experts * (classes - 1)) * this.width;
    this.#rows = x.rows;
    this.#y = samples.y;
    this.#weights = samples.weights;
    const common = { kind: 'softmax', rows: x.rows, width: this.width } as const;
    this.#gate = new GateRegression({
      ...common,
      design: gateDesign(x, transform),
      outputs: experts,
      pinned: experts - 1,
    });
    const design = withIntercept(x);
    this.#experts = Array.from(
      { length: experts },
      () => new GateRegression({ ...common, design, outputs: classes, pinned: classes - 1 }),
    );
    this.#gateCoefficients = new Float64Array(experts * this.width);
    this.#expertCoefficients = this.#experts.map(() => new Float64Array(classes * this.width));
    this.responsibilities = new Float64Array(x.rows * experts);
    this.#targets = new Float64Array(x.rows * classes);
    this.#rowLogDensity = new Float64Array(x.rows);
  }

  get expertsAt(): number {
    return (this.settings.experts - 1) * this.width;
  }

  get expertSize(): number {
    return (this.settings.classes - 1) * this.width;
  }

  step(from: Float64Array, to: Float64Array, mayReseed: boolean): number {
    const { experts, innerSteps } = this.settings;
    const logLikelihood = this.#expectation(from);
    const empty = emptyExpert(massesOf(this.responsibilities, experts), this.#rows);
    if (empty >= 0 && Number.isFinite(logLikelihood)) {
      if (!mayReseed) return Number.NaN;
      to.set(from);
      this.#reseed(to, empty);
      return logLikelihood;
    }
    this.maximization(from, to, innerSteps, true);
    return logLikelihood;
  }

  project(parameters: Float64Array): void {
    const { bound } = this.settings;
    for (let k = 0; k < parameters.length; k++) parameters[k] = Math.max(-bound, Math.min(bound, parameters[k]!));
  }

  #load(parameters: Float64Array): void {
    this.#gateCoefficients.set(parameters.subarray(0, this.expertsAt));
    this.#expertCoefficients.forEach((coefficients, i) => {
      const at = this.expertsAt + i * this.expertSize;
      coefficients.set(parameters.subarray(at, at + this.expertSize));
    });
  }

  #expectation(parameters: Float64Array): number {
    const { experts, classes } = this.settings;
    this.#load(parameters);
    const logGates = this.#gate.evaluate(this.#gateCoefficients);
    const logClasses = this.#experts.map((expert, i) => expert.evaluate(this.#expertCoefficients[i]!));
    const tau = this.responsibilities;
    let logLikelihood = 0;
    for (let row = 0; row < this.#rows; row++) {
      const at = row * experts;
      const observed = row * classes + this.#y[row]!;
      let largest = Number.NEGATIVE_INFINITY;
      for (let i = 0; i < experts; i++) {
        const joint = logGates[at + i]! + logClasses[i]![observed]!;
        tau[at + i] = joint;
        if (joint > largest) largest = joint;
      }
      let sum = 0;
      for (let i = at; i < at + experts; i++) {
        tau[i] = Math.exp(tau[i]! - largest);
        sum += tau[i]!;
      }
      const weight = this.#weights[row]!;
      this.#rowLogDensity[row] = largest + Math.log(sum);
      if (weight !== 0) logLikelihood += weight * this.#rowLogDensity[row]!;
      for (let i = at; i < at + experts; i++) tau[i]! *= weight / sum;
    }
    return logLikelihood;
  }

  /** From parameters (`isEvaluated`: those of the last expectation) and the responsibilities to better parameters. */
  maximization(from: Float64Array, to: Float64Array, innerSteps: number, isEvaluated: boolean): void {
    const { experts, classes, bound } = this.settings;
    if (!isEvaluated) this.#load(from);
    this.#gate.improve(this.#gateCoefficients, this.responsibilities, innerSteps, bound, isEvaluated);
    to.set(this.#gateCoefficients.subarray(0, this.expertsAt));
    this.#experts.forEach((expert, i) => {
      this.#targets.fill(0);
      for (let row = 0; row < this.#rows; row++)
        this.#targets[row * classes + this.#y[row]!] = this.responsibilities[row * experts + i]!;
      expert.improve(this.#expertCoefficients[i]!, this.#targets, innerSteps, bound, isEvaluated);
      to.set(this.#expertCoefficients[i]!.subarray(0, this.expertSize), this.expertsAt + i * this.expertSize);
    });
  }

  /** Puts an empty expert on the sample that is fitted worst: the average of the others' gates and coefficients, leaning to that sample's class. */
  #reseed(parameters: Float64Array, empty: number): void {
    const { experts, classes } = this.settings;
    const { width, expertSize } = this;
    requireReseedsLeft(++this.reseedCount, experts, `expert ${empty + 1} of ${experts}`);
    const worst = worstFittedRow(this.#weights, this.#rowLogDensity);
    const gate = new Float64Array(experts * width);
    gate.set(parameters.subarray(0, this.expertsAt));
    const averageInto = (values: Float64Array, at: number, size: number): void => {
      for (let k = 0; k < size; k++) {
        let sum = 0;
        for (let i = 0; i < experts; i++) if (i !== empty) sum += values[at + i * size + k]!;
        values[at + empty * size + k] = sum / (experts - 1);
      }
    };
    averageInto(gate, 0, width);
    for (let i = 0; i < experts - 1; i++)
      for (let k = 0; k < width; k++)
        parameters[i * width + k] = gate[i * width + k]! - gate[(experts - 1) * width + k]!;
    averageInto(parameters, this.expertsAt, expertSize);
    const label = this.#y[worst]!;
    const at = this.expertsAt + empty * expertSize;
    if (label < classes - 1) parameters[at + label * width]! += 2;
    else for (let other = 0; other < classes - 1; other++) parameters[at + other * width]! -= 2;
    this.project(parameters);
  }
}
