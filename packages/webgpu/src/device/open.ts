// Opens a device: a browser's own, or in Node that of the package `webgpu` (Dawn, Chromium's implementation).
import { MissingDependencyError } from '@moe-rl/core';
import { DeviceError } from '../errors.ts';
import type { Gpu, GpuAdapter, GpuDevice } from './gpu.ts';

const isNode = typeof process !== 'undefined' && process.versions?.node !== undefined;
/** What a kernel may bind at most on any device; more where there is more. */
const MOST_BUFFERS = 16;

export interface OpenDeviceOutput {
  readonly device: GpuDevice;
  /** `google swiftshader`: vendor and architecture, as the adapter calls itself. */
  readonly name: string;
}

/**
 * Opens the adapter that WebGPU prefers for speed, with all the memory that it allows.
 * @param load How Node's implementation is loaded.
 * @throws MissingDependencyError where there is no WebGPU, DeviceError where it has no adapter
 */
export async function openDevice(load = loadDawn): Promise<OpenDeviceOutput> {
  const gpu = await findGpu(load);
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (adapter === null) {
    throw new DeviceError(
      isNode
        ? 'WebGPU finds no adapter: expected a GPU with a Vulkan driver (Linux), Metal (macOS) or Direct3D 12 (Windows); see whether vulkaninfo lists one. Use the backend wasm or tensorflow on this machine'
        : 'WebGPU finds no adapter: see chrome://gpu, or use another backend in this browser',
    );
  }
  return { device: await requestDevice(adapter), name: nameOf(adapter) };
}

async function requestDevice(adapter: GpuAdapter): Promise<GpuDevice> {
  const { maxStorageBuffersPerShaderStage, maxStorageBufferBindingSize, maxBufferSize } = adapter.limits;
  try {
    return await adapter.requestDevice({
      requiredLimits: {
        maxStorageBuffersPerShaderStage: Math.min(maxStorageBuffersPerShaderStage, MOST_BUFFERS),
        maxStorageBufferBindingSize,
        maxBufferSize,
      },
    });
  } catch (error) {
    throw new DeviceError(`the adapter ${nameOf(adapter)} gives no device: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function nameOf({ info }: GpuAdapter): string {
  return [info?.vendor, info?.architecture].filter(Boolean).join(' ') || info?.description || 'unnamed adapter';
}

async function findGpu(load: () => Promise<Dawn>): Promise<Gpu> {
  const own = (globalThis as { navigator?: { gpu?: Gpu } }).navigator?.gpu;
  if (own !== undefined) return own;
  if (!isNode) {
    throw new MissingDependencyError(
      'this browser has no WebGPU (navigator.gpu): use a newer one, serve the page by https or from localhost, or use another backend',
    );
  }
  const { create } = await explained(load);
  return keepAlive(create([]));
}

/** What is used of the package `webgpu`. */
interface Dawn {
  create(options: string[]): Gpu;
}

async function loadDawn(): Promise<Dawn> {
  // Not a string that bundlers follow: browsers don't need it.
  const name = 'webgpu';
  return (await import(/* @vite-ignore */ /* webpackIgnore: true */ name)) as Dawn;
}

async function explained(load: () => Promise<Dawn>): Promise<Dawn> {
  try {
    return await load();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new MissingDependencyError(
      code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND'
        ? 'the package webgpu (WebGPU for Node, Dawn) is not installed: npm install webgpu'
        : `the package webgpu can't be loaded: ${message}`,
      { cause: error },
    );
  }
}

/** Dawn ends its devices when this object is collected. */
const alive: Gpu[] = [];

function keepAlive(gpu: Gpu): Gpu {
  alive.push(gpu);
  return gpu;
}
