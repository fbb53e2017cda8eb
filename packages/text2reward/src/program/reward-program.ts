// A reward program beside an environment: reads the environment's state at each step and asks the program.
import { type Environment, InvalidArgumentError, requireInteger, requireKnownOptions } from '@moe-rl/core';
import { checkDescription, type EnvironmentDescription } from '../description/environment-description.ts';
import { createStateReader, type StateReader, valueLayout } from '../description/state-reader.ts';
import { joystick } from '../descriptions/atari-actions.ts';
import { recordLength } from './guest.ts';
import { mapNames, nameMapping } from './map-names.ts';
import { prepareSandbox, type RewardLimits, RewardSandbox } from './sandbox.ts';

export interface RewardProgramOptions {
  /** The program as it was written, with general names. */
  readonly source: string;
  /** What messages call it: a file's name. Default: `the program`. */
  readonly name?: string;
  readonly description: EnvironmentDescription;
  /** What it is the reward of: shows RAM (`ram()`) or state (`peekState()`). */
  readonly environment: Environment;
  readonly limits?: Partial<RewardLimits>;
  /** Whether there is a `Math.random`: a seed then comes with each step. Default false. */
  readonly hasRandomness?: boolean;
}

const PROGRAM_OPTIONS: readonly (keyof RewardProgramOptions)[] = [
  ...(['source', 'name', 'description', 'environment', 'limits', 'hasRandomness'] as const),
];

/** What happened in a step, beside what the environment shows. */
export interface RewardedStep {
  readonly action: number;
  /** The environment's own reward. */
  readonly reward: number;
  readonly terminated: boolean;
  /** Of the program's random numbers, where it may have any. */
  readonly randomSeed?: number;
}

/** A program ready to give rewards. */
export class RewardProgram {
  readonly #sandbox: RewardSandbox;
  readonly #read: StateReader;
  readonly #fields: number;
  readonly #actionCount: number;
  readonly #hasRandomness: boolean;
  #now: Float64Array;
  #before: Float64Array;

  private constructor(
    sandbox: RewardSandbox,
    read: StateReader,
    length: number,
    { actionCount, hasRandomness }: { readonly actionCount: number; readonly hasRandomness: boolean },
  ) {
    this.#sandbox = sandbox;
    this.#read = read;
    this.#actionCount = actionCount;
    this.#hasRandomness = hasRandomness;
    this.#fields = length;
    this.#now = new Float64Array(recordLength(length));
    this.#before = new Float64Array(recordLength(length));
  }

  /**
   * Compiles a program.
   * @throws RewardProgramError when it is no JavaScript or defines no `computeReward`; InvalidArgumentError for unknown options, limits that are none, or when
   *   the environment does not show what the description reads
   */
  static async create(options: RewardProgramOptions): Promise<RewardProgram> {
    requireKnownOptions('a reward program', options, PROGRAM_OPTIONS);
    const { source, name = 'the program', environment, limits, hasRandomness = false } = options;
    if (typeof source !== 'string') throw new InvalidArgumentError(`source is ${typeof source}; expected a text`);
    checkDescription(options.description);
    const description = withActionsOf(environment, options.description);
    await prepareSandbox();
    const layout = valueLayout(description);
    const read = createStateReader(environment, description, layout);
    const mapped = mapNames(source, nameMapping(description));
    const sandbox = new RewardSandbox({
      source: mapped,
      name,
      description,
      layout,
      hasRandomness,
      ...(limits === undefined ? {} : { limits }),
    });
    return new RewardProgram(sandbox, read, layout.length, { actionCount: description.actions.length, hasRandomness });
  }

  /** An episode starts where the environment stands now. */
  begin(): void {
    this.#now.fill(0);
    this.#read(this.#now);
  }

  /**
   * The program's reward of the step that the environment has just taken.
   * @throws RewardProgramError naming what the program did; InvalidArgumentError for an action that there is not, a seed that is missing, or a program that was
   *   disposed
   */
  reward({ action, reward, terminated, randomSeed }: RewardedStep): number {
    requireInteger('action', action, 0, this.#actionCount - 1);
    if (this.#hasRandomness) requireInteger('randomSeed', randomSeed, 0, 2 ** 32 - 1);
    const before = this.#now;
    const now = this.#before;
    now.fill(0);
    this.#read(now);
    now[this.#fields] = reward;
    now[this.#fields + 1] = terminated ? 1 : 0;
    this.#now = now;
    this.#before = before;
    return this.#sandbox.reward({ now, before, action, ...(randomSeed === undefined ? {} : { seed: randomSeed }) });
  }

  /** The values that the next step calls `previous`: all that lives on from step to step. */
  get values(): Float64Array {
    return this.#now.slice();
  }

  set values(values: Float64Array) {
    if (values.length !== this.#now.length) {
      throw new InvalidArgumentError(`values has ${values.length} numbers; expected ${this.#now.length}`);
    }
    this.#now = Float64Array.from(values);
  }

  dispose(): void {
    this.#sandbox.dispose();
  }
}

/**
 * The description with the actions that the environment really has: an Atari game may offer all 18.
 * @throws InvalidArgumentError when it has others than the description says
 */
export function withActionsOf(environment: Environment, description: EnvironmentDescription): EnvironmentDescription {
  const { actionCodes } = environment as { readonly actionCodes?: readonly number[] };
  const docs = Object.fromEntries(description.actions.map(({ name, doc }) => [name, doc]));
  const actions = actionCodes === undefined ? description.actions : joystick(actionCodes, docs);
  if (actions.length !== environment.actionCount) {
    throw new InvalidArgumentError(
      `the description of ${description.id} has ${actions.length} actions; the environment ${environment.id} has ${environment.actionCount}`,
    );
  }
  return { ...description, actions };
}
