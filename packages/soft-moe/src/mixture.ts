// Soft MoE as a mixture: what agents and trainers use, beside every sparse router.
import { setting } from '@moe-rl/core';
import {
  importanceLoss,
  lazyRecord,
  type Mixture,
  type MixtureDefinition,
  type MixtureInputs,
  type MixtureSizes,
  type MoeOutput,
  normalizedEntropy,
  ratioOrZero,
} from '@moe-rl/moe-core';
import type { TensorOps } from '@moe-rl/tensor-ops';
import {
  initSoftMoe,
  type ResolvedSoftMoe,
  resolveSoftMoe,
  type SoftMoeConfig,
  softMoeParameterSpecs,
} from './config.ts';
import { applySoftMoe, type SoftMoeOutput } from './soft-moe.ts';

/** Soft MoE as plain data: `{ type: 'soft', slotsPerExpert: 4 }`. */
export type SoftMixtureConfig = { readonly type: 'soft'; readonly initialScale?: number } & Pick<
  SoftMoeConfig,
  'capacityFactor' | 'slotsPerExpert' | 'isNormalized' | 'phi' | 'routing' | 'tokensPerSlot' | 'slotsPerToken'
>;

/** Soft MoE by name: `registerMixture(softMixture)`. */
// Made by a call that bundlers may drop: settings are made by calls too, and nobody who takes the function alone should carry them.
export const softMixture: MixtureDefinition = /* @__PURE__ */ defineSoftMixture();

function defineSoftMixture(): MixtureDefinition {
  return {
    type: 'soft',
    description:
      'Soft MoE: slots average tokens, tokens average slots (Puigcerver et al., 2023; in RL Obando Ceron et al., 2024).',
    options: {
      capacityFactor: setting.positive('Slots per expert are ceil(T * factor / E).', 1, {
        maximum: 1e6,
        applies: { path: './slotsPerExpert', in: [null], orAbsent: true },
      }),
      slotsPerExpert: setting.integer('Slots per expert; null: by capacityFactor.', null, { isNullable: true }),
      isNormalized: setting.boolean('Divides tokens and slot parameters by their l2 norms.', false),
      initialScale: setting.number('First value of the learned scale, with isNormalized.', 1, {
        applies: { path: './isNormalized', in: [true] },
      }),
      phi: setting.choice('Slot parameters.', 'learned', ['learned', 'fixed-random']),
      routing: setting.choice('Slots average tokens, or hold one each.', 'soft', ['soft', 'expert-choice']),
      tokensPerSlot: setting.integer('Each slot averages only its best so many tokens; null: all.', null, {
        isNullable: true,
      }),
      slotsPerToken: setting.integer('Each token averages only its best so many slots; null: all.', null, {
        isNullable: true,
      }),
    },
    create: createSoftMixture,
  };
}

function createSoftMixture(options: Readonly<Record<string, unknown>>, sizes: MixtureSizes): Mixture {
  const { initialScale = 1, ...rest } = options as { initialScale?: number };
  const config: SoftMoeConfig = { ...rest, ...sizes };
  const layer = resolveSoftMoe(config);
  return {
    type: 'soft',
    sizes,
    parameters: softMoeParameterSpecs(config),
    initialize(rng) {
      const initial = initSoftMoe(rng, config);
      initial[layer.scalarName]!.data.fill(initialScale);
      return initial;
    },
    apply(ops, parameters, tokens, inputs = {}) {
      const { expertNoise, experts, tokenMask } = inputs;
      const given = {
        ...(expertNoise ? { noise: expertNoise } : {}),
        ...(experts ? { experts } : {}),
        ...(tokenMask === undefined ? {} : { tokenMask }),
      };
      return softOutput(ops, applySoftMoe(ops, parameters, tokens, config, given), layer, inputs);
    },
    inputs: [],
    runsOnHost: 'never',
    auxiliaryLosses: {
      importance: { loss: (ops, output) => importanceLoss(ops, output.expertShares) },
      routerZ: { loss: routerZ },
      entropy: {
        loss: (ops, output) => meanOfTokens(ops, normalizedEntropy(ops, output.expertShares), output.tokenMask),
      },
      loadBalancing: { refused: 'its slots are always full, so that all experts have the same load by construction' },
    },
    updateState: undefined,
    schedule: undefined,
    warnings: [],
  };
}

/** Router z-loss over tokens: mean squared logsumexp of the experts' logits [B]. */
function routerZ<Tensor>(ops: TensorOps<Tensor>, { routerLogits, tokenMask }: MoeOutput<Tensor>): Tensor {
  const logZ = ops.logSumExp(routerLogits, 2);
  return meanOfTokens(ops, ops.multiply(logZ, logZ), tokenMask);
}

/** Mean over the tokens of each sample [B] of values [B, T]; 0 for a sample of padding only. */
function meanOfTokens<Tensor>(ops: TensorOps<Tensor>, values: Tensor, mask: Tensor | undefined): Tensor {
  if (mask === undefined) return ops.mean(values, [1]);
  return ratioOrZero(ops, ops.sum(ops.multiply(values, mask), [1]), ops.sum(mask, [1]));
}

/** The record every mixture returns. Slots always hold something; an expert's load is its mean share of the tokens' outputs. */
function softOutput<Tensor>(
  ops: TensorOps<Tensor>,
  record: SoftMoeOutput<Tensor>,
  { routing }: ResolvedSoftMoe,
  { tokenMask, experts }: MixtureInputs<Tensor>,
): MoeOutput<Tensor> {
  return lazyRecord<MoeOutput<Tensor>>({
    output: () => record.output,
    routerLogits: () => ops.max(record.routerLogits, [3]),
    routerProbabilities: () => record.routerProbabilities,
    expertShares: () => record.expertShares,
    topExperts: () => record.topExperts,
    expertLoad: () => {
      const total = ops.sum(record.expertShares, [0, 1]);
      return ratioOrZero(ops, total, ops.sum(total, [0]));
    },
    droppedFraction: () => ops.fill([], 0),
    unroutedFraction: () => {
      if (routing === 'soft') return ops.fill([], 0);
      const work = ops.minimum(ops.sum(record.dispatchWeights, [2, 3]), ops.fill([], 1));
      return ops.mean(ops.subtract(ops.fill([], 1), meanOfTokens(ops, work, tokenMask)), [0]);
    },
    // Experts of the caller's own return [E, B, P, H], passed on as they are.
    expertsHidden: () => (experts ? ops.transpose(record.expertsHidden!, [1, 0, 2, 3]) : record.expertsHidden!),
    slotsUsed: () => {
      const [B = 0, , E = 0, P = 0] = ops.shape(record.routerLogits);
      return ops.fill([B, E, P], 1);
    },
    routing: () => undefined,
    dispatchWeights: () => record.dispatchWeights,
    combineWeights: () => record.combineWeights,
    tokenMask: () => tokenMask,
  });
}
