// The check for NaN and infinite values. Free on host arrays, where layers always do it; elsewhere it reads data back, so a caller must ask for it.
import { NonFiniteError } from '@moe-rl/core';
import type { TensorOps } from '@moe-rl/tensor-ops';

/**
 * Checks every value when the adapter's values are on the host or `isRequested`.
 * @throws NonFiniteError naming `name`, the first bad value and its index.
 */
export function checkFinite<Tensor>(ops: TensorOps<Tensor>, name: string, tensor: Tensor, isRequested = false): void {
  if (!ops.isOnHost && !isRequested) return;
  const values = ops.read(tensor);
  for (let index = 0; index < values.length; index++) {
    if (!Number.isFinite(values[index])) {
      const shape = ops.shape(tensor);
      const position = shape.map(
        (size, axis) => Math.floor(index / shape.slice(axis + 1).reduce((a, b) => a * b, 1)) % size,
      );
      throw new NonFiniteError(`${name} holds ${values[index]} at [${position}]; expected finite numbers`);
    }
  }
}
