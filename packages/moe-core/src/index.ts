// Public entry of @moe-rl/moe-core. Shape letters: B batch, T tokens, D token size, E experts, P slots per expert, S = E*P slots, K chosen experts
// per token, C capacity per expert, H hidden width.

export {
  applyExperts,
  type ExpertConfig,
  type ExpertNoise,
  type ExpertOutput,
  expertParameterSpecs,
  initExperts,
} from './expert.ts';
export { checkFinite } from './finite.ts';
export { lecunNormal, orthogonal, standardNormal, uniform, xavierUniform } from './initializers.ts';
export { lazyRecord } from './lazy.ts';
export {
  type ExpertSets,
  expertUtilization,
  type RouterStatistics,
  routerChangeRate,
  routerSaturation,
  routerStatistics,
} from './metrics.ts';
export {
  type InitialParameters,
  type ParameterSpec,
  type Parameters,
  parameter,
  requireShape,
  toTensors,
} from './parameters.ts';
export {
  applySimplicial,
  initSimplicial,
  type SimplicialConfig,
  simplicialEmbedding,
  simplicialFeatureMap,
} from './simplicial.ts';
export { batchTokens, slotsFromExperts, slotsToExperts, type TokenBatch } from './tokens.ts';
