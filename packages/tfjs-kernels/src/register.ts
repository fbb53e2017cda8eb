// registerTrainingKernels(): makes TensorFlow.js able to train convolutional networks and mixtures of experts on the wasm backend, and
// completes its gradients on every backend.

import type { KernelFunc, Tensor } from '@tensorflow/tfjs-core';
import {
  cast,
  engine,
  getBackend,
  getGradient,
  getKernel,
  getKernelsForBackend,
  mul,
  registerGradient,
  registerKernel,
  step,
  unregisterKernel,
  zerosLike,
} from '@tensorflow/tfjs-core';
import { ELEMENTWISE_GRADIENTS } from './gradients/elementwise.ts';
import { CORRECTED_GRADIENTS, STRUCTURAL_GRADIENTS } from './gradients/structural.ts';
import { RELU_GRADIENT, WASM_KERNEL_NAMES, wasmKernel } from './wasm/kernels.ts';

/** What a call of {@link registerTrainingKernels} changed; empty lists when there was nothing left to do. */
export interface RegistrationOutput {
  /** Kernels added to the wasm backend. */
  readonly added: readonly string[];
  /** Kernels of the wasm backend replaced by faster ones. */
  readonly replaced: readonly string[];
  /** Gradients registered. */
  readonly gradients: readonly string[];
}

const ours = new WeakSet<object>();

/**
 * Registers the wasm backend's missing and slow training kernels (when `@tensorflow/tfjs-backend-wasm` is loaded) and the gradients that
 * `@tensorflow/tfjs-core` comes without. Call it after importing the backend packages; calling it again does nothing, or takes in a
 * backend loaded since. Works before or after `setBackend`.
 */
export function registerTrainingKernels(): RegistrationOutput {
  const gradients = registerGradients();
  const added: string[] = [];
  const replaced: string[] = [];
  if (isBackendLoaded('wasm')) {
    for (const name of WASM_KERNEL_NAMES) {
      const upstream = getKernel(name, 'wasm') as { kernelFunc: KernelFunc } | undefined;
      if (upstream !== undefined && ours.has(upstream.kernelFunc)) continue;
      const kernelFunc = wasmKernel(name, upstream?.kernelFunc);
      ours.add(kernelFunc);
      if (upstream !== undefined) unregisterKernel(name, 'wasm');
      registerKernel({ ...upstream, kernelName: name, backendName: 'wasm', kernelFunc });
      (upstream === undefined ? added : replaced).push(name);
    }
  }
  return { added, replaced, gradients };
}

/** Whether any package registered kernels for a backend. */
export function isBackendLoaded(backendName: string): boolean {
  return (getKernelsForBackend(backendName)?.length ?? 0) > 0;
}

/** Whether a kernel is one of this package's. */
export function isOwnKernel(kernelName: string, backendName: string): boolean {
  const kernel = getKernel(kernelName, backendName) as { kernelFunc: KernelFunc } | undefined;
  return kernel !== undefined && ours.has(kernel.kernelFunc);
}

function registerGradients(): string[] {
  const registered: string[] = [];
  for (const config of [...ELEMENTWISE_GRADIENTS, ...STRUCTURAL_GRADIENTS]) {
    if (getGradient(config.kernelName) != null) continue;
    registerGradient(config);
    registered.push(config.kernelName);
  }
  for (const config of CORRECTED_GRADIENTS) {
    if (getGradient(config.kernelName) === config) continue;
    registerGradient(config);
    registered.push(config.kernelName);
  }
  const relu = getGradient('Relu');
  if (!ours.has(relu)) {
    const fused = fusedReluGradient(relu);
    ours.add(fused);
    registerGradient(fused);
    registerGradient(reluSecondGradient());
    registered.push('Relu');
  }
  return registered;
}

type GradientConfig = Parameters<typeof registerGradient>[0];

/** relu's gradient in one kernel where the backend has it (upstream: a comparison, a cast and a product), else as it was. */
function fusedReluGradient(previous: GradientConfig): GradientConfig {
  return {
    ...previous,
    kernelName: 'Relu',
    gradFunc: (dy, saved, attrs) => {
      const x = saved[0];
      if (x === undefined || getKernel(RELU_GRADIENT, getBackend()) == null || x.dtype !== 'float32') {
        return previous.gradFunc(dy, saved, attrs);
      }
      return { x: () => engine().runKernel(RELU_GRADIENT, { dy: dy as Tensor, x }) as Tensor };
    },
  };
}

/** So that gradients of gradients work through the fused kernel. */
function reluSecondGradient(): GradientConfig {
  return {
    kernelName: RELU_GRADIENT,
    inputsToSave: ['x'],
    gradFunc: (ddx, [x]) => ({
      dy: () => mul(ddx as Tensor, cast(step(x!), 'float32')),
      x: () => zerosLike(x!),
    }),
  };
}
