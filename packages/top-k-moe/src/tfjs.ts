// Entry ./tfjs: sparse mixtures as tf.layers. Importing it registers the classes, so that saved models load.
export { LoraMoeLayer, type LoraMoeLayerConfig } from './tfjs/lora-moe-layer.ts';
export { TopKMoeLayer, type TopKMoeLayerConfig } from './tfjs/top-k-moe-layer.ts';
