// Worked examples of the form of testdata/statistics/examples.json through this package: for each key, which fields of an entry are inputs (all are read
// from the entry: sizes, names and models may differ from file to file) and what the code gives for the others.
import { InvalidArgumentError } from '@moe-rl/core';
import { multinomialVoronoiLoss } from '../comparison/multinomial-loss.ts';
import { voronoiLoss } from '../comparison/shared-routed-losses.ts';
import { approximationDivergence, bestByBound } from '../convergence-bound.ts';
import { noStandardization } from '../data/standardize.ts';
import {
  type GateTransform,
  type MultinomialMixtureModel,
  multinomialLogDensities,
  multinomialResponsibilities,
  predictMultinomial,
} from '../multinomial-mixture/model.ts';
import { polynomialEmStep } from '../polynomial-mixture/fit.ts';
import { type PolynomialMixtureModel, polynomialLogDensities } from '../polynomial-mixture/model.ts';
import { jainIndex, routerBehavior } from '../router-behavior.ts';
import { type ExpertForm, expertMean } from '../shared-routed-mixture/expert-forms.ts';
import {
  predictSharedRouted,
  type SharedRoutedModel,
  sharedRoutedLogDensities,
} from '../shared-routed-mixture/model.ts';

export interface WorkedExample {
  /** Fields of the entry that were read, or that describe it. */
  readonly inputs: readonly string[];
  /** What the code gives for the other fields, in the entry's own form. */
  readonly outputs: Readonly<Record<string, unknown>>;
  /** Compared relative to the value where given, else absolutely to 1e-6. */
  readonly relativeTolerance?: number;
}

// biome-ignore lint/suspicious/noExplicitAny: the form of an entry is its key's own.
type Entry = any;

const sum = (values: ArrayLike<number>): number => Array.from(values).reduce((total, value) => total + value, 0);
const names = (count: number): string[] => Array.from({ length: count }, (_, k) => `x${k + 1}`);
const width = (x: readonly (number | number[])[]): number => (typeof x[0] === 'number' ? 1 : x[0]!.length);

