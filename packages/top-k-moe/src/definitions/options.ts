// Options of the routers and of the layer around them, as data. What they mean in full stands at the routers' own interfaces.
import type { OptionSpecs } from '@moe-rl/moe-core';
import { dispatcherNames } from '@moe-rl/moe-core';

/** Functions of the tokens before the gate. */
export const gateTransforms = ['none', 'sigmoid', 'tanh', 'cos'] as const;

/** How many tokens an expert takes. Without a default factor nothing is dropped unless one of them is set. */
export const capacityOptions = (defaultFactor?: number, rounding: 'ceil' | 'floor' = 'ceil'): OptionSpecs => ({
  capacity: { type: 'integer', minimum: 1, description: 'Tokens that each expert takes per sample.' },
  capacityFactor: {
    type: 'number',
    minimum: Number.MIN_VALUE,
    maximum: 1e6,
    ...(defaultFactor === undefined ? {} : { default: defaultFactor }),
    description: 'Tokens that each expert takes, as a multiple of an even share.',
  },
  capacityRounding: { type: 'choice', values: ['ceil', 'floor'], default: rounding, description: 'How it is rounded.' },
  capacityMultipleOf: { type: 'integer', minimum: 1, default: 1, description: 'Rounds it up to a multiple of this.' },
});

/** K experts per token. */
export const kOption = (value: number): OptionSpecs => ({
  k: { type: 'integer', minimum: 1, default: value, description: 'Experts per token.' },
});

/** Options of the layer, which every router can be combined with. */
export const layerOptions: OptionSpecs = {
  dispatcher: { type: 'choice', values: dispatcherNames, default: 'indices', description: 'How tokens move.' },
  numSharedExperts: {
    type: 'integer',
    minimum: 0,
    default: 0,
    description: 'Experts that every token uses, without weights (DeepSeekMoE).',
  },
  isResidual: { type: 'boolean', default: false, description: 'Adds the tokens to the output.' },
  normalizesInput: {
    type: 'boolean',
    default: false,
    description: 'Normalizes what experts see, with a learned scale and offset per expert (BASE).',
  },
  gateTransform: {
    type: 'choice',
    values: gateTransforms,
    default: 'none',
    description: 'Function of the tokens before the gate.',
  },
  hasGateBias: { type: 'boolean', default: false, description: 'Adds a learned number per expert to the logits.' },
};
