// The backends that may be had, each with how to see that it can't work here, and how to load it.

import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { MissingDependencyError } from '@moe-rl/core';
import type { BackendName, LoadBackendConfig } from './backend-config.ts';
import { checkGpu, type DeviceReport, MissingGpuError } from './gpu.ts';
import { installNative, isInstalled, missingForInstall } from './install.ts';
import { addonFile, chooseVariant, demandedVariant, nativePaths } from './layout.ts';
import { registerTfjsNode } from './load-tfjs-node.ts';
import { loadOperations } from './operations.ts';
import { importOptional, resolveOptional } from './optional-packages.ts';
import { TENSORFLOW_VERSION } from './versions.ts';

/** One candidate: what it is, whether it could work (undefined: yes), and how to load it. */
export interface Candidate {
  readonly name: BackendName;
  readonly source: string;
  obstacle(): string | undefined;
  /** Where there is no obstacle: whether it lies here whole. */
  readonly isInstalled: boolean;
  /** `isDemanded`: asked for by name, so that a GPU build without a GPU is an error. */
  load(config: LoadBackendConfig, isDemanded: boolean): Promise<DeviceReport>;
  /** Why it is worth having, said when it is used. */
  readonly merit: string;
}

let nativeSource: string | undefined;

/** All candidates, the fastest first. */
export function candidates(): Candidate[] {
  return [nativeCandidate(), ...stockCandidates(), webgpuCandidate(), wasmCandidate(), cpuCandidate()];
}

function nativeCandidate(): Candidate {
  const variant = chooseVariant();
  const paths = nativePaths(variant);
  return {
    name: 'tensorflow',
    source: nativeSource ?? `TensorFlow ${TENSORFLOW_VERSION} (${variant})`,
    isInstalled: isInstalled(paths),
    get merit() {
      if (isInstalled(paths)) return 'the fastest here; training steps run recorded as one graph';
      return 'the fastest here; it is downloaded and built at the first use';
    },
    obstacle() {
      if (isInstalled(paths)) return undefined;
      const missing = missingForInstall(paths);
      return missing.length > 0 ? missing.join('; ') : undefined;
    },
    async load({ install = true, onProgress }, isDemanded) {
      if (!install && !isInstalled(paths)) {
        throw new MissingDependencyError('it is not in the cache, and downloading was switched off');
      }
      const start = onProgress ? { onProgress } : {};
      if (install) await installNative({ variant, ...start });
      return registerTfjsNode(
        paths.tfjsNode,
        addonFile(paths),
        variant === 'cuda' ? '@tensorflow/tfjs-node-gpu' : '@tensorflow/tfjs-node',
        (binding) => {
          nativeSource = `TensorFlow ${binding.TF_Version} (${variant})`;
          const isGpuDemanded = isDemanded || demandedVariant() === 'cuda';
          return checkGpu(nativeSource, variant === 'cuda', binding.isUsingGpuDevice(), isGpuDemanded);
        },
        (binding) => loadOperations(paths, binding),
      );
    },
  };
}

/** tfjs-node and tfjs-node-gpu as their own install script leaves them, with TensorFlow 2.9.1. */
function stockCandidates(): Candidate[] {
  return ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'].map((packageName) => {
    const manifest = resolveOptional(`${packageName}/package.json`);
    const folder = manifest && dirname(manifest);
    const addon = folder && findStockAddon(folder);
    const isGpuBuild = packageName.endsWith('-gpu');
    const isCudaDemanded = demandedVariant() === 'cuda';
    return {
      name: 'tensorflow',
      source: packageName,
      isInstalled: true,
      merit: 'the package that you installed; the TensorFlow of our own cache would be newer and faster',
      obstacle() {
        if (!folder) return `it is not installed beside this program; npm install ${packageName} brings it`;
        if (!addon) return 'its addon was not built; npm rebuild with its install script allowed brings it';
        if (isCudaDemanded && !isGpuBuild) return 'MOE_RL_TENSORFLOW is cuda, and it computes on the processor';
        return undefined;
      },
      async load(_config, isDemanded) {
        if (!folder || !addon) throw new MissingDependencyError(`${packageName} is not complete`);
        return registerTfjsNode(folder, addon, packageName, (binding) =>
          checkGpu(packageName, isGpuBuild, binding.isUsingGpuDevice(), isDemanded || isCudaDemanded),
        );
      },
    };
  });
}

function findStockAddon(folder: string): string | undefined {
  const library = join(folder, 'lib');
  const names = existsSync(library) ? readdirSync(library) : [];
  return names.map((name) => join(library, name, 'tfjs_binding.node')).find((file) => existsSync(file));
}

interface WebGpuAdapter {
  readonly info?: { readonly isFallbackAdapter?: boolean };
}

function webgpuCandidate(): Candidate {
  return {
    name: 'webgpu',
    source: 'WebGPU (packages webgpu and @tensorflow/tfjs-backend-webgpu)',
    isInstalled: true,
    merit: 'asked for by name; runs on any GPU with a Vulkan, Metal or Direct3D 12 driver',
    obstacle() {
      const missing = ['webgpu', '@tensorflow/tfjs-backend-webgpu'].filter((name) => !resolveOptional(name));
      return missing.length > 0 ? `npm install ${missing.join(' ')} brings it` : undefined;
    },
    async load() {
      const dawn = (await importOptional('webgpu')) as { create(options: string[]): unknown; globals: object };
      Object.assign(globalThis, dawn.globals);
      if (!(globalThis.navigator as { gpu?: unknown } | undefined)?.gpu) {
        const navigator = globalThis.navigator ?? {};
        Object.defineProperty(navigator, 'gpu', { value: dawn.create([]), configurable: true });
        Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true });
      }
      await importOptional('@tensorflow/tfjs-backend-webgpu');
      const { gpu } = globalThis.navigator as unknown as { gpu: { requestAdapter(): Promise<WebGpuAdapter | null> } };
      const adapter = await gpu.requestAdapter();
      if (!adapter) throw new MissingGpuError('WebGPU finds no GPU: no Vulkan, Metal or Direct3D 12 driver shows one');
      if (!adapter.info?.isFallbackAdapter) return { gpu: true };
      return { gpu: false, note: 'asked for by name; no GPU was found, its driver computes on the processor' };
    },
  };
}

function wasmCandidate(): Candidate {
  return {
    name: 'wasm',
    source: 'WebAssembly (@tensorflow/tfjs-backend-wasm)',
    isInstalled: true,
    merit: 'needs no compiler and no Python, but trains several times slower than TensorFlow',
    obstacle() {
      const missing = ['@tensorflow/tfjs-backend-wasm', '@moe-rl/tfjs-kernels'].filter(
        (name) => !resolveOptional(name),
      );
      return missing.length > 0 ? `npm install ${missing.join(' ')} brings it` : undefined;
    },
    async load({ threads }) {
      // Registers the training kernels, starts their threads and makes wasm the current backend.
      const kernels = (await importOptional('@moe-rl/tfjs-kernels/node')) as {
        useWasmBackend(config: { threadCount?: number }): Promise<unknown>;
      };
      await kernels.useWasmBackend(threads === undefined ? {} : { threadCount: threads });
      return { gpu: false };
    },
  };
}

function cpuCandidate(): Candidate {
  return {
    name: 'cpu',
    source: 'plain JavaScript (@tensorflow/tfjs-backend-cpu)',
    isInstalled: true,
    merit: 'runs everywhere, too slow to train convolutional networks',
    obstacle: () => undefined,
    async load() {
      return { gpu: false };
    },
  };
}
