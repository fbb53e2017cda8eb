// Losses and targets as pure batched functions. Each says which paper's equation it is; all are pinned by golden vectors of the official code.
export {
  categoricalCrossEntropy,
  categoricalTargets,
  projectDistribution,
  selectActionDistributions,
} from './categorical.ts';
export { conservativePenalty, featureCoadaptation } from './conservative.ts';
export { prioritiesFromLosses } from './priorities.ts';
export {
  actionMask,
  bellmanTargets,
  doubleValues,
  type ErrorType,
  errorOfType,
  greedyValues,
  huberError,
  selectActions,
  squaredError,
} from './temporal-difference.ts';
