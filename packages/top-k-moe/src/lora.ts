// DynMoLE's layer: a frozen linear map plus LoRA experts, mixed with the router's weights. Weights are dense over experts, so the experts' two small
// products are batched into two matmuls: tokens * [D, E*r], scaled by the weights, * [E*r, O].
import { InvalidArgumentError, type Rng, requireFinite, requireInteger } from '@moe-rl/core';
import {
  batchTokens,
  combineMatrix,
  type InitialParameters,
  type Parameters,
  parameter,
  type Router,
  type RouterInputs,
  type Routing,
  requireKnownOptions,
  uniform,
} from '@moe-rl/moe-core';
import type { TensorOps } from '@moe-rl/tensor-ops';
import { createRouter, type OpenRouterConfig, type RouterConfig } from './definitions/registry.ts';
import { requireKnownInputs, routeTokens } from './route-tokens.ts';

/** Options of a linear map with LoRA experts. */
export interface LoraMoeConfig {
  /** E. Default 8. */
  readonly numExperts?: number;
  /** D: inputs. */
  readonly inputSize: number;
  /** O: outputs. */
  readonly outputSize: number;
  /** r: rank of each expert. Default 16. */
  readonly rank?: number;
  /** alpha: experts are scaled by alpha / r. Default 32. */
  readonly alpha?: number;
  /** Default `{ type: 'dynmole' }`. */
  readonly router?: RouterConfig | OpenRouterConfig;
  /** Put before every parameter name. Default 'params/'. */
  readonly scope?: string;
}

const OPTIONS = ['numExperts', 'inputSize', 'outputSize', 'rank', 'alpha', 'router', 'scope'];

/** What changes from call to call. */
export interface LoraMoeInputs<Tensor> extends RouterInputs<Tensor> {
  /** Multiplies what the experts see, [B, T, D] or broadcastable; entries 0 or 1/(1 - rate). Left out: no dropout. */
  readonly dropoutMask?: Tensor | undefined;
}

/** Result of a linear map with LoRA experts. */
export interface LoraMoeOutput<Tensor> {
  /** [B, T, O] or [T, O] */
  readonly output: Tensor;
  readonly routing: Routing<Tensor>;
}

/**
 * The router of a configuration.
 * @throws InvalidArgumentError for an unknown router or option, for one that jitters what its gate sees (here it sees the tokens as they are), or for a balancing
 *   bias, which no training step updates here
 */
export function loraRouter({ router = { type: 'dynmole' } }: Pick<LoraMoeConfig, 'router'>): Router {
  const made = createRouter(router);
  const rate = (router as { readonly balanceBiasRate?: unknown }).balanceBiasRate ?? 0;
  if (rate !== 0) {
    throw new InvalidArgumentError(
      `LoRA MoE: the router "${made.type}" has a balanceBiasRate of ${rate}, but here is no bias to update; expected 0, or none`,
    );
  }
  if ((made.inputJitter ?? 0) > 0) {
    throw new InvalidArgumentError(
      `LoRA MoE: the router "${made.type}" has an inputJitter of ${made.inputJitter}, which its gate does not do here; expected 0`,
    );
  }
  return made;
}

function resolve(config: LoraMoeConfig): { E: number; D: number; O: number; r: number; scale: number; scope: string } {
  requireKnownOptions('LoRA MoE', config, OPTIONS);
  const r = requireInteger('rank', config.rank ?? 16, 1);
  return {
    E: requireInteger('numExperts', config.numExperts ?? 8, 1),
    D: requireInteger('inputSize', config.inputSize, 1),
    O: requireInteger('outputSize', config.outputSize, 1),
    r,
    scale: requireFinite('alpha', config.alpha ?? 32) / r,
    scope: `${config.scope ?? 'params/'}LoraMoE_0/`,
  };
}

/** Draws the adapters and the router: A and the router Kaiming uniform with a = sqrt(5) (within 1/sqrt(D)), B = 0, so that training starts at W0. */
export function initLoraMoe(rng: Rng, config: LoraMoeConfig): InitialParameters {
  const { E, D, O, r, scope } = resolve(config);
  return {
    [`${scope}router/kernel`]: { shape: [D, E], data: uniform(rng, D * E, 1 / Math.sqrt(D)) },
    [`${scope}lora_a`]: { shape: [E, D, r], data: uniform(rng, E * D * r, 1 / Math.sqrt(D)) },
    [`${scope}lora_b`]: { shape: [E, r, O], data: new Float32Array(E * r * O) },
  };
}

/**
 * `x W0 + sum over experts of weight * (alpha / r) * (x A) B`.
 * @param frozenKernel W0 [D, O]; gets no gradient
 * @param inputs what the router needs, and dropout. Padding (0 in `tokenMask`) gets `x W0` alone and counts in no loss or metric
 * @throws InvalidArgumentError for a router that jitters what its gate sees
 */
export function applyLoraMoe<Tensor>(
  ops: TensorOps<Tensor>,
  parameters: Parameters<Tensor>,
  tokens: Tensor,
  frozenKernel: Tensor,
  config: LoraMoeConfig,
  inputs: LoraMoeInputs<Tensor> = {},
): LoraMoeOutput<Tensor> {
  requireKnownInputs('LoRA MoE', inputs, ['dropoutMask']);
  const { dropoutMask } = inputs;
  const { E, D, O, r, scale, scope } = resolve(config);
  const batch = batchTokens(ops, tokens, { tokenSize: D });
  const { batchSize: B, numTokens: T } = batch;
  const rows = ops.reshape(batch.tokens, [B * T, D]);
  const kernel = parameter(ops, { frozenKernel }, 'frozenKernel', [D, O]);
  const logits = ops.matmul(rows, parameter(ops, parameters, `${scope}router/kernel`, [D, E]));
  const routing = routeTokens(ops, loraRouter(config), ops.reshape(logits, [B, T, E]), batch, inputs);
  const weights = ops.reshape(combineMatrix(ops, routing.assignment, T), [B * T, E, 1]);

  const seen = dropoutMask ? ops.reshape(ops.multiply(batch.tokens, dropoutMask), [B * T, D]) : rows;
  const a = ops.reshape(ops.transpose(parameter(ops, parameters, `${scope}lora_a`, [E, D, r]), [1, 0, 2]), [D, E * r]);
  const b = ops.reshape(parameter(ops, parameters, `${scope}lora_b`, [E, r, O]), [E * r, O]);
  const low = ops.multiply(ops.reshape(ops.matmul(seen, a), [B * T, E, r]), weights);
  const mixed = ops.multiply(ops.matmul(ops.reshape(low, [B * T, E * r]), b), ops.fill([], scale));
  const output = ops.add(ops.matmul(rows, ops.stopGradient(kernel)), mixed);
  return { output: batch.unbatch(ops.reshape(output, [B, T, O])), routing };
}
