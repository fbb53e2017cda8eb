// Network statistics: dormant units, effective rank, feature norms, neural tangent kernels.
export {
  dormantPercentage,
  dormantPercentageOfScores,
  effectiveRank,
  empiricalNeuralTangentKernel,
  type FeatureStatistics,
  featureStatistics,
  type HostTensor,
  type KernelStatistics,
  kernelStatistics,
  redoDormantFraction,
  redoScores,
  STATISTIC_THRESHOLDS,
  thresholdRank,
} from './statistics.ts';
