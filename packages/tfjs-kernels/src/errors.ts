// Errors of this package; base class and meaning of `code` in @moe-rl/core.

import { MoeRlError } from '@moe-rl/core';

/** A backend lacks kernels (or TensorFlow.js lacks gradients) that the work needs. */
export class MissingKernelError extends MoeRlError {
  /** TensorFlow.js' names of what is missing, sorted. */
  readonly kernelNames: readonly string[];
  readonly backendName: string;

  constructor(message: string, backendName: string, kernelNames: readonly string[]) {
    super('MISSING_KERNEL', message);
    this.backendName = backendName;
    this.kernelNames = kernelNames;
  }
}

/** A kernel reached outside its memory (a bug, or memory that another part of the program broke); its result is unknown. */
export class KernelTrapError extends MoeRlError {
  readonly kernelName: string;

  constructor(message: string, kernelName: string, options?: ErrorOptions) {
    super('KERNEL_TRAP', message, options);
    this.kernelName = kernelName;
  }
}

/** The wasm backend's memory (at most 4 GiB) is used up. */
export class OutOfMemoryError extends MoeRlError {
  constructor(message: string, options?: ErrorOptions) {
    super('OUT_OF_MEMORY', message, options);
  }
}

/** A function left tensors behind that it did not return. */
export class TensorLeakError extends MoeRlError {
  /** How many tensors are left over. */
  readonly tensorCount: number;

  constructor(message: string, tensorCount: number) {
    super('TENSOR_LEAK', message);
    this.tensorCount = tensorCount;
  }
}
