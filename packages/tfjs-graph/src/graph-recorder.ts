// The nodes of a program's graph while it is being written: names, constants (each kept once), and what several entry points share.

import type * as tf from '@tensorflow/tfjs-core';
import type { Binding, TensorFlowBackend } from './binding.ts';
import type { ConstantTensor, GraphNode } from './graph-definition.ts';
import type { InputDtype } from './program-interface.ts';

/** A variable of the program within the graph. */
export interface GraphVariable {
  readonly name: string;
  readonly variable: tf.Variable;
  readonly dtype: number;
  /** The node that holds its resource. */
  readonly resource: string;
}

/** The nodes of a whole program; entry points share its variables and constants. */
export class GraphRecorder {
  readonly nodes: GraphNode[] = [];
  /** The shape of a node's first output, where it is known. */
  readonly shapes = new Map<string, readonly number[]>();
  private readonly constants = new Map<string, string>();
  private readonly counts = new Map<string, number>();

  addNode(scope: string, op: string, inputs: readonly string[], attributes: GraphNode['attributes']): string {
    const base = `${scope}/${op}`;
    const count = this.counts.get(base) ?? 0;
    this.counts.set(base, count + 1);
    const name = `${base}_${count}`;
    this.nodes.push({ name, op, inputs, attributes });
    return name;
  }

  /** Puts other nodes of the same names in the places of those. */
  replaceNodes(replacements: ReadonlyMap<string, GraphNode>): void {
    for (const [index, { name }] of this.nodes.entries())
      this.nodes[index] = replacements.get(name) ?? this.nodes[index]!;
  }

  /** A constant; small ones and fills that are equal bit by bit (so that NaN, -0 and infinities keep apart) are one node. */
  addConstant(value: ConstantTensor): string {
    const { dtype, shape, data, fill } = value;
    const bytes = fill === undefined ? data : fillBytes(fill);
    const key = bytes.length <= 256 ? `${dtype} [${shape}] ${fill?.field ?? 'elements'} ${bytes.join()}` : undefined;
    const known = key === undefined ? undefined : this.constants.get(key);
    if (known !== undefined) return known;
    const name = this.addNode('constant', 'Const', [], {
      dtype: { kind: 'type', value: dtype },
      value: { kind: 'tensor', value },
    });
    if (key !== undefined) this.constants.set(key, name);
    return name;
  }
}

function fillBytes({ field, value }: NonNullable<ConstantTensor['fill']>): Uint8Array {
  return new Uint8Array((field === 'float' ? Float32Array : Int32Array).of(value).buffer);
}

/** A scalar that can be fetched to make `controls` run. */
export function addSignal(
  recorder: GraphRecorder,
  scope: string,
  binding: Binding,
  controls: readonly string[],
): string {
  return recorder.addNode(scope, 'Const', controls, {
    dtype: { kind: 'type', value: binding.TF_INT32 },
    value: { kind: 'tensor', value: { dtype: binding.TF_INT32, shape: [], data: new Uint8Array(4) } },
  });
}

/** TensorFlow's number of an input's element type. */
export function inputType(backend: TensorFlowBackend, dtype: InputDtype): number {
  return dtype === 'uint8' ? backend.binding.TF_UINT8 : backend.getDTypeInteger(dtype);
}
