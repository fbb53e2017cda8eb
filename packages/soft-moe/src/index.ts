// Public entry of @moe-rl/soft-moe: the layer as pure functions over a parameter tree. The tf.layers version is in ./tfjs.
export { toTensors } from '@moe-rl/moe-core';
export { initSoftMoe, type SoftMoeConfig, slotsPerExpert, softMoeParameterSpecs } from './config.ts';
export { type SoftMixtureConfig, softMixture } from './mixture.ts';
export { applySoftMoe, type SoftMoeInputs, type SoftMoeOutput } from './soft-moe.ts';
