// The settings of a network: what `network.*` takes, with bounds, defaults and meaning. The defaults are those of the official DQN with the Nature network.
import { type Applicability, type GroupSetting, type SettingCondition, setting, type UnionSetting } from '@moe-rl/core';
import type { TOKENIZER_TYPES } from '@moe-rl/encoders';
import { encoderSettings } from './encoders.ts';
import { routerSettings } from './routers.ts';

const isMixture: SettingCondition = { path: 'network.moe.router.type', notIn: ['none'] };
/** Experts within a network, not networks as experts. */
const hasMlpExperts: SettingCondition = { path: 'network.moe.expertType', in: ['mlp'] };
/** Where the dense layer before the head is not replaced by a mixture. */
const hasDense: SettingCondition = { path: 'network.moe.placement', in: ['final'], orAbsent: true };
const usesTokens: Applicability = {
  any: [
    { path: 'network.moe.placement', notIn: ['final'] },
    { path: 'network.denseInput', in: ['tokenSum', 'tokenMean'] },
  ],
};

const patchSize = setting.integer('Side of a patch', 3, { maximum: 1024 });
const tokens: UnionSetting = {
  kind: 'union',
  doc: 'What a token is',
  discriminator: 'type',
  default: 'perConv',
  applies: usesTokens,
  variants: {
    perConv: { doc: 'A token per position (the paper)', fields: {} },
    perFeat: { doc: 'A token per feature map', fields: {} },
    perSamp: { doc: 'One token', fields: {} },
    perPatch: {
      doc: 'A token per patch, by a convolution',
      fields: {
        patchSize,
        embeddingSize: setting.integer('Token width; 0: the number of channels', 0, { minimum: 0, maximum: 65_536 }),
      },
    },
    averagePool: { doc: 'A token per patch, by averaging', fields: { patchSize } },
    shuffled: {
      doc: 'perConv after one fixed permutation of all features',
      fields: { shuffleSeed: setting.integer('Seed of the permutation', 0, { minimum: 0 }) },
    },
  } satisfies Record<(typeof TOKENIZER_TYPES)[number], unknown>,
};

/** `network.*` */
export const NETWORK_SETTINGS: GroupSetting = setting.group({
  encoder: encoderSettings(),
  tokens,
  moe: setting.group({
    router: routerSettings(),
    experts: setting.integer('Number of experts', 8, { maximum: 4096, applies: isMixture }),
    expertHiddenUnits: setting.integer("Width of an expert's hidden layer", 512, {
      maximum: 1_048_576,
      applies: hasMlpExperts,
    }),
    expertType: setting.choice('Two dense layers, or a whole network', 'mlp', ['mlp', 'big'], { applies: isMixture }),
    placement: setting.choice(
      'Which layer the mixture replaces; all: one behind each stack of the encoder too',
      'penultimate',
      ['penultimate', 'final', 'both', 'all'],
      { applies: hasMlpExperts },
    ),
  }),
  hiddenUnits: setting.integer('Width of the dense layer before the head, where no mixture replaces it', 512, {
    maximum: 1_048_576,
  }),
  hiddenUnitsScale: setting.integer('Multiplies that width (the widened baselines)', 1, {
    maximum: 4096,
    applies: hasDense,
  }),
  denseInput: setting.choice(
    'What that dense layer sees',
    'flattened',
    ['flattened', 'tokenSum', 'tokenMean', 'globalAveragePool'],
    { applies: hasDense },
  ),
  extraLinearLayer: setting.boolean('Another dense layer after the mixture', false, {
    applies: { path: 'network.moe.expertType', notIn: ['big'], orAbsent: true },
  }),
  extraLinearUnits: setting.integer('Its width', 512, {
    maximum: 1_048_576,
    applies: { path: 'network.extraLinearLayer', in: [true] },
  }),
  dueling: setting.boolean('Separate advantage and value streams', false),
  noisy: setting.boolean('Noisy layers', false),
  naming: setting.choice('Parameter names of the official DQN or Rainbow networks', 'dqn', ['dqn', 'rainbow']),
});
