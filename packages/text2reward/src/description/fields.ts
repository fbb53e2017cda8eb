// Short ways to write the fields of a description.
import type { FieldDescription, RamForm } from './environment-description.ts';

/** A field of the console's RAM by its address; several addresses with `bcd`, `list` and `bits`. */
export function ram(
  address: number | readonly number[],
  simulatorName: string,
  doc: string,
  form: RamForm = 'byte',
): FieldDescription {
  const addresses = typeof address === 'number' ? [address] : address;
  const isList = form === 'list' || form === 'bits';
  return {
    type: form === 'nonzero' ? 'boolean' : isList ? 'number[]' : 'number',
    doc,
    simulatorName,
    source: { ram: addresses, form },
    ...(isList ? { maximumLength: addresses.length * (form === 'bits' ? 8 : 1) } : {}),
  };
}

/** Addresses from `first` on. */
export function addresses(first: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}

/** A number of a small environment's state. */
export function state(path: string, doc: string, simulatorName: string = path): FieldDescription {
  return { type: 'number', doc, simulatorName, source: { state: path } };
}

/** True or false in a small environment's state. */
export function flag(path: string, doc: string, simulatorName: string = path): FieldDescription {
  return { type: 'boolean', doc, simulatorName, source: { state: path } };
}

/** A list of a small environment's state, or one property of each of its elements: `cars[].x`. */
export function list(path: string, simulatorName: string, maximumLength: number, doc: string): FieldDescription {
  return { type: 'number[]', doc, simulatorName, source: { state: path }, maximumLength };
}
