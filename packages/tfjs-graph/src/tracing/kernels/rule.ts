// What a rule of the table is: one tfjs kernel as StableHLO operations.

import type { StepBuilder } from '../step-builder.ts';
import type { ElementType, Value } from '../value.ts';

/** Inputs by tfjs' names; of kernels that take a list, `list` holds it. */
export interface RuleInputs {
  readonly [name: string]: Value;
}

/** Attributes as tfjs passes them. */
export type Attributes = Readonly<Record<string, unknown>>;

/** A call of a kernel: symbolic inputs, and its attributes as tfjs names them. */
export interface RuleCall {
  readonly inputs: RuleInputs;
  /** The inputs of kernels that take a list (Concat, Pack, AddN). */
  readonly list: readonly Value[];
  readonly attributes: Attributes;
}

/** What a kernel computes, told to the builder. */
export type Rule = (b: StepBuilder, call: RuleCall) => Value | readonly Value[];

/** Rules by the names of tfjs’ kernels. */
export type RuleTable = Readonly<Record<string, Rule>>;

/** Element type of a tfjs type. */
export function elementTypeOf(dtype: unknown): ElementType {
  if (dtype === 'int32') return 'i32';
  return dtype === 'bool' ? 'i1' : 'f32';
}

/** Axes from 0 of tfjs' axis attribute: a number, a list (an empty one is none), or nothing for all. */
export function axesOf({ shape }: Value, axis: unknown): number[] {
  if (axis === undefined || axis === null) return shape.map((_, index) => index);
  return ([axis].flat() as number[]).map((index) => (index < 0 ? index + shape.length : index));
}

export function axisOf(value: Value, axis: unknown): number {
  return axesOf(value, axis)[0]!;
}
