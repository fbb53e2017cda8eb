// The sparse MoE layer: gate logits -> router -> dispatch -> experts -> combine, as pure functions over a parameter tree. One layer for all routers.
import {
  type Assignment,
  applyExperts,
  applyExpertsToRows,
  batchTokens,
  checkFinite,
  dispatch,
  groupedDispatch,
  lazyRecord,
  type MixtureInputs,
  type MoeOutput,
  type Parameters,
  parameter,
  type Router,
  type Routing,
  requireInput,
  routingOutput,
  type TokenChoice,
} from '@moe-rl/moe-core';
import type { TensorOps } from '@moe-rl/tensor-ops';
import {
  BALANCE_BIAS,
  balanceBiasRate,
  DISTILLED,
  hasDistilledRouter,
  type ResolvedTopKMoe,
  resolveTopKMoe,
  type TopKMoeConfig,
} from './config.ts';
import { createRouter } from './definitions/registry.ts';
import { requireKnownInputs, routeTokens } from './route-tokens.ts';

/** What changes from call to call: the router's inputs, and noise for noisy experts. */
export type TopKMoeInputs<Tensor> = MixtureInputs<Tensor>;

/** Result of a sparse MoE layer. All but `output` and `routing` is computed when first read. */
export interface TopKMoeOutput<Tensor> extends MoeOutput<Tensor> {
  /** Tokens of the same shape as the input. */
  readonly output: Tensor;
  /** The assignment, logits and probabilities; always with a batch axis. */
  readonly routing: Routing<Tensor>;
  /** Hidden activations [B, E, C, H]; an unused slot's are those of a token of zeros. */
  readonly expertsHidden: Tensor;
}

/**
 * Applies a sparse MoE layer.
 * @param parameters as `initTopKMoe` makes them, moved to the tensor library with `toTensors`
 * @param tokens [B, T, D] or [T, D]; tokens of different samples never compete for slots
 * @throws ShapeError, InvalidArgumentError naming the argument, its value and the bound
 * @throws NonFiniteError for NaN or infinite tokens or logits, on host adapters or with `config.checkFinite`
 */
export function applyTopKMoe<Tensor>(
  ops: TensorOps<Tensor>,
  parameters: Parameters<Tensor>,
  tokens: Tensor,
  config: TopKMoeConfig,
  inputs: TopKMoeInputs<Tensor> = {},
): TopKMoeOutput<Tensor> {
  const layer = resolveTopKMoe(config);
  requireKnownInputs('sparse MoE', inputs, ['expertNoise', 'experts']);
  const { numExperts: E, tokenSize: D, moeScope } = layer;
  const batch = batchTokens(ops, tokens, { tokenSize: D });
  const { batchSize: B, numTokens: T } = batch;
  checkFinite(ops, 'tokens', tokens, config.checkFinite);

  const router = createRouter(layer.router);
  const rows = ops.reshape(batch.tokens, [B * T, D]);
  const seen = jittered(ops, rows, router, inputs);
  const transformed = layer.transform === 'none' ? seen : ops[layer.transform](seen);
  const project = (name: string): Tensor =>
    ops.reshape(ops.matmul(transformed, parameter(ops, parameters, moeScope + name, [D, E])), [B, T, E]);
  let logits = project('router/Dense_0/kernel');
  if (config.hasGateBias) logits = ops.add(logits, parameter(ops, parameters, `${moeScope}router/Dense_0/bias`, [E]));
  checkFinite(ops, 'router logits', logits, config.checkFinite);

  const noiseLogits = layer.router.type === 'noisy-top-k' ? project('router/noise/kernel') : undefined;
  const bias = inputs.bias ?? balanceBias(ops, parameters, layer);
  const distilledLogits = inputs.distilledLogits ?? distilledScores(ops, parameters, layer, batch.tokens);
  const routing = routeTokens(ops, router, logits, batch, { ...inputs, noiseLogits, bias, distilledLogits });
  const { assignment } = routing;
  const isGrouped =
    assignment.kind === 'token-choice' && assignment.isDropless && layer.dispatcher !== 'dense' && !inputs.experts;
  const worked = isGrouped
    ? workInGroups(ops, parameters, assignment, batch.tokens, layer, config, inputs)
    : workInSlots(ops, parameters, assignment, batch.tokens, layer, config, inputs);
  let { output } = worked;
  if (layer.shared) {
    const all = ops.reshape(rows, [1, B * T, D]);
    const shared = applyExperts(ops, parameters, all, layer.shared, layer.sharedScope);
    output = ops.add(output, ops.reshape(shared.output, [B, T, D]));
  }
  if (config.isResidual) output = ops.add(output, batch.tokens);

  return lazyRecord<TopKMoeOutput<Tensor>>({
    ...routingOutput(ops, routing),
    output: () => batch.unbatch(output),
    routing: () => routing,
    expertsHidden: () => batch.unbatch(worked.hidden()),
  });
}

/** What the gate sees of rows [B*T, D]: with jitter, times numbers close to 1. */
function jittered<Tensor>(
  ops: TensorOps<Tensor>,
  rows: Tensor,
  { type, inputJitter = 0 }: Router,
  inputs: TopKMoeInputs<Tensor>,
): Tensor {
  if (inputJitter === 0 || inputs.isTraining === false) return rows;
  const uniform = ops.reshape(requireInput(type, 'jitterNoise', inputs.jitterNoise), ops.shape(rows));
  const one = ops.fill([], 1);
  const spread = ops.multiply(ops.subtract(ops.add(uniform, uniform), one), ops.fill([], inputJitter));
  return ops.multiply(rows, ops.add(one, spread));
}

