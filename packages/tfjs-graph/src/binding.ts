// The part of tfjs-node that recording works on: its backend and its native binding. Every operation of the `tensorflow` backend passes
// through `executeOp` with TensorFlow's own operation and attribute names, which is what makes a step recordable.

import * as tf from '@tensorflow/tfjs-core';

/** One attribute of an operation; `type` is one of the binding's `TF_ATTR_*` numbers. */
export interface OpAttribute {
  readonly name: string;
  readonly type: number;
  readonly value: unknown;
}

/** A tensor that TensorFlow holds. `id` is the handle. */
export interface TensorMetadata {
  readonly id: number;
  readonly shape: number[];
  readonly dtype: number;
}

export type BindingValues = Float32Array | Int32Array | Uint8Array;

export interface Binding {
  createTensor(shape: number[], dtype: number, values: BindingValues | Uint8Array[]): number;
  deleteTensor(id: number): void;
  tensorDataSync(id: number): BindingValues;
  executeOp(
    name: string,
    attributes: readonly OpAttribute[],
    inputIds: number[],
    outputCount: number,
  ): TensorMetadata[];
  loadSavedModel(folder: string, tags: string): number;
  deleteSavedModel(session: number): void;
  runSavedModel(session: number, inputIds: number[], inputNames: string, outputNames: string): TensorMetadata[];
  isUsingGpuDevice?(): boolean;
  readonly TF_Version: string;
  readonly TF_FLOAT: number;
  readonly TF_INT32: number;
  readonly TF_INT64: number;
  readonly TF_BOOL: number;
  readonly TF_UINT8: number;
  readonly TF_ATTR_STRING: number;
  readonly TF_ATTR_INT: number;
  readonly TF_ATTR_FLOAT: number;
  readonly TF_ATTR_BOOL: number;
  readonly TF_ATTR_TYPE: number;
  readonly TF_ATTR_SHAPE: number;
}

export interface TensorFlowBackend extends tf.KernelBackend {
  binding: Binding;
  /** Operations of @moe-rl/tfjs-native's that TensorFlow has here. */
  readonly addedOperations?: ReadonlySet<string>;
  readonly tensorMap: { get(dataId: object): { readonly id: number; readonly values: unknown } };
  getDTypeInteger(dtype: tf.DataType): number;
  getInputTensorIds(tensors: readonly tf.TensorInfo[]): number[];
  createOutputTensor(metadata: TensorMetadata): tf.Tensor;
}

/** The current backend when it is tfjs-node's, else undefined. */
export function tensorFlowBackend(): TensorFlowBackend | undefined {
  if (tf.getBackend() !== 'tensorflow') return undefined;
  const backend = tf.backend() as Partial<TensorFlowBackend>;
  return backend.binding && backend.tensorMap ? (backend as TensorFlowBackend) : undefined;
}

/** The handle of a tensor; makes it when the values were still in JavaScript. */
export function handleOf(backend: TensorFlowBackend, tensor: tf.TensorInfo): number {
  return backend.getInputTensorIds([tensor])[0]!;
}

/** Runs one operation eagerly (or records it, while a recording is on) and returns its first output. */
export function executeOp(
  backend: TensorFlowBackend,
  name: string,
  attributes: Readonly<Record<string, AttributeValue>>,
  inputs: readonly tf.TensorInfo[],
): tf.Tensor {
  const [output] = backend.binding.executeOp(
    name,
    Object.entries(attributes).map(([key, value]) => encodeAttribute(backend.binding, key, value)),
    backend.getInputTensorIds(inputs),
    1,
  );
  return backend.createOutputTensor(output!);
}

/** An attribute's value with its kind. */
export type AttributeValue =
  | { readonly type: number }
  | { readonly integers: readonly number[] }
  | { readonly text: string }
  | { readonly flag: boolean };

function encodeAttribute(binding: Binding, name: string, value: AttributeValue): OpAttribute {
  if ('type' in value) return { name, type: binding.TF_ATTR_TYPE, value: value.type };
  if ('integers' in value) return { name, type: binding.TF_ATTR_INT, value: [...value.integers] };
  if ('text' in value) return { name, type: binding.TF_ATTR_STRING, value: value.text };
  return { name, type: binding.TF_ATTR_BOOL, value: value.flag };
}
