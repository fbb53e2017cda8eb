// What a reward program may know of an environment: objects and fields with general names, their types and meaning, and where each value is found.
import { InvalidArgumentError } from '@moe-rl/core';
import { formFault } from './description-form.ts';

/** Where the value of a field lies. */
export type FieldSource =
  /** A byte of the console's RAM, 0x80 to 0xFF, and how it is read; `bcd` takes several bytes, most significant first. */
  | { readonly ram: readonly number[]; readonly form: RamForm }
  /** A property of the state of a small environment, or one of each element of a list: `cars[].x`. */
  | { readonly state: string };

/**
 * How bytes of RAM are read: `byte` 0 to 255; `signed` -128 to 127; `bcd` two decimal digits each; `low` and `high` the lower and upper four bits; `list` one
 * number for each byte; `bits` one number, 0 or 1, for each bit, the highest of the first byte first; `nonzero` true or false.
 */
export type RamForm = 'byte' | 'signed' | 'bcd' | 'low' | 'high' | 'list' | 'bits' | 'nonzero';

export type FieldType = 'number' | 'boolean' | 'number[]';

/** One value, as a program sees it. */
export interface FieldDescription {
  readonly type: FieldType;
  /** Meaning, unit and range. */
  readonly doc: string;
  /** The simulator's name: `fruitX`. */
  readonly simulatorName: string;
  readonly source: FieldSource;
  /** Most elements of a list. */
  readonly maximumLength?: number;
}

export interface ObjectDescription {
  readonly doc: string;
  readonly fields: Readonly<Record<string, FieldDescription>>;
}

export interface EnvironmentDescription {
  /** As `Environment.id`: `atari/windfall`. */
  readonly id: string;
  readonly title: string;
  /** The rules in words: what moves how, what ends an episode. */
  readonly rules: string;
  /** Names and meanings of the actions, in the environment's order; for Atari games by their code. */
  readonly actions: readonly ActionDescription[];
  readonly objects: Readonly<Record<string, ObjectDescription>>;
  /** Fields of the environment itself. */
  readonly fields: Readonly<Record<string, FieldDescription>>;
  /** Whatever else helps to write rewards. */
  readonly knowledge?: readonly string[];
}

export interface ActionDescription {
  readonly name: string;
  readonly doc: string;
}

/** A field with both of its names. */
export interface NamedField extends FieldDescription {
  /** `fruit.x`, or `lives` for a field of the environment itself. */
  readonly generalName: string;
}

/** Fields that every environment has: they come from the step and not from the description. */
export const STEP_FIELDS: Readonly<
  Record<'gameReward' | 'terminated', { readonly type: FieldType; readonly doc: string }>
> = {
  gameReward: { type: 'number', doc: "the environment's own reward of this step" },
  terminated: { type: 'boolean', doc: 'true when this step ended the episode for good' },
};

/** All fields of a description, those of the environment itself last. */
export function namedFields({ objects, fields }: EnvironmentDescription): readonly NamedField[] {
  return [
    ...Object.entries(objects).flatMap(([object, description]) =>
      Object.entries(description.fields).map(([name, field]) => ({ ...field, generalName: `${object}.${name}` })),
    ),
    ...Object.entries(fields).map(([name, field]) => ({ ...field, generalName: name })),
  ];
}

const NAME = /^[a-z][A-Za-z0-9]*$/;
const TAKEN: ReadonlySet<string> = new Set(Object.keys(STEP_FIELDS));

/**
 * Checks a description of somebody's own, whatever was read from a file.
 * @param place what messages call it. Default: `the description of <its id>`
 * @throws InvalidArgumentError naming what is missing or of another form, or the object or field whose name is no word, taken, or used twice, or whose source
 *   can't be read as what it is
 */