/** What the experts made of the tokens [B, T, D], and how to see their hidden activations [B, E, C, H]. */
interface Work<Tensor> {
  readonly output: Tensor;
  hidden(): Tensor;
}

/** Every expert works on a buffer of C slots per sample. */
function workInSlots<Tensor>(
  ops: TensorOps<Tensor>,
  parameters: Parameters<Tensor>,
  assignment: Assignment<Tensor>,
  tokens: Tensor,
  layer: ResolvedTopKMoe,
  config: TopKMoeConfig,
  inputs: TopKMoeInputs<Tensor>,
): Work<Tensor> {
  const { numExperts: E, hiddenSize: H, tokenSize: D } = layer;
  const { capacity: C } = assignment;
  const B = ops.shape(tokens)[0]!;
  const moved = dispatch(ops, assignment, tokens, layer.dispatcher);
  const slots = config.normalizesInput ? normalizeSlots(ops, parameters, moved.slots, layer) : moved.slots;
  const own = inputs.experts?.(ops.reshape(slots, [E, B, C, D]));
  const experts = own
    ? { output: ops.reshape(own.output, ops.shape(slots)), hidden: own.hidden }
    : applyExperts(ops, parameters, slots, layer, layer.expertScope, inputs.expertNoise);
  return {
    output: moved.combine(experts.output),
    hidden: () => ops.transpose(ops.reshape(experts.hidden, [E, B, C, H]), [1, 0, 2, 3]),
  };
}

/** Every expert works on its choices, all samples' together: nothing is dropped, and nothing is computed that no token asked for. */
function workInGroups<Tensor>(
  ops: TensorOps<Tensor>,
  parameters: Parameters<Tensor>,
  assignment: TokenChoice<Tensor>,
  tokens: Tensor,
  layer: ResolvedTopKMoe,
  config: TopKMoeConfig,
  inputs: TopKMoeInputs<Tensor>,
): Work<Tensor> {
  const grouped = groupedDispatch(ops, assignment, tokens);
  const { counts } = grouped;
  const rows = config.normalizesInput ? normalizeRows(ops, parameters, grouped.rows, counts, layer) : grouped.rows;
  const experts = applyExpertsToRows(ops, parameters, rows, counts, layer, layer.expertScope, inputs.expertNoise);
  return { output: grouped.combine(experts.output), hidden: () => grouped.toSlots(experts.hidden) };
}

/** Layer normalization of slots [E, N, D] with each expert's scale and offset. */
function normalizeSlots<Tensor>(
  ops: TensorOps<Tensor>,
  parameters: Parameters<Tensor>,
  slots: Tensor,
  layer: ResolvedTopKMoe,
): Tensor {
  const { numExperts: E, tokenSize: D, moeScope } = layer;
  const get = (name: string): Tensor =>
    ops.reshape(parameter(ops, parameters, `${moeScope}LayerNorm_0/${name}`, [E, D]), [E, 1, D]);
  return ops.add(ops.multiply(standardize(ops, slots), get('scale')), get('bias'));
}

/** The same for rows [N, D] sorted by expert. */
function normalizeRows<Tensor>(
  ops: TensorOps<Tensor>,
  parameters: Parameters<Tensor>,
  rows: Tensor,
  counts: Tensor,
  layer: ResolvedTopKMoe,
): Tensor {
  const { numExperts: E, tokenSize: D, moeScope } = layer;
  const get = (name: string): Tensor => parameter(ops, parameters, `${moeScope}LayerNorm_0/${name}`, [E, D]);
  // Rows of ones times [1, D] matrices: each row gets its expert's scale and offset.
  const ones = ops.fill([ops.shape(rows)[0]!, 1], 1);
  const own = (name: string): Tensor => ops.segmentMatmul(ones, ops.reshape(get(name), [E, 1, D]), counts);
  return ops.add(ops.multiply(standardize(ops, rows), own('scale')), own('bias'));
}

/** Mean 0 and variance 1 over the last axis. */
function standardize<Tensor>(ops: TensorOps<Tensor>, x: Tensor): Tensor {
  const axis = [ops.shape(x).length - 1];
  const centered = ops.subtract(x, ops.mean(x, axis, true));
  const variance = ops.mean(ops.multiply(centered, centered), axis, true);
  return ops.divide(centered, ops.sqrt(ops.add(variance, ops.fill([], 1e-5))));
}

/** Scores of the distilled router [B, T, E], where there is one: of the tokens as constants, so that it learns from its own loss only. */
function distilledScores<Tensor>(
  ops: TensorOps<Tensor>,
  parameters: Parameters<Tensor>,
  { router, moeScope, numExperts: E, tokenSize: D }: ResolvedTopKMoe,
  tokens: Tensor,
): Tensor | undefined {
  if (!hasDistilledRouter(router)) return undefined;
  const [B, T] = ops.shape(tokens) as [number, number];
  const rows = ops.stopGradient(ops.reshape(tokens, [B * T, D]));
  const embedded = ops.matmul(rows, parameter(ops, parameters, moeScope + DISTILLED.embedding, [D, DISTILLED.size]));
  const scores = ops.matmul(embedded, parameter(ops, parameters, moeScope + DISTILLED.kernel, [DISTILLED.size, E]));
  return ops.reshape(scores, [B, T, E]);
}

/** The bias of router 'deepseek', where it has one. */
function balanceBias<Tensor>(
  ops: TensorOps<Tensor>,
  parameters: Parameters<Tensor>,
  { router, moeScope, numExperts }: ResolvedTopKMoe,
): Tensor | undefined {
  return balanceBiasRate(router) > 0 ? parameter(ops, parameters, moeScope + BALANCE_BIAS, [numExperts]) : undefined;
}
