// Parameters of a layer: a flat record of named tensors, and how a layer describes the ones it needs.
import { ShapeError } from '@moe-rl/core';
import type { Shape, TensorData, TensorOps } from '@moe-rl/tensor-ops';

/** Tensors by name; names are the path of the official implementation's parameter tree, joined with '/'. */
export type Parameters<Tensor> = Readonly<Record<string, Tensor>>;

/** Initial values on the host, ready for any tensor library. */
export type InitialParameters = Record<string, TensorData & { readonly data: Float32Array }>;

/** One parameter that a layer needs. */
export interface ParameterSpec {
  readonly name: string;
  readonly shape: Shape;
  /** False when the layer never sends a gradient to it. */
  readonly isTrainable: boolean;
  /** 'router': gates and slots. 'expert': experts and what belongs to them. 'state': numbers that the mixture itself changes after an update. */
  readonly role: 'router' | 'expert' | 'state';
}

/** Moves initial values (of every layer of a network, if you like) to a tensor library. */
export function toTensors<Tensor>(
  ops: TensorOps<Tensor>,
  initial: Readonly<Record<string, TensorData>>,
): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(initial).map(([name, { data, shape }]) => [name, ops.tensor(data, shape)]));
}

/**
 * The parameter `name`, checked.
 * @throws ShapeError when it is missing or has another shape; the message names it, what it is and what was expected.
 */
export function parameter<Tensor>(
  ops: TensorOps<Tensor>,
  parameters: Parameters<Tensor>,
  name: string,
  shape: Shape,
): Tensor {
  const tensor = parameters[name];
  if (tensor === undefined) throw new ShapeError(`parameter ${name} is missing; expected shape [${shape}]`);
  requireShape(ops, `parameter ${name}`, tensor, shape);
  return tensor;
}

/**
 * Checks a tensor's shape; -1 in `expected` stands for any positive size.
 * @throws ShapeError naming `name`, its shape and the expected one.
 */
export function requireShape<Tensor>(ops: TensorOps<Tensor>, name: string, tensor: Tensor, expected: Shape): void {
  const shape = ops.shape(tensor);
  const fits = expected.every((size, axis) => (size < 0 ? shape[axis]! > 0 : shape[axis] === size));
  if (shape.length !== expected.length || !fits) {
    throw new ShapeError(`${name} has shape [${shape}]; expected [${expected.map((size) => (size < 0 ? '?' : size))}]`);
  }
}
