// Entry ./tfjs: sparse mixtures as tf.layers. Importing it registers the classes, so that saved models load.

/** TensorOps on TensorFlow.js, for the functions of this package: `createTfjsOps(tf)` on a namespace of yours, `tfjsOps` on the installed tfjs-core. */
export { createTfjsOps } from '@moe-rl/tensor-ops/tfjs';
export { tfjsOps } from '@moe-rl/tensor-ops/tfjs-core';
export { LoraMoeLayer, type LoraMoeLayerConfig } from './tfjs/lora-moe-layer.ts';
export { TopKMoeLayer, type TopKMoeLayerConfig } from './tfjs/top-k-moe-layer.ts';
