// The EM map of a mixture of shared and routed experts. E: responsibilities over all k1 + k2 experts; M: weights are the shared experts' shares, gates maximize
// sum q_nj ln g_j, experts are weighted least squares, variances weighted residual squares.
// Packed parameters: ln w [k1], gate rows [k2, d + 1], numbers of shared experts, ln of their variances, numbers of routed experts, ln of their variances.
import type { CheckedSamples } from '../data/samples.ts';
import { withIntercept } from '../data/standardize.ts';
import { type GateKind, GateRegression } from '../gates/gate-regression.ts';
import type { EmProblem } from '../numerics/em.ts';
import { emptyExpert, massesOf, requireReseedsLeft, worstFittedRow } from '../numerics/empty-experts.ts';
import { LOG_2_PI } from '../numerics/special.ts';
import { canonicalizeExpert, type ExpertForm, ExpertRegression, expertMean, formSize } from './expert-forms.ts';

const SMALLEST_WEIGHT = 1e-12;

export interface SharedRoutedEmSettings {
  readonly shared: number;
  readonly routed: number;
  readonly gateKind: GateKind;
  readonly sharedForm: ExpertForm;
  readonly routedForm: ExpertForm;
  /** The gate row that stays as it starts; -1 for none. */
  readonly pinnedGate: number;
  readonly innerSteps: number;
  readonly gateBound: number;
  readonly varianceFloor: number;
}

/** One of the two groups of experts, in the packed parameters. */
interface Group {
  readonly form: ExpertForm;
  readonly count: number;
  /** Numbers per expert. */
  readonly width: number;
  readonly numbersAt: number;
  readonly variancesAt: number;
  /** Its first column of the responsibilities. */
  readonly column: number;
  readonly regression: ExpertRegression;
}

export class SharedRoutedEm implements EmProblem {
  readonly settings: SharedRoutedEmSettings;
  readonly size: number;
  readonly gateAt: number;
  readonly gateWidth: number;
  readonly groups: readonly [Group, Group];
  /** Weighted responsibilities [n, k1 + k2]. */
  readonly responsibilities: Float64Array;
  reseedCount = 0;
  readonly #samples: CheckedSamples;
  readonly #gate: GateRegression;
  readonly #routedShares: Float64Array;
  readonly #rowLogDensity: Float64Array;

