// The mixture inside a value network: which layer, its parameters, noise, and the record it leaves for metrics and auxiliary losses.
import type { NamedTensors, Rng } from '@moe-rl/core';
import { type ParameterTensors, parameterOf, relu, scaleNoise } from '@moe-rl/encoders';
import { applySoftMoe, initSoftMoe, type SoftMoeConfig, softMoeParameterSpecs } from '@moe-rl/soft-moe';
import { createTfjsOps } from '@moe-rl/tensor-ops/tfjs';
import { applyTopKMoe, initTopKMoe, type TopKMoeConfig, topKMoeParameterSpecs } from '@moe-rl/top-k-moe';
import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import type { MoeConfig } from './config.ts';
import { type RouterMeasures, softRouterMeasures, sparseRouterMeasures } from './router-measures.ts';

/** What a mixture left behind, for metrics and losses. Tensors are made when first read. */
export interface MoeRecord {
  /** `[B, T, D]` */
  readonly tokens: Tensor;
  /** `[B, T, D]` */
  readonly output: Tensor;
  /** `[B, T, E]`; Soft MoE: mean combine weight over an expert's slots, as the official code (rows sum to 1/P). */
  readonly routerProbabilities: Tensor;
  /** `[B, T, E]`, rows sum to 1. */
  readonly expertShares: Tensor;
  /** `[B, T, K]`, integers. */
  readonly topExperts: Tensor;
  /** `[B, E, P, H]` (after the ReLU). */
  readonly expertsHidden: Tensor;
  /** `[B, T, E]` logits before the softmax over experts; Soft MoE: the largest slot logit of each expert. */
  readonly routerLogits: Tensor;
  /** What the router did, as numbers for logs. */
  readonly measures: RouterMeasures;
}

/** Standard normal noise of the experts' first layer: `[1, n]` for the whole batch or `[B, n]` per sample. */
export interface ExpertsNoise {
  /** `[1 or B, D]` */
  readonly inputNoise: Tensor;
  /** `[1 or B, H]` */
  readonly outputNoise: Tensor;
}

/** One mixture layer of a network. */
export interface MoeLayer {
  readonly parameterShapes: Readonly<
    Record<string, { readonly shape: readonly number[]; readonly isTrainable: boolean }>
  >;
  /** Names of the router's parameters: phi and scalar, or the router's kernel. */
  readonly routerParameters: readonly string[];
  initialize(rng: Rng): NamedTensors;
  apply(parameters: ParameterTensors, tokens: Tensor, noise?: ExpertsNoise): MoeRecord;
}

/** The tensor operations of mixtures, with the cheap ReLU gradient of this project's layers. */
export const OPS = { ...createTfjsOps(tf), relu };

/** Builds the `index`-th mixture of a network over `[T, D]` tokens. */
export function createMoeLayer(
  config: MoeConfig,
  tokenCount: number,
  tokenSize: number,
  isNoisy: boolean,
  index: number,
): MoeLayer {
  return config.type === 'topK'
    ? createTopKLayer(config, tokenSize, isNoisy, index)
    : createSoftMoeLayer(config, tokenCount, tokenSize, isNoisy, index);
}

/** The first mixture has the official names; later ones the same names in a scope of their own. */
function scopeOf(index: number): string {
  return index === 0 ? '' : `mixture_${index}/`;
}

function createSoftMoeLayer(
  config: MoeConfig,
  tokenCount: number,
  tokenSize: number,
  isNoisy: boolean,
  index: number,
): MoeLayer {
  const layer: SoftMoeConfig = {
    numExperts: config.experts,
    numTokens: tokenCount,
    tokenSize,
    hiddenSize: config.expertHiddenUnits,
    capacityFactor: config.capacityFactor,
    ...(config.slotsPerExpert > 0 ? { slotsPerExpert: config.slotsPerExpert } : {}),
    isNormalized: config.isNormalized,
    phi: config.phi,
    routing: config.routing,
    ...(config.tokensPerSlot > 0 ? { tokensPerSlot: config.tokensPerSlot } : {}),
    ...(config.slotsPerToken > 0 ? { slotsPerToken: config.slotsPerToken } : {}),
    isNoisy,
    scope: scopeOf(index),
  };
  const specs = softMoeParameterSpecs(layer);
  return {
    parameterShapes: Object.fromEntries(specs.map(({ name, shape, isTrainable }) => [name, { shape, isTrainable }])),
    routerParameters: specs.map(({ name }) => name).filter((name) => name.startsWith(`${scopeOf(index)}SoftMoE_`)),
    initialize(rng) {
      const initial = initSoftMoe(rng, layer);
      if (config.isNormalized) initial[`${scopeOf(index)}SoftMoE_0/scalar`]!.data.fill(config.initialScale);
      return { ...initial };
    },
    apply(parameters, tokens, noise) {
      let hidden: Tensor | undefined;
      const record = applySoftMoe<Tensor>(OPS, parameters, tokens, layer, {
        ...(isNoisy
          ? {
              experts: (slots: Tensor) => {
                const result = noisyExperts(parameters, `${scopeOf(index)}ExpertModel_0`, slots, noise);
                hidden = result.hidden;
                return result;
              },
            }
          : {}),
      });
      return {
        tokens,
        get output() {
          return record.output;
        },
        get routerProbabilities() {
          return record.routerProbabilities;
        },
        get expertShares() {
          return record.expertShares;
        },
        get topExperts() {
          return record.topExperts;
        },
        get expertsHidden() {
          return hidden === undefined ? record.expertsHidden! : tf.transpose(hidden, [1, 0, 2, 3]);
        },
        get routerLogits() {
          return tf.max(record.routerLogits, 3);
        },
        get measures() {
          return softRouterMeasures(record.dispatchWeights, record.combineWeights);
        },
      };
    },
  };
}

