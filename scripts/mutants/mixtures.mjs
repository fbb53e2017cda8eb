// Mistakes in mixtures: padding, drops, grouped experts, stages, the layer.
import { mutant } from './mutant.mjs';

const MOE = 'packages/moe-core/src/';
const ROUTERS = 'packages/top-k-moe/src/';
const EDGES = [`${ROUTERS}edge-cases.test.ts`];

export default [
  mutant(
    'a weight that is not carried out counts',
    `${MOE}dispatch.ts`,
    'return ops.where(ops.greater(kept, ops.fill([], 0)), weights, ops.fill(ops.shape(weights), 0));',
    'return ops.multiply(weights, kept);',
    EDGES,
  ),
  mutant(
    'expert load is what was carried out',
    `${MOE}routing-statistics.ts`,
    'wanted = count(assignment.wanted);',
    'wanted = count(assignment.kept);',
    [`${ROUTERS}mixture.test.ts`],
  ),
  mutant(
    'balance sees first choices only',
    `${MOE}losses/balance.ts`,
    ': ops.sum(choices, [2]);',
    ': ops.reshape(ops.oneHot(ops.topK(ops.sum(choices, [2]), 1).indices, numExperts), [B, T, numExperts]);',
    EDGES,
  ),
  mutant(
    'rows without a place read the first row',
    'packages/tensor-ops/src/tfjs.ts',
    'if (isComplete) return rowsAt(x, indices);',
    "if (isComplete || true) return rowsAt(x, tf.maximum(indices, tf.scalar(0, 'int32')));",
    ['packages/tensor-ops/src', `${ROUTERS}dropless.test.ts`],
  ),
  mutant(
    'experts are never spawned from one',
    `${ROUTERS}schedules/evo-moe.ts`,
    "stage === stages[stages.indexOf('shared') + 1] && shared > 0",
    'false',
    [`${ROUTERS}schedules`],
  ),
  mutant(
    'the distilled router teaches the tokens',
    `${ROUTERS}top-k-moe.ts`,
    'const rows = ops.stopGradient(ops.reshape(tokens, [B * T, D]));',
    'const rows = ops.reshape(tokens, [B * T, D]);',
    [`${ROUTERS}schedules`],
  ),
  mutant(
    'the loss of a layer is gone when somebody asks',
    `${ROUTERS}tfjs/top-k-moe-layer.ts`,
    'loss && keep(loss)',
    'loss',
    [`${ROUTERS}tfjs`],
  ),
  mutant(
    'any expert with room takes the next token',
    `${ROUTERS}host/best-assignment.ts`,
    'if (!isFull(expert) && (end < 0 || distance[expert]! < distance[end]!)) end = expert;',
    'if (!isFull(expert) && end < 0) end = expert;',
    EDGES,
  ),
  mutant(
    'a router that learns nothing goes unsaid',
    `${ROUTERS}config.ts`,
    'for (const warning of topKMoeWarnings(config)) console.warn',
    'for (const warning of topKMoeWarnings(config)) String',
    [`${ROUTERS}mixture.test.ts`],
  ),
];
