// The thirteen routers of this package by name: options, sources, losses.
import { setting } from '@moe-rl/core';
import type { AuxiliaryLossOffer } from '@moe-rl/moe-core';
import { baseRouter, hashRouter, stableRouter } from '../routers/balanced.ts';
import { deepSeekRouter, isNormalizing } from '../routers/deepseek.ts';
import { expertChoiceRouter } from '../routers/expert-choice.ts';
import { prototypesOf, prototypesRouter } from '../routers/prototypes.ts';
import { denseToSparseRouter, dynMoleRouter } from '../routers/threshold.ts';
import {
  gshardRouter,
  noisyTopKRouter,
  randomRouter,
  switchRouter,
  tokenChoiceRouter,
} from '../routers/token-choice.ts';
import { evoMoeSchedule } from '../schedules/evo-moe.ts';
import { stableMoeSchedule } from '../schedules/stable-moe.ts';
import type { RouterDefinition } from './definition.ts';
import { generalLosses, ownLosses, prototypeLosses, tsallisEntropy, vmoeLoad } from './losses.ts';
import { capacityOptions, kOption } from './options.ts';

/** Every general loss refused for one reason. */
const refuseAll = (refused: string): Record<string, AuxiliaryLossOffer> =>
  Object.fromEntries(Object.keys(generalLosses).map((name) => [name, { refused }]));

const define = <Options extends object>(definition: RouterDefinition<Options>): RouterDefinition<Options> => definition;

/** Why a router with one expert per token and weights that sum to 1 learns nothing. */
const constantWeight = (type: string, k: number, numExperts: number): string[] =>
  k === 1 && numExperts > 1
    ? [
        `router "${type}" with k = 1 divides each weight by itself: it is always 1, so the task sends no gradient to the router; expected k of at least 2, or weights that are not normalized`,
      ]
    : [];

