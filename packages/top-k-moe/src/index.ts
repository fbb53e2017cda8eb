// Public entry of @moe-rl/top-k-moe: routers, the sparse MoE layer, and both as mixtures by name. The tf.layers version is in ./tfjs.
// The contracts (Router, Assignment, dispatch, MoeOutput) and the auxiliary losses are moe-core's, given on here for one import line.
// What a first example needs (random numbers, typed arrays) is given on too, so that installing this package alone is enough.
export { createRng, type Rng } from '@moe-rl/core';
export {
  type Assignment,
  type AssignOptions,
  assignTokens,
  auxiliaryLossOf,
  bestExpertImbalance,
  type CapacityConfig,
  combineMatrix,
  createMixture,
  type Dispatch,
  type DispatcherName,
  denseToSparseBalanceLoss,
  dispatch,
  dispatcherNames,
  dispatchMatrices,
  distillationLoss,
  dynMoleBalanceLoss,
  type ExpertChoice,
  entropyLoss,
  importanceLoss,
  type LoadLossConfig,
  loadBalancingLoss,
  loadLoss,
  noisyTopKLoad,
  normalizedEntropy,
  prototypeBalancingLosses,
  type Router,
  type RouterInputs,
  type Routing,
  registerMixture,
  routerZLoss,
  sequenceBalanceLoss,
  squaredVariation,
  stableBalanceLoss,
  stayProbabilities,
  type TokenChoice,
  toTensors,
} from '@moe-rl/moe-core';
export { createTypedArrayOps, type TypedArrayTensor, typedArrayOps } from '@moe-rl/tensor-ops/typed-array';
export { initTopKMoe, type TopKMoeConfig, topKMoeParameterSpecs, topKMoeWarnings } from './config.ts';
export type { RouterDefinition, RouterTraits } from './definitions/definition.ts';
export {
  createRouter,
  type OpenRouterConfig,
  type RouterConfig,
  routerDefinition,
  routerTypes,
} from './definitions/registry.ts';
export { bestAssignment, bestPartition } from './host/best-assignment.ts';
export { cappedExpertChoice, type RelaxationConfig, relaxedChoice } from './host/capped-choice.ts';
export { applyLoraMoe, initLoraMoe, type LoraMoeConfig, type LoraMoeInputs, type LoraMoeOutput } from './lora.ts';
export { routerMetrics } from './metrics.ts';
export { registerRouter, type SparseMixtureConfig, topKMixtures } from './mixture.ts';
export {
  balancedAssignment,
  balancedHashTable,
  baseRouter,
  type HashConfig,
  hashRouter,
  type StableConfig,
  stableRouter,
} from './routers/balanced.ts';
export { type DeepSeekConfig, deepSeekRouter, groupScores, updateBalanceBias } from './routers/deepseek.ts';
export { type ExpertChoiceConfig, expertChoiceRouter } from './routers/expert-choice.ts';
export { type PrototypesConfig, prototypesRouter } from './routers/prototypes.ts';
export {
  type DenseToSparseConfig,
  type DynMoleConfig,
  denseToSparseRouter,
  dynMoleRouter,
  gumbelNoise,
} from './routers/threshold.ts';
export {
  type GShardConfig,
  gshardRouter,
  type NoisyTopKConfig,
  noisyLogits,
  noisyTopKRouter,
  type RandomConfig,
  randomRouter,
  type SwitchConfig,
  switchRouter,
  type TokenChoiceConfig,
  tokenChoiceRouter,
} from './routers/token-choice.ts';
export { type EvoMoeConfig, evoMoeSchedule } from './schedules/evo-moe.ts';
export type { ScheduledNames } from './schedules/names.ts';
export { spawnExperts } from './schedules/spawn-experts.ts';
export { type StableMoeConfig, stableMoeSchedule } from './schedules/stable-moe.ts';
export { denseToSparseTemperature, type TemperatureConfig } from './schedules/temperature.ts';
export { applyTopKMoe, type TopKMoeInputs, type TopKMoeOutput } from './top-k-moe.ts';