export const workedExamples: Readonly<Record<string, (entry: Entry) => WorkedExample>> = {
  em_gaussian_moe_one_step(entry) {
    const pinned = entry.pinned_gate;
    const experts: number = entry.gate.length;
    // The code pins the last gate: the pinned one goes there and comes back.
    const order = [...Array.from({ length: experts }, (_, j) => j).filter((j) => j !== pinned), pinned];
    const d = width(entry.x);
    const model: PolynomialMixtureModel = {
      family: { type: 'gaussian' },
      degree: entry.degree,
      names: names(d),
      standardization: noStandardization(d),
      gate: order.map((j) => entry.gate[j]),
      coefficients: order.map((j) => entry.beta[j]),
      variances: order.map((j) => entry.var[j]),
    };
    const samples = { x: entry.x, y: entry.y };
    const step = polynomialEmStep(model, samples, { innerSteps: entry.gate_solved_to_convergence ? 500 : 1 });
    const back = <Value>(values: readonly Value[]): Value[] =>
      Array.from({ length: experts }, (_, j) => values[order.indexOf(j)]!);
    return {
      inputs: ['x', 'y', 'gate', 'beta', 'var', 'degree', 'pinned_gate', 'gate_solved_to_convergence'],
      outputs: {
        loglik_before: step.logLikelihood,
        tau: step.responsibilities.map(back),
        new_beta: back(step.model.coefficients),
        new_var: back(step.model.variances!),
        new_gate: back(step.model.gate),
        loglik_after: sum(polynomialLogDensities(step.model, samples)),
      },
    };
  },

  mendes_jiang_bound_constants_one(entry) {
    const outputs: Record<string, unknown> = {};
    for (const [key, row] of Object.entries<Entry>(entry)) {
      const settings = { alpha: row.alpha, columns: row.s, samples: row.n };
      const best = bestByBound(settings, row.max_m, row.max_k);
      outputs[key] = {
        best_m: best.experts,
        best_k: best.degree,
        bound: best.bound,
        m_for_k1: bestByBound(settings, row.max_m, 1, 1).experts,
        alpha: row.alpha,
        s: row.s,
        n: row.n,
        max_m: row.max_m,
        max_k: row.max_k,
      };
    }
    return { inputs: [], outputs };
  },

  mendes_jiang_approximation(entry) {
    const match = /^sin\((?:([\d.]+)\*)?(pi\*)?x\) on \[0,1\]/.exec(entry.h);
    if (match === null) throw new InvalidArgumentError(`h is ${entry.h}; expected sin(c*pi*x) on [0,1]`);
    const frequency = Number(match[1] ?? 1) * (match[2] === undefined ? 1 : Math.PI);
    const h = (x: number): number => Math.sin(frequency * x);
    const kl: Record<string, Record<string, number>> = {};
    const slopes: Record<string, number> = {};
    for (const [key, row] of Object.entries<Record<string, number>>(entry.kl)) {
      const degree = Number(key.replace('k=', ''));
      kl[key] = {};
      for (const experts of Object.keys(row)) {
        kl[key][experts] = approximationDivergence(h, Number(experts), degree, entry.sigma2, entry.grid_points_per_bin);
      }
      const points = Object.entries(kl[key]).slice(-3);
      slopes[key] = slope(
        points.map(([m]) => Math.log(Number(m))),
        points.map(([, value]) => Math.log(value)),
      );
    }
    return {
      inputs: ['h', 'theory', 'sigma2', 'grid_points_per_bin'],
      outputs: { kl, slopes_last3: slopes },
      relativeTolerance: 1e-5,
    };
  },

  deepseek_stat_density(entry) {
    // A list of points, each with its models.
    const outputs = entry.map((point: Entry) => {
      const computed: Record<string, unknown> = {};
      for (const field of Object.keys(point)) {
        const name = field.replace(/_(density|gate)$/, '');
        if (!field.endsWith('_density') && !field.endsWith('_gate')) {
          computed[field] = point[field];
          continue;
        }
        const model = sharedRoutedFrom(point[`${name}_model`]);
        computed[field] = field.endsWith('_gate')
          ? predictSharedRouted(model, [point.x]).gates[0]
          : Math.exp(sharedRoutedLogDensities(model, { x: [point.x], y: [point.y] })[0]!);
      }
      return computed;
    });
    return { inputs: [], outputs: Object.assign({}, outputs) };
  },

  deepseek_stat_identifiability(entry) {
    const outputs: Record<string, unknown> = {};
    const x = { values: Float64Array.from(entry.x as number[]), rows: entry.x.length, columns: 1, names: ['x'] };
    for (const field of Object.keys(entry)) {
      const unit = /^h_eta2_(m?[\d.]+)_eta1_(m?[\d.]+)$/.exec(field);
      const number = (text: string): number => Number(text.replace('m', '-'));
      if (unit !== null) {
        const numbers = [number(unit[2]!), number(unit[1]!)];
        outputs[field] = (entry.x as number[]).map((_, row) => expertMean('relu-origin', numbers, 0, x, row));
      } else if (field.startsWith('gate_with_slopes')) {
        const model = sharedRoutedFrom({
          gate: 'softmax',
          shared: [{ weight: 1, k1: 0, k0: 0, variance: 1 }],
          shared_expert: 'k1*x+k0',
          routed_expert: 'e1*x+e0',
          routed: entry.gate_slopes.map((b1: number, j: number) => ({
            b0: entry.gate_intercepts[j],
            b1,
            e1: 0,
            e0: 0,
            variance: 1,
          })),
        });
        outputs[field] = predictSharedRouted(model, entry.x).gates;
      }
    }
    return { inputs: ['x', 'gate_slopes', 'gate_intercepts'], outputs };
  },

  voronoi_D1: (entry) => voronoiExample('D1', entry),
  voronoi_D2: (entry) => voronoiExample('D2', entry),
  voronoi_D3: (entry) => voronoiExample('D3', entry),
  voronoi_D4: (entry) => voronoiExample('D4', entry),

  voronoi_multinomial(entry) {
    const vector = (value: number | number[]): number[] => (typeof value === 'number' ? [value] : value);
    const atoms = (rows: Entry[][]) =>
      rows.map((row) => {
        const field = (name: string): Entry => row[entry.atom_fields.indexOf(name)];
        return { b0: field('b0'), b1: vector(field('b1')), a: vector(field('a')), b: field('b').map(vector) };
      });
    const { loss, cells } = multinomialVoronoiLoss(atoms(entry.true), atoms(entry.fit));
    return { inputs: ['true', 'fit', 'atom_fields'], outputs: { cells, D_over: loss } };
  },

  multinomial_moe(entry) {
    const d = width(entry.x);
    const vector = (value: number | number[]): number[] => (typeof value === 'number' ? [value] : value);
    const model = (transform: GateTransform): MultinomialMixtureModel => ({
      classes: entry.a[0].length,
      transform,
      names: names(d),
      standardization: noStandardization(d),
      gate: entry.gate_intercept.map((b0: number, i: number) => [b0, ...vector(entry.gate_slope[i])]),
      intercepts: entry.a,
      slopes: entry.b.map((row: (number | number[])[]) => row.map(vector)),
    });
    const samples = { x: entry.x, y: entry.y };
    const plain = model('identity');
    const prediction = predictMultinomial(plain, entry.x);
    const outputs: Record<string, unknown> = {
      gates: prediction.gates,
      expert_probs: prediction.expertProbabilities,
      probs: prediction.probabilities,
      loglik: sum(multinomialLogDensities(plain, samples)),
      responsibilities: multinomialResponsibilities(plain, samples),
    };
    for (const field of Object.keys(entry)) {
      const modified = /^(gates|probs)_modified_(tanh|sigmoid|cos)$/.exec(field);
      if (modified === null) continue;
      const of = predictMultinomial(model(modified[2] as GateTransform), entry.x);
      outputs[field] = modified[1] === 'gates' ? of.gates : of.probabilities;
    }
    return { inputs: ['x', 'y', 'gate_slope', 'gate_intercept', 'a', 'b'], outputs };
  },

  router_metrics(entry) {
    const choices = (sets: number[][]): number[] => sets.flat();
    const experts: number = entry.n_experts;
    const behavior = routerBehavior({
      checkpoints: [choices(entry.sets_t), choices(entry.sets_t1), choices(entry.sets_final)],
      selected: entry.k,
      experts,
    });
    return {
      inputs: ['k', 'n_experts', 'sets_t', 'sets_t1', 'sets_final'],
      outputs: {
        saturation_t: behavior.saturation[0],
        saturation_t1: behavior.saturation[1],
        change_rate: behavior.changeRate[0],
        utilisation_t1: behavior.utilization[1],
        jain: behavior.jain[1],
        jain_one_expert: jainIndex(Array.from({ length: experts }, (_, e) => (e === 0 ? 1 : 0))),
        jain_uniform: jainIndex(new Array(experts).fill(1)),
      },
    };
  },
};

