// What a graph calls an operation that tfjs-node runs by a more general name. TensorFlow's optimizer knows the special one: it fuses a bias with the convolution before it, where a sum may be
// torn apart because more is added. (A product of two matrices stays one of batches of them: as MatMul it would be fused with bias and relu, and oneDNN's relu of NaN is 0 there.)

import type { GraphNode } from './graph-definition.ts';

/** An operand: the operation that it comes from, where that is known, and its shape. */
export interface Operand {
  readonly op: string | undefined;
  readonly shape: readonly number[] | undefined;
}

type Operation = Pick<GraphNode, 'op' | 'attributes'>;

const BIASED = new Set(['Conv2D', 'DepthwiseConv2dNative']);

/** The operation as a graph has it: the same function of the same inputs. */
export function graphOperation({ op, attributes }: Operation, [a, b]: readonly Operand[]): Operation {
  if (op !== 'Add' || !BIASED.has(a?.op ?? '') || !isBias(a?.shape, b?.shape)) return { op, attributes };
  return { op: 'BiasAdd', attributes: { ...attributes, data_format: { kind: 'text', value: 'NHWC' } } };
}

/** Whether `bias` has a number for each element of the last axis of `x`. */
export function isBias(x: readonly number[] | undefined, bias: readonly number[] | undefined): boolean {
  return bias?.length === 1 && x !== undefined && x.length > 1 && x.at(-1) === bias[0];
}
