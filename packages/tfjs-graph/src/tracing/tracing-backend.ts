// A TensorFlow.js backend that computes nothing itself: while a step is traced, its kernels write an engine's operations over symbolic values, and tfjs' own
// gradient functions run over them unchanged. Outside of a trace, where layers and optimizers make their variables, kernels run on tfjs' plain JavaScript backend.
import * as tf from '@tensorflow/tfjs-core';
import { TracingError } from '../errors.ts';
import { runOnHost } from './host-kernels.ts';
import { elementTypeOf, type RuleInputs } from './kernels/rule.ts';
import { alternatives, rules } from './kernels/table.ts';
import type { StepBuilder } from './step-builder.ts';
import { placeInStep } from './step-place.ts';
import type { Value } from './value.ts';

/** A step that is being traced. */
export interface Trace {
  readonly entryName: string;
  readonly builder: StepBuilder;
  /** The argument that stands for a variable's value; undefined when the data are no variable's. */
  variableOf(dataId: object): Value | undefined;
}

interface Entry {
  /** Values in JavaScript: a constant of every trace that uses them. */
  readonly host?: tf.backend_util.BackendValues;
  /** A value of the function that `trace` writes. */
  readonly value?: Value;
  readonly trace?: Trace;
  readonly shape: readonly number[];
  readonly dtype: tf.DataType;
  references: number;
}

/** A backend of tfjs whose kernels compute nothing while a step is traced: they tell the step’s builder what is asked for. */
export class TracingBackend extends tf.KernelBackend {
  /** Its name in tfjs. */
  readonly name: string;
  /** The step that is being traced, if any. */
  trace: Trace | undefined;
  readonly #entries: tf.DataStorage<Entry>;

  constructor(name: string) {
    super();
    this.name = name;
    this.#entries = new tf.DataStorage<Entry>(this, tf.engine());
  }

  override numDataIds(): number {
    return this.#entries.numDataIds();
  }

  override floatPrecision(): 32 {
    return 32;
  }

  override epsilon(): number {
    return 1e-7;
  }

  override timerAvailable(): boolean {
    return false;
  }

  override memory(): { unreliable: boolean } {
    return { unreliable: false };
  }

  override write(host: tf.backend_util.BackendValues, shape: number[], dtype: tf.DataType): object {
    return this.#put({ host, shape, dtype, references: 1 });
  }

  override move(
    dataId: object,
    host: tf.backend_util.BackendValues,
    shape: number[],
    dtype: tf.DataType,
    references: number,
  ): void {
    this.#entries.set(dataId, { host, shape, dtype, references });
  }

  override refCount(dataId: object): number {
    return this.#entries.has(dataId) ? this.#entries.get(dataId).references : 0;
  }

  override incRef(dataId: object): void {
    this.#entries.get(dataId).references++;
  }

  decRef(dataId: object): void {
    if (this.#entries.has(dataId)) this.#entries.get(dataId).references--;
  }

  override disposeData(dataId: object, force = false): boolean {
    if (!this.#entries.has(dataId)) return true;
    const entry = this.#entries.get(dataId);
    entry.references--;
    if (!force && entry.references > 0) return false;
    this.#entries.delete(dataId);
    return true;
  }

  /** @throws TracingError for a value that a step is only to compute. */
  override readSync(dataId: object): tf.backend_util.BackendValues {
    const { host, shape, dtype, trace } = this.#entries.get(dataId);
    if (host !== undefined) return host;
    throw new TracingError(
      `entry point "${trace?.entryName}" reads a tensor (${dtype} [${shape}]) back while it runs${placeInStep()}: a step is compiled as a whole, so dataSync, data, array, print and the like have nothing to read. Return it as a result and read that`,
    );
  }

  override async read(dataId: object): Promise<tf.backend_util.BackendValues> {
    return this.readSync(dataId);
  }

  /** What stands for a tensor in the function being traced. */
  valueFor({ dataId, shape, dtype }: tf.TensorInfo): Value {
    const trace = this.#requireTrace();
    const { builder } = trace;
    const argument = trace.variableOf(dataId);
    if (argument !== undefined) return builder.reshape(argument, shape);
    const entry = this.#entries.get(dataId);
    if (entry.value !== undefined) {
      if (entry.trace !== trace) {
        throw new TracingError(
          `entry point "${trace.entryName}" uses a tensor (${dtype} [${shape}]) that "${entry.trace?.entryName}" computed${placeInStep()}: an entry point sees its inputs and the program's variables only. Keep it in a variable`,
        );
      }
      // tfjs' own reshape shares the data between tensors of different shapes.
      return builder.reshape(entry.value, shape);
    }
    return builder.constant(numbersOf(entry.host!, dtype), shape, elementTypeOf(dtype));
  }

  /** A tensor that stands for a value. */
  infoOf(value: Value, dtype: tf.DataType = dtypeOf(value)): tf.TensorInfo {
    const trace = this.#requireTrace();
    const dataId = this.#put({ value, trace, shape: value.shape, dtype, references: 1 });
    return { dataId, shape: [...value.shape], dtype };
  }

  /** Values in JavaScript of a tensor; undefined when it is one that a trace computes. */
  hostValuesOf(dataId: object): tf.backend_util.BackendValues | undefined {
    return this.#entries.get(dataId).host;
  }

  #put(entry: Entry): object {
    const dataId = {};
    this.#entries.set(dataId, entry);
    return dataId;
  }

  #requireTrace(): Trace {
    if (this.trace === undefined) throw new TracingError(`the backend "${this.name}" computes within programs only`);
    return this.trace;
  }
}

