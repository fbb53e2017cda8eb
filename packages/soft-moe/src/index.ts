// Public entry of @moe-rl/soft-moe: the layer as pure functions over a parameter tree. The tf.layers version is in ./tfjs.
// What a first example needs (random numbers, typed arrays) is given on too, so that installing this package alone is enough.
export { createRng, type Rng } from '@moe-rl/core';
export { toTensors } from '@moe-rl/moe-core';
export { createTypedArrayOps, type TypedArrayTensor, typedArrayOps } from '@moe-rl/tensor-ops/typed-array';
export { initSoftMoe, type SoftMoeConfig, slotsPerExpert, softMoeParameterSpecs } from './config.ts';
export { type SoftMixtureConfig, softMixture } from './mixture.ts';
export { applySoftMoe, type SoftMoeInputs, type SoftMoeOutput } from './soft-moe.ts';
