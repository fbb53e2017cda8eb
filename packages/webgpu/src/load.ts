// Opens a device and makes tfjs compute with it: sets the tracing backend, and lets `createProgram` of @moe-rl/tfjs-graph make its programs here.
import { registerProgramEngine } from '@moe-rl/tfjs-graph/engine';
import { registerTracingBackend } from '@moe-rl/tfjs-graph/tracing';
import * as tf from '@tensorflow/tfjs-core';
import type { GpuDevice } from './device/gpu.ts';
import { openDevice } from './device/open.ts';
import type { PipelineCache } from './program/executable.ts';
import { createWebGpuProgram } from './program/webgpu-program.ts';

/** Name of the backend in tfjs; tfjs' own, which runs operation by operation, is called `webgpu`. */
export const BACKEND_NAME = 'wgsl';

/** What {@link loadWebGpu} found. */
export interface LoadWebGpuOutput {
  readonly tf: typeof tf;
  /** `wgsl`: tfjs' current backend now. */
  readonly name: string;
  readonly device: GpuDevice;
  /** Vendor and architecture, as the adapter calls itself. */
  readonly deviceName: string;
}

let loaded: Promise<LoadWebGpuOutput> | undefined;

/**
 * Opens WebGPU's adapter and makes `wgsl` tfjs' current backend. A process keeps its device: asking again returns the same.
 * @throws MissingDependencyError where there is no WebGPU (in Node: the package `webgpu`), DeviceError where it has no adapter
 */
export async function loadWebGpu(): Promise<LoadWebGpuOutput> {
  loaded ??= load();
  loaded.catch(() => {
    loaded = undefined;
  });
  const output = await loaded;
  await tf.setBackend(BACKEND_NAME);
  return output;
}

async function load(): Promise<LoadWebGpuOutput> {
  const { device, name: deviceName } = await openDevice();
  // tfjs-core alone has no gradients; the union package registers them, and the backend that runs what is outside of programs.
  if (!tf.getGradient('Relu') || tf.findBackend('cpu') === null) await import('@tensorflow/tfjs');
  const lost: { reason?: string } = {};
  device.lost.then(({ reason, message }) => {
    lost.reason = [reason, message].filter(Boolean).join(': ') || 'no reason given';
    loaded = undefined;
  });
  const pipelines: PipelineCache = new Map();
  const backend = registerTracingBackend(BACKEND_NAME);
  registerProgramEngine(BACKEND_NAME, (config) => createWebGpuProgram({ backend, device, pipelines, lost }, config));
  await tf.setBackend(BACKEND_NAME);
  await tf.ready();
  return { tf, name: BACKEND_NAME, device, deviceName };
}
