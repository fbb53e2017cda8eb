// Sparse training: what each layer keeps, and which weights.
import {
  cosineDropFraction,
  dropAndGrow,
  erdosRenyiKernel,
  gradualSparsity,
  largestMask,
  magnitudeMask,
} from '../../../packages/agents/src/index.ts';
import { nest } from '../entry.mjs';

export default {
  erk(entry) {
    entry.describes('note');
    const shapes = entry.given('shapes');
    const { sparsities, epsilon } = erdosRenyiKernel(shapes, entry.given('target_sparsity'), entry.maybe('power') ?? 1);
    const sizes = Object.entries(shapes).map(([name, shape]) => [name, shape.reduce((a, b) => a * b, 1)]);
    const kept = sizes.reduce((sum, [name, size]) => sum + size * (1 - sparsities[name]), 0);
    entry.expect('epsilon', epsilon);
    entry.expect('sparsity', sparsities);
    entry.expect(
      'dense_layers',
      Object.keys(shapes).filter((name) => sparsities[name] === 0),
    );
    entry.expect('kept_fraction', kept / sizes.reduce((sum, [, size]) => sum + size, 0));
  },

  gmp(entry) {
    entry.describes('note');
    const [final, start, end, total] = ['s_final', 't_start', 't_end', 'total'].map((key) => entry.given(key));
    const table = entry.at('table');
    for (const step of table.keys) {
      if (Number(step) > total) throw new Error(`table has step ${step} of ${total}`);
      table.expect(step, gradualSparsity(final, Number(step), start, end));
    }
  },

  drop_fraction_cosine(entry) {
    entry.describes('note');
    const [initial, end] = [entry.given('initial'), entry.given('T_end')];
    const table = entry.at('table');
    for (const step of table.keys) table.expect(step, cosineDropFraction(initial, Number(step), end));
  },

  rigl_step(entry) {
    entry.describes('note');
    const weights = Float32Array.from(entry.given('w'));
    const before = Float32Array.from(entry.given('mask'));
    const fraction = entry.given('drop_fraction');
    const active = before.reduce((sum, bit) => sum + bit, 0);
    // How many change is a fraction of the active ones, rounded; where an example states it, by its own rounding.
    const changed = entry.maybe('n_update') ?? Math.floor(fraction * active);
    if (Math.abs(changed - fraction * active) >= 1)
      throw new Error(`n_update is ${changed}, for ${fraction} of ${active}`);
    const places = indices(before);
    const kept = indices(
      largestMask(
        places.map((index) => weights[index]),
        active - changed,
      ),
    ).map((index) => places[index]);
    const mask = before.slice();
    dropAndGrow(weights, mask, (changed + 0.5) / active, { method: 'gradient', gradients: entry.given('grad') });
    entry.expect('kept', kept);
    entry.expect(
      'grown',
      indices(mask).filter((index) => !kept.includes(index)),
    );
    entry.expect('new_mask', mask);
    entry.expect('new_w', weights);
  },

  magnitude_prune(entry) {
    entry.describes('note');
    const w = entry.given('w');
    const sparsity = entry.given('sparsity');
    const shape = [];
    for (let level = w; Array.isArray(level); level = level[0]) shape.push(level.length);
    const flat = w.flat(Number.POSITIVE_INFINITY);
    const pruned = entry.maybe('n_pruned');
    if (pruned !== undefined && Math.abs(pruned - sparsity * flat.length) >= 1)
      throw new Error(`n_pruned is ${pruned}, for ${sparsity} of ${flat.length}`);
    const mask = pruned === undefined ? magnitudeMask(flat, sparsity) : largestMask(flat, flat.length - pruned);
    entry.expect('mask', nest(Array.from(mask), shape));
  },
};

const indices = (mask) => Array.from(mask.keys()).filter((index) => mask[index] === 1);
