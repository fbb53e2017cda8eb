// Public entry of @moe-rl/top-k-moe: routers, dispatchers, the sparse MoE layer, auxiliary losses. The tf.layers version is in ./tfjs.
export { toTensors } from '@moe-rl/moe-core';
export {
  type Assignment,
  assignTokens,
  type CapacityConfig,
  combineMatrix,
  type ExpertChoice,
  type Router,
  type RouterInputs,
  type Routing,
  type TokenChoice,
} from './assignment.ts';
export { type Dispatch, type DispatcherName, dispatch, dispatcherNames, dispatchMatrices } from './dispatch.ts';
export { bestAssignment } from './host/best-assignment.ts';
export { cappedExpertChoice, type RelaxationConfig, relaxedChoice } from './host/capped-choice.ts';
export { applyLoraMoe, initLoraMoe, type LoraMoeConfig, type LoraMoeOutput } from './lora.ts';
export {
  bestExpertImbalance,
  denseToSparseBalanceLoss,
  distillationLoss,
  dynMoleBalanceLoss,
  importanceLoss,
  type LoadLossConfig,
  loadBalancingLoss,
  loadLoss,
  noisyTopKLoad,
  prototypeBalancingLosses,
  routerZLoss,
  sequenceBalanceLoss,
  squaredVariation,
  stableBalanceLoss,
  stayProbabilities,
} from './losses/balance.ts';
export { entropyLoss, normalizedEntropy } from './losses/entropy.ts';
export { routerMetrics } from './metrics.ts';
export { createRouter, type RouterConfig, routerTypes } from './router.ts';
export {
  balancedAssignment,
  balancedHashTable,
  baseRouter,
  type HashConfig,
  hashRouter,
  type StableConfig,
  stableRouter,
} from './routers/balanced.ts';
export { type DeepSeekConfig, deepSeekRouter, updateBalanceBias } from './routers/deepseek.ts';
export { type ExpertChoiceConfig, expertChoiceRouter } from './routers/expert-choice.ts';
export { type PrototypesConfig, prototypesRouter } from './routers/prototypes.ts';
export {
  type DenseToSparseConfig,
  type DynMoleConfig,
  denseToSparseRouter,
  denseToSparseTemperature,
  dynMoleRouter,
  type TemperatureConfig,
} from './routers/threshold.ts';
export {
  type GShardConfig,
  gshardRouter,
  type NoisyTopKConfig,
  noisyLogits,
  noisyTopKRouter,
  type RandomConfig,
  randomRouter,
  switchRouter,
  type TokenChoiceConfig,
  tokenChoiceRouter,
} from './routers/token-choice.ts';
export {
  applyTopKMoe,
  initTopKMoe,
  spawnExperts,
  type TopKMoeConfig,
  type TopKMoeInputs,
  type TopKMoeOutput,
  topKMoeParameterSpecs,
} from './top-k-moe.ts';
