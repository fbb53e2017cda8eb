// @moe-rl/tfjs-kernels: training kernels and gradients that TensorFlow.js lacks, mainly on its wasm backend; the op x backend table; a
// leak guard. Works in browsers; `./node` adds what only Node needs.

export { type AdamStepConfig, type AdamStepOutput, adamStep } from './adam.ts';
export { KernelTrapError, MissingKernelError, OutOfMemoryError, TensorLeakError } from './errors.ts';
export { type LeakGuardConfig, withLeakGuard } from './leak-guard.ts';
export {
  DEFAULT_BACKENDS,
  formatOpBackendTable,
  type KernelAvailability,
  type OpBackendRow,
  opBackendTable,
  requireTrainingOps,
  TRAINING_OPS,
} from './op-table.ts';
export { type RegistrationOutput, registerTrainingKernels } from './register.ts';
