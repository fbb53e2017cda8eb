// What Node loads as @moe-rl/soft-moe/tfjs: the layer, or an error that says which optional peers to install. (Bundlers take dist/tfjs.js itself.)
import { missingPeerError } from '@moe-rl/core';

const entry = await import('../dist/tfjs.js').catch((error) => {
  throw missingPeerError('@moe-rl/soft-moe/tfjs', ['@tensorflow/tfjs-core', '@tensorflow/tfjs-layers'], error);
});

export const { createTfjsOps, SoftMoeLayer, tfjsOps } = entry;