function dtypeOf({ type }: Value): tf.DataType {
  if (type === 'i32') return 'int32';
  return type === 'i1' ? 'bool' : 'float32';
}

function numbersOf(values: tf.backend_util.BackendValues, dtype: tf.DataType): Float32Array | Int32Array | Uint8Array {
  if (dtype === 'string' || dtype === 'complex64') {
    throw new TracingError(`tensors of ${dtype} can't be traced${placeInStep()}; use float32, int32 or bool`);
  }
  return values as Float32Array;
}

const registered = new Map<string, TracingBackend>();

/** Registers such a backend and its kernels in tfjs, once for each name; it becomes the current one by `tf.setBackend(name)`. */
export function registerTracingBackend(name: string): TracingBackend {
  const known = registered.get(name);
  if (known !== undefined) return known;
  const backend = new TracingBackend(name);
  tf.registerBackend(name, () => backend, 0);
  for (const kernelName of new Set([...Object.keys(rules), ...knownKernels()])) {
    tf.registerKernel({
      kernelName,
      backendName: name,
      kernelFunc: ({ inputs, attrs }) => runKernel(backend, kernelName, inputs as Inputs, attrs ?? {}),
    });
  }
  registered.set(name, backend);
  return backend;
}

type Inputs = tf.TensorInfo[] | Record<string, tf.TensorInfo | null | undefined>;

function runKernel(
  backend: TracingBackend,
  kernelName: string,
  inputs: Inputs,
  attributes: object,
): tf.TensorInfo | tf.TensorInfo[] {
  const { trace } = backend;
  if (trace === undefined) return runOnHost(backend, kernelName, inputs, attributes);
  const rule = rules[kernelName];
  if (rule === undefined) {
    const advice = alternatives[kernelName] ?? 'compute it from others, or run this program on the backend tensorflow';
    throw new TracingError(
      `entry point "${trace.entryName}" uses the operation ${kernelName}${placeInStep()}, which the backend "${backend.name}" lacks: ${advice}`,
    );
  }
  const list = Array.isArray(inputs) ? inputs.map((tensor) => backend.valueFor(tensor)) : [];
  const named: Record<string, Value> = {};
  if (!Array.isArray(inputs)) {
    for (const [name, tensor] of Object.entries(inputs)) if (tensor) named[name] = backend.valueFor(tensor);
  }
  const call = { inputs: named as RuleInputs, list, attributes: attributes as Readonly<Record<string, unknown>> };
  const results = rule(trace.builder, call);
  return Array.isArray(results)
    ? (results as Value[]).map((value) => backend.infoOf(value))
    : backend.infoOf(results as Value);
}

/** Names of all kernels that tfjs' operations call: it exports each as a constant. */
function knownKernels(): string[] {
  return Object.entries(tf).flatMap(([name, value]) =>
    typeof value === 'string' && /^(_?[A-Z])/.test(name) && (name === value || `_${name}` === value) ? [value] : [],
  );
}
