// Auxiliary losses of sparse mixtures by name: the general ones, and those that belong to one router.
import { InvalidArgumentError } from '@moe-rl/core';
import {
  type AuxiliaryLoss,
  type AuxiliaryLossOffer,
  denseToSparseBalanceLoss,
  distillationLoss,
  dynMoleBalanceLoss,
  importanceLoss,
  loadBalancingLoss,
  loadLoss,
  type MoeOutput,
  noisyTopKLoad,
  normalizedEntropy,
  prototypeBalancingLosses,
  routerZLoss,
  sequenceBalanceLoss,
  squaredVariation,
  stableBalanceLoss,
  type TokenChoice,
  tokenMean,
} from '@moe-rl/moe-core';

const choices = <Tensor>(output: MoeOutput<Tensor>): TokenChoice<Tensor> =>
  output.routing!.assignment as TokenChoice<Tensor>;

/** An optional part of the routing that a loss can't do without. */
function need<Value>(value: Value | undefined, name: string): Value {
  if (value === undefined) {
    throw new InvalidArgumentError(`routing.${name} is undefined; expected a step of training with the router's noise`);
  }
  return value;
}

/** Losses that fit any router whose scores can be made a distribution over experts. */
export const generalLosses = {
  importance: (ops, output) => importanceLoss(ops, output.expertShares, output.tokenMask),
  loadBalancing: (ops, output) => loadBalancingLoss(ops, output.expertShares, choices(output), output.tokenMask),
  routerZ: (ops, output) => routerZLoss(ops, output.routerLogits, output.tokenMask),
  entropy: (ops, output) => tokenMean(ops, normalizedEntropy(ops, output.expertShares), output.tokenMask),
} satisfies Record<string, AuxiliaryLoss>;

/** V-MoE's load loss, for 'token-choice' with noise on its logits. */
export const vmoeLoad =
  (k: number, noiseStd: number): AuxiliaryLoss =>
  (ops, { routing, routerLogits, tokenMask }) => {
    const noise = ops.subtract(need(routing!.noisyLogits, 'noisyLogits'), routerLogits);
    return loadLoss(ops, routerLogits, ops.stopGradient(noise), { k, noiseStd }, tokenMask);
  };

/** Losses of a router with Z prototypes: one per prototype, averaged, so that balance is 1. */
export const prototypeLosses = (numPrototypes: number): Readonly<Record<string, AuxiliaryLossOffer>> => ({
  loadBalancing: {
    loss: (ops, { routerProbabilities, tokenMask }) =>
      ops.mean(prototypeBalancingLosses(ops, routerProbabilities, numPrototypes, tokenMask), [1]),
  },
  entropy: {
    loss: (ops, { routerProbabilities, tokenMask }) => {
      const [B, T, E] = ops.shape(routerProbabilities) as [number, number, number];
      const within = ops.reshape(routerProbabilities, [B, T, numPrototypes, E / numPrototypes]);
      return tokenMean(ops, ops.mean(normalizedEntropy(ops, within), [2]), tokenMask);
    },
  },
});

/** Entropy with another index than Shannon's, and what the router adds to probabilities. */
export const tsallisEntropy =
  (q: number, epsilon: number | undefined): AuxiliaryLoss =>
  (ops, { expertShares, tokenMask }) =>
    tokenMean(ops, normalizedEntropy(ops, expertShares, q, epsilon), tokenMask);

/** Losses that belong to one router. */
export const ownLosses = {
  sequenceBalance: (ops, output) =>
    sequenceBalanceLoss(ops, output.routerProbabilities, choices(output), output.tokenMask),
  // Its weights are scores of all tokens that chose an expert: those that found it full are what it is to push away.
  stableBalance: (ops, output) => {
    const { experts, numExperts, ...rest } = choices(output);
    const picked = ops.reshape(ops.oneHot(experts, numExperts), ops.shape(output.routerLogits));
    const weights = ops.sigmoid(ops.sum(ops.multiply(picked, output.routerLogits), [2], true));
    return stableBalanceLoss(ops, { ...rest, experts, numExperts, weights }, output.tokenMask);
  },
  distillation: (ops, output) =>
    distillationLoss(ops, need(output.routing!.distilledLogits, 'distilledLogits'), choices(output), output.tokenMask),
  denseToSparseBalance: (ops, output) => denseToSparseBalanceLoss(ops, choices(output), output.tokenMask),
  dynMoleBalance: (ops, output) =>
    dynMoleBalanceLoss(ops, output.routerProbabilities, choices(output), output.tokenMask),
  noisyLoad: (ops, { routing, routerLogits, tokenMask }) => {
    const { assignment, noisyLogits, noiseScale } = routing!;
    const k = ops.shape((assignment as TokenChoice<typeof routerLogits>).experts)[2]!;
    const [noisy, scale] = [need(noisyLogits, 'noisyLogits'), need(noiseScale, 'noiseScale')];
    return squaredVariation(ops, noisyTopKLoad(ops, routerLogits, noisy, scale, k, tokenMask));
  },
} satisfies Record<string, AuxiliaryLoss>;

const refusals: Readonly<Record<string, string>> = {
  load: 'it needs noise on the logits: noiseStd of router "token-choice", or router "noisy-top-k"',
  sequenceBalance: 'it belongs to router "deepseek"',
  stableBalance: 'it belongs to router "stable"',
  distillation: 'it belongs to router "stable"',
  denseToSparseBalance: 'it belongs to router "dense-to-sparse"',
  dynMoleBalance: 'it belongs to router "dynmole"',
};

/** All losses of a router: general and own ones where they fit, the rest refused with the reason. */
export function lossOffers(
  traits: Readonly<Record<string, AuxiliaryLossOffer>> | undefined,
): Record<string, AuxiliaryLossOffer> {
  const offers: Record<string, AuxiliaryLossOffer> = {};
  for (const [name, loss] of Object.entries(generalLosses)) offers[name] = { loss };
  for (const [name, refused] of Object.entries(refusals)) offers[name] = { refused };
  return { ...offers, ...traits };
}
