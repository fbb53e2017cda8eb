// Public entry of @moe-rl/moe-core. Shape letters: B batch, T tokens, D token size, E experts, P slots per expert, S = E*P slots, K chosen experts
// per token, C capacity per expert, H hidden width.

export { requireKnownOptions } from '@moe-rl/core';
export {
  type Assignment,
  type AssignOptions,
  assignTokens,
  combineMatrix,
  type ExpertChoice,
  maskAssignment,
  type TokenChoice,
} from './assignment.ts';
export { type CapacityConfig, type CapacitySizes, capacityOf } from './capacity.ts';
export { type Dispatch, type DispatcherName, dispatch, dispatcherNames, dispatchMatrices } from './dispatch.ts';
export {
  applyExperts,
  applyExpertsToRows,
  applyExpertsToSlots,
  type ExpertConfig,
  type ExpertNoise,
  type ExpertOutput,
  type ExpertRows,
  expertParameterSpecs,
  initExperts,
} from './expert.ts';
export { checkFinite } from './finite.ts';
export { type GroupedDispatch, groupedDispatch } from './grouped-dispatch.ts';
export { lecunNormal, orthogonal, standardNormal, uniform, xavierUniform } from './initializers.ts';
export { lazyRecord } from './lazy.ts';
export {
  bestExpertImbalance,
  denseToSparseBalanceLoss,
  distillationLoss,
  dynMoleBalanceLoss,
  importanceLoss,
  kthLargest,
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
export { tokenMean } from './losses/token-means.ts';
export {
  type ExpertSets,
  expertUtilization,
  type RouterStatistics,
  routerChangeRate,
  routerSaturation,
  routerStatistics,
} from './metrics.ts';
export {
  type AuxiliaryLoss,
  type AuxiliaryLossOffer,
  auxiliaryLossOf,
  type Mixture,
  type MixtureInputSpec,
  type MixtureInputs,
  type MixtureSchedule,
  type MixtureSizes,
  type MixtureStage,
  type MoeOutput,
} from './mixture/mixture.ts';
export { type OptionSpecs, requireOptions } from './mixture/options.ts';
export {
  createMixture,
  type MixtureConfig,
  type MixtureDefinition,
  mixtureDefinition,
  mixtureTypes,
  registerMixture,
} from './mixture/registry.ts';
export { routingOutput, slotsUsed } from './mixture/routing-output.ts';
export {
  type InitialParameters,
  type ParameterSpec,
  type Parameters,
  parameter,
  requireShape,
  toTensors,
} from './parameters.ts';
export {
  logitSizes,
  type Router,
  type RouterInputSpec,
  type RouterInputs,
  type RouterPhase,
  type Routing,
  requireInput,
  requireK,
} from './router.ts';
export { choicesPerExpert, packChoices, sharedChoices } from './router-course.ts';
export { normalizeScores, type RoutingCounts, ratioOrZero, routingCounts } from './routing-statistics.ts';
export {
  applySimplicial,
  initSimplicial,
  type SimplicialConfig,
  simplicialEmbedding,
  simplicialFeatureMap,
} from './simplicial.ts';
export { batchTokens, slotsFromExperts, slotsToExperts, type TokenBatch } from './tokens.ts';
