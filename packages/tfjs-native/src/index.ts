// @moe-rl/tfjs-native: a current TensorFlow under TensorFlow.js for Node, and the choice of the backend. Node only.

export { cacheDirectory } from '@moe-rl/core/node';
export { type BackendChoice, type BackendName, backendChoices, type LoadBackendConfig } from './backend-config.ts';
export {
  type BackendExplanation,
  type BackendReport,
  explainBackends,
  type LoadBackendOutput,
  loadBackend,
} from './backends.ts';
export { MissingGpuError } from './gpu.ts';
export { type InstallConfig, installNative } from './install.ts';
export type { NativePaths, ProgressEvent } from './layout.ts';
export { type PlatformWheel, TENSORFLOW_VERSION, type TensorFlowVariant, TFJS_NODE_VERSION } from './versions.ts';
