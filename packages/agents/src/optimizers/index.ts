// Optimizers, equal to the official code's.
export { createOptimizer, type Optimizer } from './optimizer.ts';
