// @moe-rl/webgpu: training steps of tfjs compiled into WGSL kernels, in Node and browsers.

export { TracingError } from '@moe-rl/tfjs-graph/tracing';
export type { GpuBuffer, GpuDevice, GpuEncoder, GpuError, GpuLimits, GpuPass, GpuPipeline } from './device/gpu.ts';
export { DeviceError } from './errors.ts';
export { BACKEND_NAME, type LoadWebGpuOutput, loadWebGpu } from './load.ts';
export type { WebGpuProgram } from './program/webgpu-program.ts';
