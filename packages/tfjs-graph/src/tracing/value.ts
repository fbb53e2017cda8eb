// Values of a step that is being traced: symbols with a shape and an element type.

/** Element types that steps compute with, by StableHLO's names. `ui32` and `ui64` occur within an engine's own code only. */
export type ElementType = 'f32' | 'i32' | 'i1' | 'ui8' | 'ui32' | 'ui64';
/** Element types that travel between JavaScript and the device. */
export type HostType = 'f32' | 'i32' | 'i1' | 'ui8';

/** Shape and element type of an argument or a result. */
export interface ValueSpec {
  readonly shape: readonly number[];
  readonly type: HostType;
}

/** A value of the function that is being written. */
export interface Value {
  /** The builder's name for it: `%12`, `%r3#1`. */
  readonly id: string;
  readonly shape: readonly number[];
  readonly type: ElementType;
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}
