// A program: variables and named entry points over them (act, learn, sync target ...). On tfjs-node every entry point runs as one recorded
// TensorFlow graph and the variables live in its session; elsewhere the same entry points run eagerly, with the same results.

import { InvalidArgumentError, requireOneOf, ShapeError, type TensorData, type TypedArray } from '@moe-rl/core';
import * as tf from '@tensorflow/tfjs-core';
import { tensorFlowBackend } from './binding.ts';
import { createEagerProgram } from './eager-program.ts';
import { registerNativeGradients } from './native-gradients.ts';
import { createRecordedProgram } from './recorded-program.ts';

/** Element types of inputs. `uint8` reaches the entry point as a float32 tensor with the values 0 to 255, converted inside the graph. */
export const inputDtypes = ['float32', 'int32', 'bool', 'uint8'] as const;
export type InputDtype = (typeof inputDtypes)[number];

/** Shape and element type of one input; both are fixed, because a graph is recorded for them. */
export interface InputSpec {
  readonly shape: readonly number[];
  readonly dtype: InputDtype;
}

/** One function over the program's variables. */
export interface EntryPoint {
  /** Inputs by name; may be empty. */
  readonly inputs?: Readonly<Record<string, InputSpec>>;
  /**
   * The step: a pure tfjs function of its inputs and the program's variables that may assign those variables and returns named results. It
   * must not read data back, draw random numbers in JavaScript (use `randomNormal` and `randomUniform` of this package) or depend on
   * anything that changes from call to call: a recorded entry point runs once, at creation.
   */
  readonly run: (inputs: Record<string, tf.Tensor>) => Record<string, tf.Tensor>;
}

/** `recorded`: TensorFlow graphs (fails elsewhere than on tfjs-node); `eager`: operation by operation; `auto`: recorded where possible. */
export const programModes = ['auto', 'eager', 'recorded'] as const;
export type ProgramMode = (typeof programModes)[number];

/** Options of {@link createProgram}. */
export interface ProgramConfig<Name extends string = string> {
  /** The state, by name. The program takes them over: use its methods from now on, also to read them. */
  readonly variables: Readonly<Record<string, tf.Variable>>;
  readonly entryPoints: Readonly<Record<Name, EntryPoint>>;
  readonly mode?: ProgramMode;
}

/** Inputs of one run: flat typed arrays, `Uint8Array` for `uint8` and `bool`. They are not kept. */
export type ProgramInputs = Readonly<Record<string, TypedArray>>;

/** Results of one run: flat typed arrays. */
export type ProgramOutputs = Record<string, Float32Array | Int32Array | Uint8Array>;

export interface Program<Name extends string = string> {
  /** True when the entry points run as TensorFlow graphs. */
  readonly isRecorded: boolean;
  /**
   * Runs one entry point.
   * @throws ShapeError when an input is missing, unknown, or has another type or length than declared.
   */
  run(name: Name, inputs?: ProgramInputs): Promise<ProgramOutputs>;
  /** Copies of the variables' values; of all, or of those named. */
  readVariables(names?: readonly string[]): Promise<Record<string, TensorData>>;
  /**
   * Sets variables; those that are not named keep their values.
   * @throws NotFoundError for an unknown name, ShapeError for another length or type.
   */
  writeVariables(values: Readonly<Record<string, TensorData>>): Promise<void>;
  /** Frees the session and the variables. */
  dispose(): void;
}

/**
 * Creates a program. Recording runs every entry point once on zeros; the variables keep their values.
 * @throws RecordingError when a step can't be recorded (mode `auto` and `recorded`), InvalidArgumentError for a bad configuration.
 */
export async function createProgram<Name extends string>(config: ProgramConfig<Name>): Promise<Program<Name>> {
  const mode = requireOneOf('mode', config.mode ?? 'auto', programModes);
  checkConfig(config);
  await tf.ready();
  const backend = tensorFlowBackend();
  if (mode === 'recorded' && !backend) {
    throw new InvalidArgumentError(
      `mode is "recorded", but the backend is ${tf.getBackend()}; only tensorflow (tfjs-node) can record. Use "auto" or load that backend`,
    );
  }
  if (backend) registerNativeGradients();
  return backend && mode !== 'eager' ? createRecordedProgram(config, backend) : createEagerProgram(config);
}

function checkConfig(config: ProgramConfig): void {
  for (const [name, variable] of Object.entries(config.variables)) {
    if (!(variable instanceof tf.Variable)) throw new InvalidArgumentError(`variables.${name} is not a tf.Variable`);
    if (variable.dtype !== 'float32' && variable.dtype !== 'int32' && variable.dtype !== 'bool') {
      throw new InvalidArgumentError(`variables.${name} has dtype ${variable.dtype}; expected float32, int32 or bool`);
    }
  }
  if (new Set(Object.values(config.variables)).size !== Object.keys(config.variables).length) {
    throw new InvalidArgumentError('the same tf.Variable is listed under two names');
  }
  for (const [entryName, entry] of Object.entries(config.entryPoints)) {
    for (const [name, { shape, dtype }] of Object.entries(entry.inputs ?? {})) {
      const place = `entryPoints.${entryName}.inputs.${name}`;
      requireOneOf(`${place}.dtype`, dtype, inputDtypes);
      if (!shape.every((size) => Number.isInteger(size) && size >= 0)) {
        throw new ShapeError(`${place}.shape is [${shape}]; expected integers of at least 0`);
      }
    }
  }
}
