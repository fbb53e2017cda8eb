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

/** A function left tensors behind that it did not return. */
export class TensorLeakError extends MoeRlError {
  /** How many tensors are left over. */
  readonly tensorCount: number;

  constructor(message: string, tensorCount: number) {
    super('TENSOR_LEAK', message);
    this.tensorCount = tensorCount;
  }
}
