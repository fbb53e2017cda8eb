// The public surface of @moe-rl/evaluation.
export {
  interquartileMean,
  mean,
  median,
  optimalityGap,
  performanceProfile,
  probabilityOfImprovement,
} from './aggregates.ts';
export { ATARI_100K_GAMES, ATARI_REFERENCE_SCORES, PAPER_GAMES, type ReferenceScores } from './atari-scores.ts';
export {
  type AggregateOutput,
  aggregateScores,
  type BootstrapConfig,
  type Interval,
  performanceProfileIntervals,
  probabilityOfImprovementInterval,
  sampleEfficiencyCurve,
  stratifiedBootstrap,
} from './bootstrap.ts';
export { fromRuns, type GameScores } from './game-scores.ts';
export {
  canonicalGameName,
  humanNormalizedScore,
  type NormalizedScoresOutput,
  normalizeScores,
  referenceScores,
} from './human-normalized.ts';
