// Sparse-training baselines: how much each layer keeps, and which weights.
export { erdosRenyiKernel, keptCount, type LayerSparsities, uniformSparsity } from './distribution.ts';
export {
  cosineDropFraction,
  dropAndGrow,
  type GrowBy,
  gradualSparsity,
  largestMask,
  magnitudeMask,
  randomMask,
} from './masks.ts';
