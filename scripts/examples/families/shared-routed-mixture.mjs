// Shared and routed experts (DeepSeekMoE's statistics): densities and gates of given models, what is not identifiable, and the Voronoi losses D1 to D4.
import {
  sharedRoutedLogDensities,
  sharedRoutedMixture,
  voronoiLoss,
} from '../../../packages/moe-statistics/src/index.ts';
import { byField, vector } from '../statistics.mjs';

/** Mean functions of experts as examples write them: our form, and its numbers in our order. */
const FORMS = {
  'k2*relu(k1*x+k0)': { form: 'relu', fields: ['k1', 'k0', 'k2'] },
  'k1*x+k0': { form: 'linear', fields: ['k1', 'k0'] },
  'e2*relu(e1*x+e0)': { form: 'relu', fields: ['e1', 'e0', 'e2'] },
  'e2*relu(e1*x)': { form: 'relu-origin', fields: ['e1', 'e2'] },
  'k2*relu(k1*x)': { form: 'relu-origin', fields: ['k1', 'k2'] },
  'e1*x+e0': { form: 'linear', fields: ['e1', 'e0'] },
};
const GATES = {
  softmax: 'softmax',
  normalised_sigmoid: 'normalized-sigmoid',
  normalized_sigmoid: 'normalized-sigmoid',
};

const oneOf = (table, key, name) => {
  if (!Object.hasOwn(table, key))
    throw new Error(`${name} is ${key}; expected one of ${Object.keys(table).join(', ')}`);
  return table[key];
};

export default {
  deepseek_stat_density(entry) {
    for (const [, point] of entry.parts()) {
      const x = [point.given('x')];
      const y = [point.given('y')];
      for (const [key, [, name]] of point.matching(/^(.+)_model$/)) {
        const model = modelOf(point.at(key));
        point.expect(`${name}_density`, Math.exp(sharedRoutedLogDensities(model, { x, y })[0]));
        point.expect(`${name}_gate`, sharedRoutedMixture.predict(model, x).gates[0]);
      }
    }
  },

  deepseek_stat_identifiability(entry) {
    entry.describes('note');
    const x = entry.given('x');
    const number = (text) => Number(text.replace('m', '-').replace('p', '.'));
    for (const [key, [, output, slope]] of entry.matching(/^h_eta2_(m?[\dp]+)_eta1_(m?[\dp]+)$/)) {
      const model = gateOnly([[0, 0]], { form: 'relu-origin', numbers: [number(slope), number(output)] });
      entry.expect(
        key,
        sharedRoutedMixture.predict(model, x).routedMeans.map(([mean]) => mean),
      );
    }
    const slopes = entry.given('gate_slopes');
    const intercepts = entry.given('gate_intercepts');
    const model = gateOnly(
      slopes.map((b1, j) => [intercepts[j], b1]),
      { form: 'linear', numbers: [0, 0] },
    );
    for (const [key, [, named]] of entry.matching(/^gate_with_slopes_([m\dp_]+)$/)) {
      const inName = named.split('_').map(number);
      if (JSON.stringify(inName) !== JSON.stringify(slopes)) throw new Error(`${key}: gate_slopes are ${slopes}`);
      entry.expect(key, sharedRoutedMixture.predict(model, x).gates);
    }
  },

  voronoi_D1: (entry) => voronoi('D1', entry),
  voronoi_D2: (entry) => voronoi('D2', entry),
  voronoi_D3: (entry) => voronoi('D3', entry),
  voronoi_D4: (entry) => voronoi('D4', entry),
};

function modelOf(stated) {
  const shared = oneOf(FORMS, stated.given('shared_expert'), 'shared_expert');
  const routed = oneOf(FORMS, stated.given('routed_expert'), 'routed_expert');
  const atoms = (key, read) =>
    stated
      .at(key)
      .parts()
      .map(([, atom]) => read(atom));
  const numbers =
    ({ fields }) =>
    (atom) =>
      fields.map((field) => atom.given(field));
  return {
    gateKind: oneOf(GATES, stated.given('gate'), 'gate'),
    sharedForm: shared.form,
    routedForm: routed.form,
    names: ['x'],
    weights: atoms('shared', (atom) => atom.given('weight')),
    shared: atoms('shared', numbers(shared)),
    sharedVariances: atoms('shared', (atom) => atom.given('variance')),
    gate: atoms('routed', (atom) => [atom.given('b0'), ...vector(atom.given('b1'))]),
    routed: atoms('routed', numbers(routed)),
    routedVariances: atoms('routed', (atom) => atom.given('variance')),
  };
}

/** A model of which only gates and routed experts matter, all experts alike. */
const gateOnly = (gate, { form, numbers }) => ({
  gateKind: 'softmax',
  sharedForm: 'linear',
  routedForm: form,
  names: ['x'],
  weights: [1],
  shared: [[0, 0]],
  sharedVariances: [1],
  gate,
  routed: gate.map(() => numbers),
  routedVariances: gate.map(() => 1),
});

function voronoi(name, entry) {
  entry.describes('note');
  const atoms = (key, fields, read) => entry.given(key).map((row) => read(partsOf(byField(row, fields, key))));
  const shared = entry.given('shared_fields');
  const routed = entry.given('routed_fields');
  const measure = (which) => ({
    shared: atoms(`shared_${which}`, shared, (part) => ({
      weight: part('omega')[0],
      kappa: part('kappa'),
      tau: part('tau')[0],
    })),
    routed: atoms(`routed_${which}`, routed, (part) => ({
      b0: part('b0')[0],
      b1: part('b1'),
      eta: part('eta'),
      nu: part('nu')[0],
    })),
  });
  const { loss, sharedCells, routedCells } = voronoiLoss(name, measure('true'), measure('fit'));
  entry.expect('cells_shared', sharedCells);
  entry.expect('cells_routed', routedCells);
  entry.expect(name, loss);
}

/** The numbers of a parameter of an atom, which may be one field (kappa) or several (kappa1, kappa0: slopes, then the intercept). */
function partsOf(values) {
  return (name) => {
    const fields = Object.keys(values)
      .filter((field) => field === name || (/^\d+$/.test(field.slice(name.length)) && field.startsWith(name)))
      .sort((a, b) => Number(a.endsWith('0')) - Number(b.endsWith('0')));
    if (fields.length === 0) throw new Error(`an atom has no ${name}; it has ${Object.keys(values).join(', ')}`);
    return fields.flatMap((field) => values[field]);
  };
}