export function checkDescription(description: EnvironmentDescription, place?: string): void {
  const fault = formFault(description);
  const { id, objects, fields } = description ?? {};
  const refuse = (what: string): never => {
    throw new InvalidArgumentError(`${place ?? `the description of ${String(id)}`}: ${what}`);
  };
  if (fault !== undefined) refuse(fault);
  const simulatorNames = new Set<string>();
  const tops = new Set<string>();
  for (const name of [...Object.keys(objects), ...Object.keys(fields)]) {
    if (!NAME.test(name)) refuse(`"${name}" is no name; expected a word like fruit or fruitX`);
    if (TAKEN.has(name) || tops.has(name)) refuse(`the name ${name} is taken`);
    tops.add(name);
  }
  for (const { generalName, simulatorName, type, source, maximumLength } of namedFields(description)) {
    if (!NAME.test(generalName.split('.').at(-1)!)) refuse(`${generalName} is no name`);
    if (!NAME.test(simulatorName)) refuse(`${generalName}: the simulator's name "${simulatorName}" is no word`);
    if (simulatorNames.has(simulatorName))
      refuse(`${generalName}: the simulator's name ${simulatorName} is used twice`);
    if (TAKEN.has(simulatorName) || Object.hasOwn(objects, simulatorName)) {
      refuse(`${generalName}: the simulator's name ${simulatorName} is taken`);
    }
    if (Object.hasOwn(fields, simulatorName) && generalName !== simulatorName) {
      refuse(`${generalName}: the simulator's name ${simulatorName} is a field's general name too`);
    }
    simulatorNames.add(simulatorName);
    if (type === 'number[]' && !(Number.isInteger(maximumLength) && maximumLength! > 0)) {
      refuse(`${generalName}: maximumLength is ${String(maximumLength)}; a list needs an integer of at least 1`);
    }
    const fault = 'ram' in source ? ramFault(type, source, maximumLength) : undefined;
    if (fault !== undefined) refuse(`${generalName}: ${fault}`);
  }
  const [inRam, inState] = [true, false].map((isRam) =>
    namedFields(description).find(({ source }) => 'ram' in source === isRam),
  );
  if (inRam !== undefined && inState !== undefined) {
    refuse(
      `${inRam.generalName} lies in the RAM and ${inState.generalName} in the state; expected all fields in one of them`,
    );
  }
}

/** Numbers that a form reads from each of its addresses; `one`: it reads one number, from one address or (bcd) from all. */
const FORMS: Readonly<Record<RamForm, 1 | 8 | 'one'>> = {
  byte: 'one',
  signed: 'one',
  bcd: 'one',
  low: 'one',
  high: 'one',
  nonzero: 'one',
  list: 1,
  bits: 8,
};

/** What is wrong with a field's place in the RAM: its addresses, its form, or the form beside its type. */
function ramFault(
  type: FieldType,
  { ram, form }: { readonly ram: readonly number[]; readonly form: RamForm },
  maximumLength = 0,
): string | undefined {
  const wrong = ram.find((address) => !(Number.isInteger(address) && address >= 0x80 && address <= 0xff));
  if (wrong !== undefined || ram.length === 0) {
    return `${wrong ?? 'no address'} is no address of the RAM; expected 0x80 to 0xFF`;
  }
  if (!Object.hasOwn(FORMS, form)) return `form is "${form}"; expected one of ${Object.keys(FORMS).join(', ')}`;
  const perAddress = FORMS[form];
  const isList = type === 'number[]';
  if (isList !== (perAddress !== 'one')) {
    const expected = Object.entries(FORMS).flatMap(([name, each]) => (isList === (each !== 'one') ? [name] : []));
    return `form is "${form}" and type is "${type}"; expected one of ${expected.join(', ')}`;
  }
  if (perAddress === 'one') {
    return form !== 'bcd' && ram.length > 1
      ? `form "${form}" reads one byte and there are ${ram.length} addresses; expected one`
      : undefined;
  }
  const length = ram.length * perAddress;
  return length > maximumLength
    ? `form "${form}" reads ${length} numbers and maximumLength is ${maximumLength}; expected at least ${length}`
    : undefined;
}