/** Rows of numbers under field names: atoms whose parameters may be split over several fields (kappa1, kappa0). */
function voronoiExample(name: 'D1' | 'D2' | 'D3' | 'D4', entry: Entry): WorkedExample {
  const pick = (row: number[], fields: string[], stem: string): number[] =>
    fields
      .map((field, index) => [field, row[index]!] as const)
      .filter(([field]) => field.replace(/\d+$/, '') === stem && field !== 'b0')
      // Slopes before the intercept, whose number is 0.
      .sort(([a], [b]) => Number(a.endsWith('0')) - Number(b.endsWith('0')))
      .flatMap(([, value]) => value);
  const measure = (shared: number[][], routed: number[][]) => ({
    shared: shared.map((row) => ({
      weight: pick(row, entry.shared_fields, 'omega')[0]!,
      kappa: pick(row, entry.shared_fields, 'kappa'),
      tau: pick(row, entry.shared_fields, 'tau')[0]!,
    })),
    routed: routed.map((row) => ({
      b0: row[entry.routed_fields.indexOf('b0')]!,
      b1: pick(row, entry.routed_fields, 'b'),
      eta: pick(row, entry.routed_fields, 'eta'),
      nu: pick(row, entry.routed_fields, 'nu')[0]!,
    })),
  });
  const result = voronoiLoss(
    name,
    measure(entry.shared_true, entry.routed_true),
    measure(entry.shared_fit, entry.routed_fit),
  );
  return {
    inputs: ['shared_true', 'shared_fit', 'routed_true', 'routed_fit', 'shared_fields', 'routed_fields'],
    outputs: { cells_shared: result.sharedCells, cells_routed: result.routedCells, [name]: result.loss },
  };
}

const FORMS: Readonly<Record<string, { form: ExpertForm; fields: readonly string[] }>> = {
  'k2*relu(k1*x+k0)': { form: 'relu', fields: ['k1', 'k0', 'k2'] },
  'k1*x+k0': { form: 'linear', fields: ['k1', 'k0'] },
  'e2*relu(e1*x)': { form: 'relu-origin', fields: ['e1', 'e2'] },
  'e1*x+e0': { form: 'linear', fields: ['e1', 'e0'] },
};

function sharedRoutedFrom(description: Entry): SharedRoutedModel {
  const known = (formula: string) => {
    const found = FORMS[formula];
    if (found === undefined)
      throw new InvalidArgumentError(`expert ${formula}; expected one of ${Object.keys(FORMS).join(', ')}`);
    return found;
  };
  const shared = known(description.shared_expert);
  const routed = known(description.routed_expert);
  return {
    gateKind: description.gate === 'softmax' ? 'softmax' : 'normalized-sigmoid',
    sharedForm: shared.form,
    routedForm: routed.form,
    names: ['x'],
    weights: description.shared.map((atom: Entry) => atom.weight),
    shared: description.shared.map((atom: Entry) => shared.fields.map((field) => atom[field])),
    sharedVariances: description.shared.map((atom: Entry) => atom.variance),
    gate: description.routed.map((atom: Entry) => [atom.b0, atom.b1]),
    routed: description.routed.map((atom: Entry) => routed.fields.map((field) => atom[field])),
    routedVariances: description.routed.map((atom: Entry) => atom.variance),
  };
}

function slope(x: readonly number[], y: readonly number[]): number {
  const meanX = sum(x) / x.length;
  const meanY = sum(y) / y.length;
  return sum(x.map((value, k) => (value - meanX) * (y[k]! - meanY))) / sum(x.map((value) => (value - meanX) ** 2));
}
