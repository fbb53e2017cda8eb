// A GPU build is only worth its name when TensorFlow sees a GPU through it: said at once, not found out from a slow training run.

import { MoeRlError } from '@moe-rl/core';

/** A build for GPUs was asked for and shows none. */
export class MissingGpuError extends MoeRlError {
  constructor(message: string, options?: ErrorOptions) {
    super('MISSING_GPU', message, options);
  }
}

/** What a backend computes on. */
export interface DeviceReport {
  readonly gpu: boolean;
  /** What the user should know about it, in place of the backend's merit. */
  readonly note?: string;
}

/**
 * Judges what a loaded TensorFlow shows.
 * @param isDemanded a GPU build was asked for; else one that finds no GPU may still compute on the processor, and `note` says so.
 * @throws MissingGpuError when a demanded GPU is not there.
 */
export function checkGpu(source: string, isGpuBuild: boolean, seesGpu: boolean, isDemanded: boolean): DeviceReport {
  if (!isGpuBuild || seesGpu) return { gpu: seesGpu };
  const hidden = process.env.CUDA_VISIBLE_DEVICES;
  const advice =
    hidden === undefined
      ? 'see whether nvidia-smi lists one with a driver of version 525 or newer'
      : `CUDA_VISIBLE_DEVICES is "${hidden}", which may hide it; else see whether nvidia-smi lists one with a driver of version 525 or newer`;
  const finding = `${source} was loaded, but finds no GPU that it can use: ${advice}`;
  if (isDemanded) throw new MissingGpuError(`${finding}, or set MOE_RL_TENSORFLOW=cpu`);
  return { gpu: false, note: `${finding}. It computes on the processor` };
}
