// Traces one entry point of a program: runs it once over symbolic values, which an engine's builder writes down. Arguments are the variables that the step reads,
// then its inputs; results are the variables that it assigns, then its outputs.
import * as tf from '@tensorflow/tfjs-core';
import { TracingError } from '../errors.ts';
import type { EntryPoint, InputDtype } from '../program-interface.ts';
import type { StepBuilder } from './step-builder.ts';
import { placeInStep } from './step-place.ts';
import type { TracingBackend } from './tracing-backend.ts';
import type { HostType, Value } from './value.ts';

/** A traced entry point: what the function's arguments and results are. */
export interface TracedStep {
  /** Variables that are read, then inputs. */
  readonly arguments: readonly Value[];
  /** Variables that are assigned, then outputs. */
  readonly results: readonly Value[];
  /** Names of the variables that the first arguments are. */
  readonly reads: readonly string[];
  /** Names of the variables that the first results are. */
  readonly writes: readonly string[];
  /** Names of the inputs that the other arguments are. */
  readonly inputs: readonly string[];
  /** Names of the outputs that the other results are. */
  readonly outputs: readonly string[];
}

/** Element types of inputs as they travel. */
export const inputTypes: Readonly<Record<InputDtype, HostType>> = {
  float32: 'f32',
  int32: 'i32',
  bool: 'i1',
  uint8: 'ui8',
};

/** Element type of a variable. */
export function variableType(variable: tf.Variable): HostType {
  if (variable.dtype === 'int32') return 'i32';
  return variable.dtype === 'bool' ? 'i1' : 'f32';
}

/**
 * Traces an entry point; the variables keep their values.
 * @throws TracingError when the step does what a compiled one can't: read a tensor back, use an operation that is lacking, draw random numbers in JavaScript,
 *   make variables or assign others than the program's.
 */
export function traceEntryPoint(
  backend: TracingBackend,
  entryName: string,
  entryPoint: EntryPoint,
  variables: Readonly<Record<string, tf.Variable>>,
  builder: StepBuilder,
): TracedStep {
  const guard = new VariableGuard(backend, entryName, variables);
  const arguments_ = new Map<string, Value>();
  // Arguments are numbered when all are known: the variables that are read stand before the inputs.
  const standIns = new Map<string, Value>();
  const names = Object.keys(variables);
  const random = Math.random;
  try {
    backend.trace = {
      entryName,
      builder,
      variableOf(dataId) {
        const name = guard.nameOf(dataId);
        if (name === undefined) return undefined;
        let value = standIns.get(name);
        if (value === undefined) {
          const variable = variables[name]!;
          value = builder.argument({ shape: variable.shape, type: variableType(variable) });
          standIns.set(name, value);
        }
        return value;
      },
    };
    Math.random = () => {
      throw new TracingError(
        `entry point "${entryName}" draws random numbers in JavaScript${placeInStep()}: they would be the same at every run. Use randomNormal and randomUniform of @moe-rl/tfjs-graph with a seed that is fed`,
      );
    };
    let traced: TracedStep | undefined;
    tf.tidy(() => {
      const inputs: Record<string, tf.Tensor> = {};
      for (const [name, { shape, dtype }] of Object.entries(entryPoint.inputs ?? {})) {
        const value = builder.argument({ shape, type: inputTypes[dtype] });
        arguments_.set(name, value);
        // Bytes travel as bytes and are converted on the device.
        const converted = dtype === 'uint8' ? builder.convert(value, 'f32') : value;
        const info = backend.infoOf(converted, dtype === 'uint8' ? 'float32' : dtype);
        inputs[name] = tf.engine().makeTensorFromTensorInfo(info);
      }
      const outputs = entryPoint.run(inputs);
      checkOutputs(entryName, outputs);
      guard.check();
      const writes = names.filter((name) => guard.isAssigned(name));
      const outputNames = Object.keys(outputs);
      const results = [
        ...writes.map((name) => backend.valueFor(variables[name]!)),
        ...outputNames.map((name) => backend.valueFor(outputs[name]!)),
      ];
      const reads = names.filter((name) => standIns.has(name));
      traced = {
        arguments: [...reads.map((name) => standIns.get(name)!), ...arguments_.values()],
        results,
        reads,
        writes,
        inputs: [...arguments_.keys()],
        outputs: outputNames,
      };
    });
    return traced!;
  } finally {
    Math.random = random;
    backend.trace = undefined;
    guard.restore();
  }
}

/** Keeps the variables' values over a trace, and sees which were assigned. */
class VariableGuard {
  readonly #entryName: string;
  readonly #variables: Readonly<Record<string, tf.Variable>>;
  readonly #names = new Map<object, string>();
  readonly #kept: Readonly<Record<string, tf.Tensor>>;
  readonly #others: ReadonlyMap<tf.Variable, object>;

  constructor(backend: TracingBackend, entryName: string, variables: Readonly<Record<string, tf.Variable>>) {
    this.#entryName = entryName;
    this.#variables = variables;
    const kept: Record<string, tf.Tensor> = {};
    for (const [name, { dataId, shape, dtype }] of Object.entries(variables)) {
      // Brings the data here from whatever backend made the variable.
      backend.incRef(dataId);
      kept[name] = tf.keep(tf.engine().makeTensorFromTensorInfo({ dataId, shape, dtype }));
      this.#names.set(dataId, name);
    }
    this.#kept = kept;
    const own = new Set(Object.values(variables));
    this.#others = new Map(
      Object.values(tf.engine().registeredVariables)
        .filter((variable) => !own.has(variable))
        .map((variable) => [variable, variable.dataId]),
    );
  }

  nameOf(dataId: object): string | undefined {
    return this.#names.get(dataId);
  }

  isAssigned(name: string): boolean {
    return this.#variables[name]!.dataId !== this.#kept[name]!.dataId;
  }

  /** @throws TracingError when the step made variables or assigned others than the program's. */
  check(): void {
    const own = new Set(Object.values(this.#variables));
    for (const variable of Object.values(tf.engine().registeredVariables)) {
      if (own.has(variable)) continue;
      const before = this.#others.get(variable);
      if (before === undefined) {
        variable.dispose();
        throw new TracingError(
          `entry point "${this.#entryName}" creates the variable ${variable.name} while it runs (an optimizer's slots?); create it before and list it in the program's variables`,
        );
      }
      if (before !== variable.dataId) {
        throw new TracingError(
          `entry point "${this.#entryName}" assigns the variable ${variable.name}, which is not in the program's variables`,
        );
      }
    }
  }

  /** Gives the variables their values back. */
  restore(): void {
    for (const [name, tensor] of Object.entries(this.#kept)) {
      if (this.isAssigned(name)) this.#variables[name]!.assign(tensor as never);
      tensor.dispose();
    }
  }
}

function checkOutputs(entryName: string, outputs: unknown): void {
  const valid =
    outputs !== null &&
    typeof outputs === 'object' &&
    Object.values(outputs).every((value) => value instanceof tf.Tensor);
  if (!valid) throw new TracingError(`${entryName} returned something else than an object of tensors`);
}
