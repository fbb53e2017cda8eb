// The table of operations: which tfjs kernels can be traced, and what to use in place of some that can't.
import { elementwise } from './elementwise.ts';
import { indices } from './indices.ts';
import { products } from './products.ts';
import { reductions } from './reductions.ts';
import type { RuleTable } from './rule.ts';
import { shapes } from './shapes.ts';

/** Rules by tfjs' kernel names. */
export const rules: RuleTable = { ...elementwise, ...reductions, ...shapes, ...products, ...indices };

/** What to write instead of a kernel that the table lacks. */
export const alternatives: Readonly<Record<string, string>> = {
  Multinomial:
    'draw with randomUniform of @moe-rl/tfjs-graph from a seed that is fed, and compare with cumulative sums',
  NonMaxSuppressionV3: 'choose after the step, of its results',
  RandomUniform: 'draw with randomUniform of @moe-rl/tfjs-graph from a seed that is fed',
  Unique: 'the size of its result depends on the values; use tf.oneHot or tf.unsortedSegmentSum with a fixed number',
  Where: 'the size of its result depends on the values; use tf.where(condition, a, b)',
  Einsum: 'use tf.matMul, tf.transpose and tf.reshape',
  LRN: 'use batch or layer normalization',
  Bincount: 'use tf.sum(tf.oneHot(...))',
  DenseBincount: 'use tf.sum(tf.oneHot(...))',
  TensorScatterUpdate: 'use tf.where with a mask, or tf.scatterND',
};
