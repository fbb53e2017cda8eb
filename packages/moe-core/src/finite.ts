// The check for NaN and infinite values. Free on host arrays, where layers always do it; elsewhere it reads data back, so a caller must ask for it.
import { NonFiniteError } from '@moe-rl/core';
import type { TensorOps } from '@moe-rl/tensor-ops';

/**
 * Checks every value when the adapter's values are on the host or `isRequested`.
 * @throws NonFiniteError naming `name`, the first bad value and its row-major index.
 */
export function checkFinite<Tensor>(ops: TensorOps<Tensor>, name: string, tensor: Tensor, isRequested = false): void {
  if (!ops.isOnHost && !isRequested) return;
  const values = ops.read(tensor);
  const index = values.findIndex((value) => !Number.isFinite(value));
  if (index >= 0) throw new NonFiniteError(`${name} hold ${values[index]} at ${index}; expected finite numbers`);
}
