// Which tensor backends are here for training, TensorFlow's, WebAssembly and plain JavaScript by @moe-rl/tfjs-native, WebGPU by @moe-rl/webgpu: what `doctor`
// prints and `auto` chooses from. Nothing is downloaded or loaded.
import { createRequire } from 'node:module';
import { type BackendExplanation, explainBackends } from '@moe-rl/tfjs-native';

/** As tfjs-native explains them, except that runs compute on WebGPU by kernels of @moe-rl/webgpu, which needs the package `webgpu` and nothing of tfjs' own. */
export function explainTrainingBackends(): BackendExplanation[] {
  return explainBackends().map((explanation) => (explanation.name === 'webgpu' ? explainWebGpu() : explanation));
}

function explainWebGpu(): BackendExplanation {
  const found = { name: 'webgpu', source: 'WebGPU (@moe-rl/webgpu)' } as const;
  try {
    // From where @moe-rl/webgpu lies, since it is the one that loads it.
    createRequire(createRequire(import.meta.url).resolve('@moe-rl/webgpu')).resolve('webgpu');
  } catch {
    return { ...found, state: 'unavailable', reason: 'npm install webgpu brings it', isInstalled: false };
  }
  const reason = 'can be asked for by name; runs on any GPU with a Vulkan, Metal or Direct3D 12 driver';
  return { ...found, state: 'available', reason, isInstalled: true };
}
