// Options of the routers and of the layer around them, as data. What they mean in full stands at the routers' own interfaces.
import { setting } from '@moe-rl/core';
import { dispatcherNames, type OptionSpecs } from '@moe-rl/moe-core';

/** Functions of the tokens before the gate. */
export const gateTransforms = ['none', 'sigmoid', 'tanh', 'cos'] as const;

/** How many tokens an expert takes. Without a default factor nothing is dropped unless one of them is set. */
export const capacityOptions = (defaultFactor: number | null, rounding: 'ceil' | 'floor' = 'ceil'): OptionSpecs => ({
  capacity: setting.integer('Tokens that each expert takes per sample; null: by capacityFactor.', null, {
    isNullable: true,
  }),
  capacityFactor: setting.number(
    'Tokens that each expert takes, as a multiple of an even share; null: no limit.',
    defaultFactor,
    {
      minimum: 0,
      isMinimumOpen: true,
      maximum: 1e6,
      isNullable: defaultFactor === null,
      applies: { path: './capacity', in: [null], orAbsent: true },
    },
  ),
  capacityRounding: setting.choice('How the capacity is rounded.', rounding, ['ceil', 'floor']),
  capacityMultipleOf: setting.integer('Rounds the capacity up to a multiple of this.', 1),
});

/** K experts per token. */
export const kOption = (value: number | null, standard = ''): OptionSpecs => ({
  k:
    value === null
      ? setting.integer(`Experts per token; null: ${standard}, or all where there are fewer.`, null, {
          isNullable: true,
        })
      : setting.integer('Experts per token.', value),
});

/** Options of the layer, which every router can be combined with. */
export const layerOptions: OptionSpecs = {
  dispatcher: setting.choice('How tokens move to experts and back; the results are equal.', 'indices', dispatcherNames),
  numSharedExperts: setting.integer('Experts that every token uses, without weights (DeepSeekMoE).', 0, { minimum: 0 }),
  isResidual: setting.boolean('Adds the tokens to the output.', false),
  normalizesInput: setting.boolean(
    'Normalizes what experts see, with a learned scale and offset per expert (BASE).',
    false,
  ),
  gateTransform: setting.choice('Function of the tokens before the gate.', 'none', gateTransforms),
  hasGateBias: setting.boolean('Adds a learned number per expert to the logits.', false),
};
