// What a graph calls an operation that tfjs-node runs by a more general name. TensorFlow's optimizer knows the special ones: it fuses a bias with the convolution or product before it
// (a sum it may tear apart instead, where more is added), and a product of two matrices takes another way than one of batches of them.

import type { GraphNode } from './graph-definition.ts';

/** An operand: the operation that it comes from, where that is known, and its shape. */
export interface Operand {
  readonly op: string | undefined;
  readonly shape: readonly number[] | undefined;
}

type Operation = Pick<GraphNode, 'op' | 'attributes'>;

const BIASED = new Set(['Conv2D', 'DepthwiseConv2dNative', 'MatMul']);

/** The operation as a graph has it: the same function of the same inputs. */
export function graphOperation({ op, attributes }: Operation, [a, b]: readonly Operand[]): Operation {
  if (a?.shape === undefined || b?.shape === undefined) return { op, attributes };
  if (op === 'BatchMatMulV2' && a.shape.length === 2 && b.shape.length === 2) {
    const { adj_x, adj_y, ...rest } = attributes;
    return {
      op: 'MatMul',
      attributes: {
        ...rest,
        ...(adj_x === undefined ? {} : { transpose_a: adj_x }),
        ...(adj_y === undefined ? {} : { transpose_b: adj_y }),
      },
    };
  }
  const isBias = b.shape.length === 1 && a.shape.length > 1 && a.shape.at(-1) === b.shape[0];
  if (op === 'Add' && isBias && BIASED.has(a.op ?? '')) {
    return { op: 'BiasAdd', attributes: { ...attributes, data_format: { kind: 'text', value: 'NHWC' } } };
  }
  return { op, attributes };
}
