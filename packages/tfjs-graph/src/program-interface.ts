// What a program is: entry points, their inputs, and how to run them.
import type { TensorData, TypedArray } from '@moe-rl/core';
import type * as tf from '@tensorflow/tfjs-core';

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
  /**
   * For an entry point that assigns no variable: have XLA's CPU compiler at hand for it, too (`Program.compiled`). `auto`: where that is known to be faster than the recorded
   * graph. Default `never`. Ignored where nothing is recorded.
   */
  readonly compiled?: CompiledChoice;
}

/** When entry points are compiled: never, where it is expected to gain, or always. */
export const compiledChoices = ['never', 'auto', 'always'] as const;

/** One of {@link compiledChoices}. */
export type CompiledChoice = (typeof compiledChoices)[number];

/** Entry points that are compiled on demand. Their results differ from the recorded ones' by rounding, so whoever changes over should do it at a point that it can repeat. */
export interface CompiledEntryPoints<Name extends string = string> {
  /** Whether the entry point has a compiled version. */
  has(name: Name): boolean;
  /** Starts the compiler in the background, where it takes some seconds; at most once. */
  start(name: Name, inputs: ProgramInputs): void;
  /**
   * Runs the compiled version; waits for the compiler if it has not ended.
   * @throws NotFoundError when there is none, MissingDependencyError when it can't be compiled here
   */
  run(name: Name, inputs?: ProgramInputs): Promise<ProgramOutputs>;
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
  /** True when the entry points run as TensorFlow graphs, or compiled by an engine. */
  readonly isRecorded: boolean;
  /**
   * Runs one entry point.
   * @throws ShapeError when an input is missing, unknown, or has another type or length than declared.
   */
  run(name: Name, inputs?: ProgramInputs): Promise<ProgramOutputs>;
  /** Entry points that can be compiled beside; absent where nothing is recorded or an engine compiles everything anyway. */
  readonly compiled?: CompiledEntryPoints<Name>;
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

/** How convolutions of a batch are computed: one for each member, or one for all in groups of channels. */
export const batchConvolutions = ['each', 'grouped'] as const;

/** One of {@link batchConvolutions}. */
export type BatchConvolutions = (typeof batchConvolutions)[number];

/** Options of {@link createProgramBatch}. */
export interface ProgramBatchConfig {
  /** Places for members, at least 1. A place that nobody takes is computed too. */
  readonly size: number;
  /** Default: what the engine takes to be faster on its device. */
  readonly convolutions?: BatchConvolutions;
}

/**
 * A batch of programs. What a member computes depends on its place and the size of the batch alone, not on who else is there or takes part in a call, so members
 * may come, fall behind and leave.
 */
export interface ProgramBatch {
  readonly size: number;
  /**
   * Makes the program of one member, which is used as any other: its calls wait until all members that are busy with the batch have called, and are run together
   * with equal ones.
   * @param place from 0 to `size` - 1, each taken once
   * @throws InvalidArgumentError for a place that is none or taken, and for a program that is another function of its variables and inputs than the first member's
   */
  createProgram<Name extends string>(place: number, config: ProgramConfig<Name>): Promise<Program<Name>>;
}
