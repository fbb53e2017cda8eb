// Values of a StableHLO function, and how they are written.
import type { Value as StepValue } from '@moe-rl/tfjs-graph/tracing';

/** A value of the function that is being written; `id` is `%12`, `%r3#1`. */
export interface Value extends StepValue {
  /** Set where each member of a batch of functions has a value of its own: the array has one more axis of this size in front of `shape`. */
  readonly members?: number | undefined;
}

/** What is known of a value before it is written. */
export type ValueSpec = Omit<Value, 'id'>;

/** Shape of the array itself, the members' axis in front. */
export function arrayShape({ shape, members }: ValueSpec): readonly number[] {
  return members === undefined ? shape : [members, ...shape];
}

/** `tensor<2x3xf32>`. */
export function tensorType(value: ValueSpec): string {
  return `tensor<${[...arrayShape(value), value.type].join('x')}>`;
}

/** Members of values that go into one operation; undefined: none has values of its own. */
export function membersOf(...values: readonly ValueSpec[]): number | undefined {
  return values.find(({ members }) => members !== undefined)?.members;
}

/** Axes of the array that are axes of the value. */
export function arrayAxes(axes: readonly number[], members: number | undefined): readonly number[] {
  return members === undefined ? axes : axes.map((axis) => axis + 1);
}

/** Numbers by axis (sizes, strides) of the array: `own` for the members' axis. */
export function byArrayAxis<T>(numbers: readonly T[], own: T, members: number | undefined): readonly T[] {
  return members === undefined ? numbers : [own, ...numbers];
}

/** `[1, 2]`. */
export function list(items: readonly (number | string | boolean)[]): string {
  return `[${items.join(', ')}]`;
}

/** `array<i64: 1, 2>`. */
export function array(items: readonly number[]): string {
  return `array<i64${items.length > 0 ? ': ' : ''}${items.join(', ')}>`;
}
