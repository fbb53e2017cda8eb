// TensorOps on plain typed arrays: no dependency, no gradients, readable: the reference that the other adapters are compared with.
// `typedArrayOps` computes in 32-bit floats; `createTypedArrayOps({ precision: 'float64' })` gives the precision that finite differences need.
export type { TypedArrayTensor } from './array.ts';
export { createTypedArrayOps, type TypedArrayOps, typedArrayOps } from './ops.ts';
