// The sparse MoE layer: gate logits -> router -> dispatch -> experts -> combine, as pure functions over a parameter tree. One layer for all routers.
import {
  applyExperts,
  batchTokens,
  checkFinite,
  dispatch,
  lazyRecord,
  type MixtureInputs,
  type MoeOutput,
  type Parameters,
  parameter,
  type Routing,
  routingOutput,
} from '@moe-rl/moe-core';
import type { TensorOps } from '@moe-rl/tensor-ops';
import { BALANCE_BIAS, balanceBiasRate, type ResolvedTopKMoe, resolveTopKMoe, type TopKMoeConfig } from './config.ts';
import { createRouter } from './definitions/registry.ts';

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
  const { numExperts: E, tokenSize: D, hiddenSize: H, moeScope } = layer;
  const batch = batchTokens(ops, tokens, { tokenSize: D });
  const { batchSize: B, numTokens: T } = batch;
  checkFinite(ops, 'tokens', tokens, config.checkFinite);

  const rows = ops.reshape(batch.tokens, [B * T, D]);
  const transformed = layer.transform === 'none' ? rows : ops[layer.transform](rows);
  const project = (name: string): Tensor =>
    ops.reshape(ops.matmul(transformed, parameter(ops, parameters, moeScope + name, [D, E])), [B, T, E]);
  let logits = project('router/Dense_0/kernel');
  if (config.hasGateBias) logits = ops.add(logits, parameter(ops, parameters, `${moeScope}router/Dense_0/bias`, [E]));
  checkFinite(ops, 'router logits', logits, config.checkFinite);

  const noiseLogits = layer.router.type === 'noisy-top-k' ? project('router/noise/kernel') : undefined;
  const bias = inputs.bias ?? balanceBias(ops, parameters, layer);
  const routing = createRouter(layer.router).route(ops, logits, { ...inputs, noiseLogits, bias });
  const moved = dispatch(ops, routing.assignment, batch.tokens, layer.dispatcher);
  const slots = config.normalizesInput ? normalizeSlots(ops, parameters, moved.slots, layer) : moved.slots;
  const own = inputs.experts?.(ops.reshape(slots, [E, B, routing.assignment.capacity, D]));
  const experts = own
    ? { output: ops.reshape(own.output, ops.shape(slots)), hidden: own.hidden }
    : applyExperts(ops, parameters, slots, layer, layer.expertScope, inputs.expertNoise);
  let output = moved.combine(experts.output);
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
    expertsHidden: () => {
      const hidden = ops.reshape(experts.hidden, [E, B, routing.assignment.capacity, H]);
      return batch.unbatch(ops.transpose(hidden, [1, 0, 2, 3]));
    },
  });
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
  const centered = ops.subtract(slots, ops.mean(slots, [2], true));
  const variance = ops.mean(ops.multiply(centered, centered), [2], true);
  const scaled = ops.divide(centered, ops.sqrt(ops.add(variance, ops.fill([], 1e-5))));
  return ops.add(ops.multiply(scaled, get('scale')), get('bias'));
}

/** The bias of router 'deepseek', where it has one. */
function balanceBias<Tensor>(
  ops: TensorOps<Tensor>,
  parameters: Parameters<Tensor>,
  { router, moeScope, numExperts }: ResolvedTopKMoe,
): Tensor | undefined {
  return balanceBiasRate(router) > 0 ? parameter(ops, parameters, moeScope + BALANCE_BIAS, [numExperts]) : undefined;
}
