// Values of a StableHLO function: a name, a shape and an element type; how they are written.
import type { ElementType } from '../client/element-types.ts';

/** A value of the function that is being written. */
export interface Value {
  /** `%12`, `%r3#1`. */
  readonly id: string;
  readonly shape: readonly number[];
  readonly type: ElementType;
}

/** `tensor<2x3xf32>`. */
export function tensorType({ shape, type }: Pick<Value, 'shape' | 'type'>): string {
  return `tensor<${[...shape, type].join('x')}>`;
}

/** `[1, 2]`. */
export function list(items: readonly (number | string | boolean)[]): string {
  return `[${items.join(', ')}]`;
}

/** `array<i64: 1, 2>`. */
export function array(items: readonly number[]): string {
  return `array<i64${items.length > 0 ? ': ' : ''}${items.join(', ')}>`;
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}