function createTopKLayer(config: MoeConfig, tokenSize: number, isNoisy: boolean, index: number): MoeLayer {
  const layer: TopKMoeConfig = {
    numExperts: config.experts,
    tokenSize,
    hiddenSize: config.expertHiddenUnits,
    router: { type: 'token-choice', k: config.selectedExperts, capacityFactor: config.capacityFactor },
    isNoisy,
    scope: scopeOf(index),
  };
  const specs = topKMoeParameterSpecs(layer);
  return {
    parameterShapes: Object.fromEntries(specs.map(({ name, shape, isTrainable }) => [name, { shape, isTrainable }])),
    routerParameters: specs.map(({ name }) => name).filter((name) => name.startsWith(`${scopeOf(index)}MoE_`)),
    initialize: (rng) => ({ ...initTopKMoe(rng, layer) }),
    apply(parameters, tokens, noise) {
      const record = applyTopKMoe<Tensor>(
        OPS,
        parameters,
        tokens,
        layer,
        isNoisy ? { experts: (slots) => noisyExperts(parameters, `${scopeOf(index)}ExpertModel_0`, slots, noise) } : {},
      );
      const { routing } = record;
      return {
        tokens,
        output: record.output,
        get routerProbabilities() {
          return routing.probabilities;
        },
        get expertShares() {
          return routing.probabilities;
        },
        get topExperts() {
          return routing.assignment.kind === 'token-choice'
            ? routing.assignment.experts
            : tf.argMax(routing.probabilities, 2);
        },
        get expertsHidden() {
          return record.expertsHidden;
        },
        get routerLogits() {
          return routing.logits;
        },
        get measures() {
          return sparseRouterMeasures(routing);
        },
      };
    },
  };
}

/**
 * Experts whose first layer is noisy. One draw is shared by all experts and slots of a sample, as in the official code; because it factorises, noise per
 * sample costs one more product and no weights per sample.
 * @param slots `[E, B, P, D]`
 */
function noisyExperts(
  parameters: ParameterTensors,
  name: string,
  slots: Tensor,
  noise: ExpertsNoise | undefined,
): { readonly output: Tensor; readonly hidden: Tensor } {
  const [experts, batch, perExpert, tokenSize] = slots.shape as [number, number, number, number];
  const flat = tf.reshape(slots, [experts, batch * perExpert, tokenSize]);
  const get = (leaf: string): Tensor => parameterOf(parameters, `${name}/${leaf}`);
  const bias = (leaf: string): Tensor => {
    const value = get(leaf);
    return tf.reshape(value, [experts, 1, value.shape[1]!]);
  };
  let before = tf.add(tf.matMul(flat, get('net/kernel_mu')), bias('net/bias_mu'));
  if (noise !== undefined) {
    const units = noise.outputNoise.shape[1]!;
    const rows = noise.inputNoise.shape[0]!;
    const input = tf.mul(slots, tf.reshape(scaleNoise(noise.inputNoise), [1, rows, 1, tokenSize]));
    const spread = tf.add(
      tf.matMul(tf.reshape(input, [experts, batch * perExpert, tokenSize]), get('net/kernel_sigma')),
      bias('net/bias_sigma'),
    );
    const scaled = tf.mul(
      tf.reshape(spread, [experts, batch, perExpert, units]),
      tf.reshape(scaleNoise(noise.outputNoise), [1, rows, 1, units]),
    );
    before = tf.add(before, tf.reshape(scaled, [experts, batch * perExpert, units]));
  }
  const hidden = relu(before);
  const output = tf.add(tf.matMul(hidden, get('Dense_0/kernel')), bias('Dense_0/bias'));
  return {
    output: tf.reshape(output, [experts, batch, perExpert, tokenSize]),
    hidden: tf.reshape(hidden, [experts, batch, perExpert, hidden.shape[2]!]),
  };
}