  constructor(samples: CheckedSamples, settings: SharedRoutedEmSettings) {
    const { shared, routed, sharedForm, routedForm, gateKind, pinnedGate } = settings;
    const { x, y } = samples;
    const d = x.columns;
    this.settings = settings;
    this.#samples = samples;
    this.gateAt = shared;
    this.gateWidth = d + 1;
    const group = (form: ExpertForm, count: number, at: number, column: number): Group => {
      const width = formSize(form, d);
      const regression = new ExpertRegression(form, x, y);
      return { form, count, width, numbersAt: at, variancesAt: at + count * width, column, regression };
    };
    const first = group(sharedForm, shared, shared + routed * (d + 1), 0);
    const second = group(routedForm, routed, first.variancesAt + shared, shared);
    this.groups = [first, second];
    this.size = second.variancesAt + routed;
    this.responsibilities = new Float64Array(x.rows * (shared + routed));
    this.#routedShares = new Float64Array(x.rows * routed);
    this.#rowLogDensity = new Float64Array(x.rows);
    this.#gate = new GateRegression({
      kind: gateKind,
      design: withIntercept(x),
      rows: x.rows,
      width: d + 1,
      outputs: routed,
      pinned: pinnedGate,
    });
  }

  step(from: Float64Array, to: Float64Array, mayReseed: boolean): number {
    const logLikelihood = this.#expectation(from);
    const experts = this.settings.shared + this.settings.routed;
    const empty = emptyExpert(massesOf(this.responsibilities, experts), this.#samples.x.rows);
    if (empty >= 0 && Number.isFinite(logLikelihood)) {
      if (!mayReseed) return Number.NaN;
      to.set(from);
      this.#reseed(to, empty);
      return logLikelihood;
    }
    this.maximization(from, to, this.settings.innerSteps);
    return logLikelihood;
  }

  project(parameters: Float64Array): void {
    const { gateBound, varianceFloor, pinnedGate, shared } = this.settings;
    let total = 0;
    for (let i = 0; i < shared; i++) {
      parameters[i] = Math.max(Math.log(SMALLEST_WEIGHT), Math.min(0, parameters[i]!));
      total += Math.exp(parameters[i]!);
    }
    for (let i = 0; i < shared; i++) parameters[i]! -= Math.log(total);
    for (let k = this.gateAt; k < this.groups[0].numbersAt; k++) {
      if (Math.floor((k - this.gateAt) / this.gateWidth) !== pinnedGate)
        parameters[k] = Math.max(-gateBound, Math.min(gateBound, parameters[k]!));
    }
    for (const { form, count, width, numbersAt, variancesAt } of this.groups) {
      for (let j = 0; j < count; j++) {
        canonicalizeExpert(form, parameters, numbersAt + j * width, this.gateWidth - 1);
        parameters[variancesAt + j] = Math.max(Math.log(varianceFloor), Math.min(200, parameters[variancesAt + j]!));
      }
    }
  }

  #gateOf(parameters: Float64Array): Float64Array {
    return parameters.slice(this.gateAt, this.groups[0].numbersAt);
  }

  #expectation(parameters: Float64Array): number {
    const { x, y, weights } = this.#samples;
    const { shared, routed } = this.settings;
    const experts = shared + routed;
    const logGates = this.#gate.evaluate(this.#gateOf(parameters));
    const tau = this.responsibilities;
    const logHalf = Math.log(0.5);
    // ln of weight and normalizer, and precision, of every expert.
    const constants = new Float64Array(experts);
    const precisions = new Float64Array(experts);
    for (const { count, variancesAt, column } of this.groups) {
      for (let j = 0; j < count; j++) {
        const logVariance = parameters[variancesAt + j]!;
        const logWeight = column === 0 ? parameters[j]! : 0;
        constants[column + j] = logHalf + logWeight - 0.5 * (LOG_2_PI + logVariance);
        precisions[column + j] = Math.exp(-logVariance);
      }
    }
    let logLikelihood = 0;
    for (let row = 0; row < x.rows; row++) {
      const at = row * experts;
      let largest = Number.NEGATIVE_INFINITY;
      for (const { form, count, width, numbersAt, column } of this.groups) {
        for (let j = 0; j < count; j++) {
          const error = y[row]! - expertMean(form, parameters, numbersAt + j * width, x, row);
          const logGate = column === 0 ? 0 : logGates[row * routed + j]!;
          const joint = constants[column + j]! + logGate - 0.5 * precisions[column + j]! * error * error;
          tau[at + column + j] = joint;
          if (joint > largest) largest = joint;
        }
      }
      let sum = 0;
      for (let j = at; j < at + experts; j++) {
        tau[j] = Math.exp(tau[j]! - largest);
        sum += tau[j]!;
      }
      this.#rowLogDensity[row] = largest + Math.log(sum);
      const weight = weights[row]!;
      if (weight !== 0) logLikelihood += weight * this.#rowLogDensity[row]!;
      for (let j = at; j < at + experts; j++) tau[j]! *= weight / sum;
    }
    return logLikelihood;
  }

  /** From parameters and the responsibilities to better parameters. */
  maximization(from: Float64Array, to: Float64Array, innerSteps: number): void {
    const { shared, routed, gateBound, varianceFloor } = this.settings;
    const experts = shared + routed;
    const { rows } = this.#samples.x;
    const tau = this.responsibilities;
    to.set(from);
    const masses = new Float64Array(experts);
    for (let row = 0; row < rows; row++) {
      for (let j = 0; j < experts; j++) {
        const share = tau[row * experts + j]!;
        masses[j]! += share;
        if (j >= shared) this.#routedShares[row * routed + j - shared] = share;
      }
    }
    let sharedMass = 0;
    for (let i = 0; i < shared; i++) sharedMass += masses[i]!;
    for (let i = 0; i < shared; i++) to[i] = Math.log(Math.max(SMALLEST_WEIGHT, masses[i]! / sharedMass));
    const gate = this.#gateOf(from);
    this.#gate.improve(gate, this.#routedShares, innerSteps, gateBound);
    to.set(gate, this.gateAt);
    for (const { count, width, numbersAt, variancesAt, column, regression } of this.groups) {
      for (let j = 0; j < count; j++) {
        const square = regression.improve(to, numbersAt + j * width, tau, column + j, experts, innerSteps + 1);
        to[variancesAt + j] = Math.log(Math.max(varianceFloor, square / masses[column + j]!));
      }
    }
  }

  /** Puts an empty expert on the sample that is fitted worst: a copy of another of its group, moved to pass through that sample. */
  #reseed(parameters: Float64Array, empty: number): void {
    const { shared, routed } = this.settings;
    const name = empty < shared ? `shared expert ${empty + 1}` : `routed expert ${empty - shared + 1}`;
    requireReseedsLeft(++this.reseedCount, shared + routed, name);
    const { x, y, weights } = this.#samples;
    const worst = worstFittedRow(weights, this.#rowLogDensity);
    const group = this.groups[empty < shared ? 0 : 1];
    const j = empty - group.column;
    const other = group.count > 1 ? (j + 1) % group.count : j;
    const at = group.numbersAt + j * group.width;
    parameters.copyWithin(at, group.numbersAt + other * group.width, group.numbersAt + (other + 1) * group.width);
    parameters[group.variancesAt + j] = parameters[group.variancesAt + other]!;
    const mean = expertMean(group.form, parameters, at, x, worst);
    // Linear experts move by the intercept, rectified ones by the output.
    const last = at + group.width - 1;
    if (group.form === 'linear') parameters[last]! += y[worst]! - mean;
    else parameters[last]! *= mean === 0 ? -1 : y[worst]! / mean;
    if (group.column === 0) parameters[j] = Math.log(1 / shared);
    else if (j !== this.settings.pinnedGate) {
      const gate = this.gateAt + other * this.gateWidth;
      parameters.copyWithin(this.gateAt + j * this.gateWidth, gate, gate + this.gateWidth);
    }
    this.project(parameters);
  }
}