export const definitions = {
  'token-choice': define<Parameters<typeof tokenChoiceRouter>[0] & object>({
    type: 'token-choice',
    description: 'Softmax, top k, a buffer per expert; the Top-1 router of Obando Ceron et al. (2024) by default.',
    options: {
      ...kOption(1),
      isRenormalized: setting.boolean('Divides weights by their sum over the k choices.', false),
      capacityCountsChoices: setting.boolean('Capacity counts choices, not tokens.', false),
      hasBatchPriority: setting.boolean('Tokens with the best score get slots first.', false),
      noiseStd: setting.number('Noise on the logits in training, times 1/E.', 0, { minimum: 0 }),
      ...capacityOptions(1),
    },
    create: tokenChoiceRouter,
    traits: ({ k = 1, isRenormalized, noiseStd = 0 }, E) => ({
      auxiliaryLosses: noiseStd > 0 ? { load: { loss: vmoeLoad(k, noiseStd / E) } } : {},
      warnings: isRenormalized ? constantWeight('token-choice', k, E) : [],
    }),
  }),
  switch: define<Parameters<typeof switchRouter>[0] & object>({
    type: 'switch',
    description: 'Switch Transformer: top-1 with capacity (Fedus et al., 2021).',
    options: {
      inputJitter: setting.number('The gate sees its input times numbers within 1 - this to 1 + this in training.', 0, {
        minimum: 0,
        maximum: 1,
      }),
      ...capacityOptions(1.25, 'floor'),
    },
    create: switchRouter,
  }),
  'gshard-top-2': define<Parameters<typeof gshardRouter>[0] & object>({
    type: 'gshard-top-2',
    description: 'Top-2 with normalized weights and a random second choice (Lepikhin et al., 2020).',
    options: {
      dropsSecondAtRandom: setting.boolean('Drops light second choices at random.', true),
      ...capacityOptions(1),
    },
    create: gshardRouter,
  }),
  'noisy-top-k': define<Parameters<typeof noisyTopKRouter>[0] & object>({
    type: 'noisy-top-k',
    description: 'Softmax over the k largest of noisy logits (Shazeer et al., 2017).',
    options: { ...kOption(null, '2'), ...capacityOptions(null) },
    create: noisyTopKRouter,
    traits: ({ k = 2 }, E) => ({
      auxiliaryLosses: { load: { loss: ownLosses.noisyLoad } },
      warnings: constantWeight('noisy-top-k', k, E),
    }),
  }),
  random: define<Parameters<typeof randomRouter>[0] & object>({
    type: 'random',
    description: 'k experts at random: the control that learns nothing.',
    options: { ...kOption(1), ...capacityOptions(1) },
    create: randomRouter,
    traits: () => ({ auxiliaryLosses: refuseAll('the choice is random and has no parameters to train') }),
  }),
  'expert-prototyping': define<Parameters<typeof prototypesRouter>[0] & object>({
    type: 'expert-prototyping',
    description: 'Top-1 routers side by side, each over its own group of experts (Yang et al., 2021).',
    options: {
      numPrototypes: setting.integer('Groups of experts; null: 2, or 1 for an odd number or 2 of them.', null, {
        isNullable: true,
      }),
      capacityBudget: setting.choice('Capacity as for top-k or top-1.', 'k', ['k', '1']),
      ...capacityOptions(1.25, 'floor'),
    },
    create: prototypesRouter,
    traits: ({ numPrototypes }, E) => ({
      auxiliaryLosses: prototypeLosses(numPrototypes ?? prototypesOf(E)),
      warnings:
        numPrototypes === E && E > 1
          ? [
              `router "expert-prototyping" with numPrototypes = ${E} for ${E} experts has one expert in each group: all weights are 1, so the task sends no gradient to the router; expected at least 2 experts in a group`,
            ]
          : [],
    }),
  }),
  'expert-choice': define<Parameters<typeof expertChoiceRouter>[0] & object>({
    type: 'expert-choice',
    description: 'Every expert takes its best tokens (Zhou et al., 2022).',
    options: {
      maxExpertsPerToken: setting.integer('No token gets more; chosen on the host.', null, { isNullable: true }),
      ...capacityOptions(2, 'floor'),
    },
    create: expertChoiceRouter,
    traits: () => ({
      auxiliaryLosses: {
        loadBalancing: { refused: 'experts choose, so that all have the same load by construction' },
      },
    }),
  }),
  base: define<object>({
    type: 'base',
    description: 'The best assignment with equal load, solved on the host in training (Lewis et al., 2021).',
    options: {},
    create: () => baseRouter(),
    traits: () => ({
      auxiliaryLosses: {
        loadBalancing: { refused: 'the assignment gives all experts the same load by construction' },
        importance: { refused: 'the assignment gives all experts the same load by construction' },
      },
    }),
  }),
  hash: define<Parameters<typeof hashRouter>[0] & object>({
    type: 'hash',
    description: 'The expert that a table gives for a token (Roller et al., 2021).',
    options: {
      ids: setting.choice('What tells tokens apart: ids that the caller gives, or places in the sample.', 'given', [
        'given',
        'position',
      ]),
      table: setting.numbers('Expert of each token id; empty: the id itself.', [], { isInteger: true, minimum: 0 }),
      ...capacityOptions(null),
    },
    create: hashRouter,
    traits: () => ({ auxiliaryLosses: refuseAll('the choice is a table and has no parameters to train') }),
  }),
  stable: define<Parameters<typeof stableRouter>[0] & object>({
    type: 'stable',
    description: 'StableMoE: a router that is learned with a balance loss, distilled, then frozen (Dai et al., 2022).',
    options: {
      stage: setting.integer('2: the distilled router decides.', 1, { maximum: 2 }),
      distillationUpdates: setting.integer(
        'Updates until the distilled router is frozen and decides; 0: there is none, and stage decides.',
        10_000,
        { minimum: 0 },
      ),
      ...capacityOptions(null),
    },
    create: stableRouter,
    schedule: stableMoeSchedule,
    traits: () => ({
      auxiliaryLosses: {
        stableBalance: { loss: ownLosses.stableBalance },
        distillation: { loss: ownLosses.distillation },
      },
    }),
  }),
  'dense-to-sparse': define<Parameters<typeof denseToSparseRouter>[0] & object>({
    type: 'dense-to-sparse',
    description: 'EvoMoE: all experts at first, fewer as the temperature falls (Nie et al., 2021).',
    options: {
      threshold: setting.number('Gates above it work.', 0.001, { minimum: 0, maximum: 1 }),
      sharedUpdates: setting.integer('Updates in which the first expert works on all tokens.', 0, { minimum: 0 }),
      maskedShare: setting.share('Share of the weights that each expert spawned from the first one loses.', 0.3),
      maximumTemperature: setting.positive('Temperature of the gate at first.', 2),
      minimumTemperature: setting.positive('Temperature of the gate at last.', 0.3),
      temperatureDecay: setting.choice('How the temperature falls.', 'linear', ['linear', 'exponential']),
      temperatureUpdates: setting.integer('Updates until the temperature is at its minimum.', 100_000),
      hardUpdates: setting.integer('Updates from which on only the best expert works; null: never.', null, {
        minimum: 0,
        isNullable: true,
      }),
      isHard: setting.boolean('Only the best expert works.', false),
      evaluationCapacityFraction: setting.number(
        'In evaluation an expert takes at most this share of the tokens; 0: no limit.',
        0,
        { minimum: 0, maximum: 1 },
      ),
      capacity: setting.integer('Tokens that each expert takes in evaluation.', null, { isNullable: true }),
    },
    create: denseToSparseRouter,
    schedule: evoMoeSchedule,
    traits: () => ({
      auxiliaryLosses: {
        loadBalancing: {
          refused: 'it works with as many experts per token as pass the threshold; see denseToSparseBalance',
        },
        denseToSparseBalance: { loss: ownLosses.denseToSparseBalance },
      },
    }),
  }),
  deepseek: define<Parameters<typeof deepSeekRouter>[0] & object>({
    type: 'deepseek',
    description: 'DeepSeekMoE: many small experts, groups, balance by a bias instead of a loss (DeepSeek-V2, V3).',
    options: {
      ...kOption(null, '8'),
      scoring: setting.choice('V3 or V2.', 'sigmoid', ['sigmoid', 'softmax']),
      numGroups: setting.integer('Groups of experts.', 1),
      numKeptGroups: setting.integer('Only the best so many groups are chosen from.', null, { isNullable: true }),
      normalization: setting.choice('Whether weights are divided by their sum; auto: with sigmoid scores.', 'auto', [
        'auto',
        'sum',
        'none',
      ]),
      routeScale: setting.number('Multiplies the weights.', 1),
      balanceBiasRate: setting.number('Step of the bias after each update; 0: no bias.', 0.001, {
        minimum: 0,
        maximum: 1,
      }),
      ...capacityOptions(null),
    },
    create: deepSeekRouter,
    traits: ({ k = 8, scoring, normalization }, E) => ({
      auxiliaryLosses: { sequenceBalance: { loss: ownLosses.sequenceBalance } },
      warnings: isNormalizing(scoring, normalization) ? constantWeight('deepseek', k, E) : [],
    }),
  }),
  dynmole: define<Parameters<typeof dynMoleRouter>[0] & object>({
    type: 'dynmole',
    description: 'DynMoLE: soft, top-p and top-k routing by the entropy of each token (Li et al., 2025).',
    options: {
      entropyIndex: setting.number('Tsallis q.', 1.1, { minimum: 0, isMinimumOpen: true, maximum: 2 }),
      entropyEpsilon: setting.number('Added to every probability before the entropy is taken.', 1e-5, { minimum: 0 }),
      entropyThreshold: setting.number('Tokens above it use all experts.', 0.9, { minimum: 0, isMinimumOpen: true }),
      topP: setting.number('Summed probability.', 0.75, { minimum: 0, isMinimumOpen: true, maximum: 1 }),
      keepTopK: setting.integer('Experts that are kept in any case; null: 2, or 1 where there is one.', null, {
        isNullable: true,
      }),
    },
    create: dynMoleRouter,
    traits: ({ entropyIndex = 1.1, entropyEpsilon }) => ({
      auxiliaryLosses: {
        entropy: { loss: tsallisEntropy(entropyIndex, entropyEpsilon) },
        loadBalancing: { refused: 'it works with a varying number of experts per token; see dynMoleBalance' },
        dynMoleBalance: { loss: ownLosses.dynMoleBalance },
      },
    }),
  }),
};
