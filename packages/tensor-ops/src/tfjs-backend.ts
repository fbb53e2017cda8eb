// TensorFlow's own operations by name, where tfjs runs on TensorFlow (tfjs-node, @moe-rl/tfjs-native): run eagerly, or written down while a step is recorded.
import type * as tfjs from '@tensorflow/tfjs-core';
import type { TfjsCore } from './tfjs-namespace.ts';

type Tensor = tfjs.Tensor;

/** What is used of tfjs-node's backend. */
export interface NativeBackend {
  readonly binding: {
    executeOp(name: string, attributes: object[], inputIds: number[], outputCount: number): object[];
    readonly TF_FLOAT: number;
    readonly TF_INT32: number;
    readonly TF_ATTR_TYPE: number;
    readonly TF_ATTR_INT: number;
    readonly TF_ATTR_BOOL: number;
  };
  /** Operations that @moe-rl/tfjs-native added to TensorFlow's. */
  readonly addedOperations?: ReadonlySet<string>;
  getInputTensorIds(tensors: readonly Tensor[]): number[];
  createOutputTensor(metadata: object): Tensor;
}

/** The current backend where it is TensorFlow's. */
export function nativeBackend(tf: TfjsCore): NativeBackend | undefined {
  if (tf.getBackend() !== 'tensorflow') return undefined;
  const backend = tf.backend() as unknown as Partial<NativeBackend>;
  return backend.binding && backend.getInputTensorIds ? (backend as NativeBackend) : undefined;
}

/** Runs one operation of TensorFlow (or records it). */
export function execute(
  backend: NativeBackend,
  name: string,
  attributes: Readonly<Record<string, 'float' | 'int' | number | boolean>>,
  inputs: readonly Tensor[],
  outputCount = 1,
): Tensor[] {
  const { binding } = backend;
  const encoded = Object.entries(attributes).map(([key, value]) => {
    if (typeof value === 'number') return { name: key, type: binding.TF_ATTR_INT, value };
    if (typeof value === 'boolean') return { name: key, type: binding.TF_ATTR_BOOL, value };
    return { name: key, type: binding.TF_ATTR_TYPE, value: value === 'float' ? binding.TF_FLOAT : binding.TF_INT32 };
  });
  return binding
    .executeOp(name, encoded, backend.getInputTensorIds(inputs), outputCount)
    .map((metadata) => backend.createOutputTensor(metadata));
}
