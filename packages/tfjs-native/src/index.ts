// @moe-rl/tfjs-native: a current TensorFlow under TensorFlow.js for Node, and the choice of the backend. Node only.

export {
  type BackendChoice,
  type BackendExplanation,
  type BackendName,
  type BackendReport,
  backendChoices,
  explainBackends,
  type LoadBackendConfig,
  type LoadBackendOutput,
  loadBackend,
} from './backends.ts';
export { cacheDirectory } from './cache.ts';
export { type InstallConfig, installNative } from './install.ts';
export type { NativePaths, ProgressEvent } from './layout.ts';
export { type PlatformWheel, TENSORFLOW_VERSION, type TensorFlowVariant, TFJS_NODE_VERSION } from './versions.ts';
