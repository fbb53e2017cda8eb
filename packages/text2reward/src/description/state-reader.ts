// Reads the fields of a description out of an environment, as numbers in a row: RAM of a console, state of a small environment.
import { type Environment, InvalidArgumentError } from '@moe-rl/core';
import { type EnvironmentDescription, type NamedField, namedFields, type RamForm } from './environment-description.ts';

/** Where a field's numbers lie among all values. */
export interface FieldSlot {
  readonly field: NamedField;
  /** First number. */
  readonly offset: number;
  /** Lists: how many of the numbers are there; the number before `offset` says it. */
  readonly maximumLength: number | undefined;
}

/** The order of the values: for each field one number, or for a list its length and then room for its elements. */
export interface ValueLayout {
  readonly slots: readonly FieldSlot[];
  readonly length: number;
}

export function valueLayout(description: EnvironmentDescription): ValueLayout {
  let length = 0;
  const slots = namedFields(description).map((field): FieldSlot => {
    const isList = field.type === 'number[]';
    const offset = length + (isList ? 1 : 0);
    length = offset + (isList ? field.maximumLength! : 1);
    return { field, offset, maximumLength: isList ? field.maximumLength : undefined };
  });
  return { slots, length };
}

/** Writes all values of the environment as it is now. */
export type StateReader = (values: Float64Array) => void;

/** An environment that shows its RAM. */
interface RamEnvironment {
  ram(): Uint8Array;
}

/** An environment that shows its state. */
interface StateEnvironment {
  peekState(): Readonly<Record<string, unknown>>;
}

/**
 * Makes a reader.
 * @throws InvalidArgumentError when the environment shows neither RAM nor state, or not what the description names
 */
export function createStateReader(
  environment: Environment,
  description: EnvironmentDescription,
  layout: ValueLayout,
): StateReader {
  const needsRam = layout.slots.some(({ field }) => 'ram' in field.source);
  if (needsRam) {
    if (!hasMethod<RamEnvironment>(environment, 'ram')) throw blind(environment, description, 'RAM, by ram()');
    const writers = layout.slots.map(ramWriter);
    return (values) => {
      const ram = environment.ram();
      for (const write of writers) write(ram, values);
    };
  }
  if (!hasMethod<StateEnvironment>(environment, 'peekState')) {
    throw blind(environment, description, 'state, by peekState()');
  }
  const writers = layout.slots.map((slot) => stateWriter(slot, description));
  return (values) => {
    const state = environment.peekState();
    for (const write of writers) write(state, values);
  };
}

function hasMethod<T>(environment: object, name: keyof T & string): environment is Environment & T {
  return typeof (environment as Record<string, unknown>)[name] === 'function';
}

function blind({ id }: Environment, description: EnvironmentDescription, what: string): InvalidArgumentError {
  return new InvalidArgumentError(
    `the environment ${id} does not show its ${what}, which the description of ${description.id} reads`,
  );
}

const RAM_BASE = 0x80;

/** Numbers from bytes. */
const RAM_FORMS: Readonly<Record<Exclude<RamForm, 'list' | 'bits'>, (bytes: readonly number[]) => number>> = {
  byte: ([byte]) => byte!,
  signed: ([byte]) => (byte! << 24) >> 24,
  bcd: (bytes) => bytes.reduce((sum, byte) => sum * 100 + (byte >> 4) * 10 + (byte & 15), 0),
  low: ([byte]) => byte! & 15,
  high: ([byte]) => byte! >> 4,
  nonzero: ([byte]) => (byte === 0 ? 0 : 1),
};

function ramWriter({ field, offset }: FieldSlot): (ram: Uint8Array, values: Float64Array) => void {
  const { ram: addresses, form } = field.source as { ram: readonly number[]; form: RamForm };
  const places = addresses.map((address) => address - RAM_BASE);
  if (form === 'list') {
    return (ram, values) => {
      values[offset - 1] = places.length;
      places.forEach((place, index) => {
        values[offset + index] = ram[place]!;
      });
    };
  }
  if (form === 'bits') {
    return (ram, values) => {
      values[offset - 1] = places.length * 8;
      places.forEach((place, index) => {
        for (let bit = 0; bit < 8; bit++) values[offset + index * 8 + bit] = (ram[place]! >> (7 - bit)) & 1;
      });
    };
  }
  const read = RAM_FORMS[form];
  return (ram, values) => {
    values[offset] = read(places.map((place) => ram[place]!));
  };
}

function stateWriter(
  { field, offset, maximumLength }: FieldSlot,
  { id }: EnvironmentDescription,
): (state: Readonly<Record<string, unknown>>, values: Float64Array) => void {
  const { state: path } = field.source as { state: string };
  const [key = '', property] = path.split('[].');
  const absent = (value: unknown): InvalidArgumentError =>
    new InvalidArgumentError(
      `the state of ${id} has ${JSON.stringify(value) ?? 'nothing'} at ${path}; its description says ${field.type}`,
    );
  if (maximumLength === undefined) {
    return (state, values) => {
      const value = state[key];
      if (typeof value !== 'number' && typeof value !== 'boolean') throw absent(value);
      values[offset] = Number(value);
    };
  }
  return (state, values) => {
    const elements = state[key];
    if (!Array.isArray(elements)) throw absent(elements);
    let count = 0;
    for (const element of elements) {
      // An empty place of a list (a lane without anything in it) is -1.
      const own = property === undefined ? element : (element as Readonly<Record<string, unknown>> | null)?.[property];
      const value = element === null ? -1 : own;
      if (typeof value !== 'number' && typeof value !== 'boolean') throw absent(value);
      if (count === maximumLength) break;
      values[offset + count++] = Number(value);
    }
    values[offset - 1] = count;
  };
}
