// The official network classes as configurations of ours, by their names and arguments.
import { BASE_CONFIG, createNetwork, mergeConfig } from '../../../packages/agents/src/index.ts';

const TOKENS = { PER_PIXEL: 'perConv', PER_FEATUREMAP: 'perFeat', PER_SAMPLE: 'perSamp', PER_PATCH: 'perPatch' };
const ROUTERS = { BASELINE: 'none', SOFTMOE: 'soft', MOE: 'token-choice' };
const ENCODERS = { CNN: 'nature', IMPALA: 'impala' };

/** What each class fixes: `hidden` names the argument that is the width of the dense layer (none: 512), `embedding` is the default width of patch tokens. */
const CLASSES = {
  NatureDQNNetwork: {},
  JAXDQNNetworkWithRepresentations: {},
  // It takes nn_scale, and does nothing with it.
  NatureDQNMoE: { hidden: 'expert_hidden_units', embedding: 64, isScaled: false },
  ImpalaMoE: { hidden: 'expert_hidden_units', encoder: 'impala', embedding: 32 },
  FullRainbowNetwork: { isRainbow: true, hidden: 'expert_hidden_units' },
  ParameterizedRainbowNetwork: { isRainbow: true, hidden: 'feature_dim', naming: 'rainbow' },
  FullRainbowMoENetwork: { isRainbow: true, hidden: 'expert_hidden_units', naming: 'rainbow', embedding: 64 },
};

/** The entry of a table, or an error that names the key, its value and what there is. */
export function lookUp(key, table, value) {
  if (!Object.hasOwn(table, value)) throw new Error(`${key} is ${value}; there are ${Object.keys(table).join(', ')}`);
  return table[value];
}

/** Changes to the base configuration that make a class with its arguments; types come first, because they decide which other settings there are. */
export function networkChangesOf(className, given) {
  const {
    isRainbow = false,
    isScaled = true,
    hidden,
    encoder,
    embedding,
    naming = 'dqn',
  } = lookUp('network class', CLASSES, className);
  lookUp('expert_type', { SMALL: true }, given.expert_type ?? 'SMALL');
  const router = lookUp('moe_type', ROUTERS, given.moe_type ?? 'BASELINE');
  const widthScale = given.nn_scale ?? 1;
  const experts = given.num_experts ?? 8;
  const tokens = tokensOf(given, embedding);
  const k = given.num_selected_experts ?? 1;
  if (router !== 'token-choice' && k !== 1) throw new Error(`num_selected_experts is ${k}; expected 1 unless MOE`);
  const mixture = {
    router: { type: router, capacityFactor: given.capacity_factor ?? 1, ...(router === 'token-choice' ? { k } : {}) },
    experts,
    expertHiddenUnits: given.expert_hidden_units ?? 512,
  };
  const hiddenUnitsScale = given.scale_hidden_layer ? experts : 1;
  return [
    {
      network: {
        encoder: { type: encoder ?? lookUp('encoder_type', ENCODERS, given.encoder_type ?? 'CNN') },
        hiddenUnits: (hidden && given[hidden]) ?? 512,
        extraLinearLayer: given.use_extra_linear_layer ?? false,
        dueling: given.dueling ?? isRainbow,
        noisy: given.noisy ?? isRainbow,
        naming,
      },
    },
    {
      network: {
        encoder: { widthScale: isScaled ? widthScale : 1 },
        ...(router === 'none' ? { hiddenUnitsScale } : { tokens, moe: mixture }),
      },
    },
  ];
}

function tokensOf(given, embedding) {
  const type = lookUp('routing_type', { ...TOKENS, '-': 'perConv' }, given.routing_type ?? 'PER_PIXEL');
  const [patchSize, other = patchSize] = [given.patch_size ?? 3].flat();
  if (patchSize !== other) throw new Error(`patch_size is ${given.patch_size}; expected a square`);
  const embeddingSize = given.embedding_size ?? embedding;
  if (type !== 'perPatch') return { type };
  return given.use_avg_pool_for_tokens ? { type: 'averagePool', patchSize } : { type, patchSize, embeddingSize };
}

/** Our network for a class, its arguments and an input. */
export function officialNetwork(className, given, { image, stackSize, actionCount, atoms }) {
  return createNetwork(mergeConfig(BASE_CONFIG, ...networkChangesOf(className, given)).network, {
    observationSpec: { frameShape: image, stackSize, dtype: 'uint8' },
    actionCount,
    atoms,
  });
}
