// Writes one StableHLO function as text. Every method infers its result's shape and type, and equal operations on equal operands are written once. Operations
// with more structure are functions over the builder: contractions.ts, windows.ts, indexing.ts, random.ts.
//
// A batch of functions is written as one: arguments of which each member has its own carry `members`, and every operation that one of them goes into is written
// once for all members, over an axis in front that `shape` does not show. Whoever calls the builder sees one member's shapes and need not know.
import { ShapeError } from '@moe-rl/core';
import type { BatchConvolutions } from '@moe-rl/tfjs-graph';
import {
  type BinaryOperation,
  broadcastShapes,
  type Comparison,
  type ConstantValues,
  type ElementType,
  type HostType,
  type Reduction,
  sameShape,
  type UnaryOperation,
} from '@moe-rl/tfjs-graph/tracing';
import type { BufferSpec } from '../client/element-types.ts';
import type { FunctionSpec } from '../client/executable.ts';
import { constantText } from './constants.ts';
import {
  arrayAxes,
  arrayShape,
  byArrayAxis,
  list,
  membersOf,
  tensorType,
  type Value,
  type ValueSpec,
} from './value.ts';

/** How exactly products of float32 are computed. `default` lets a GPU use TF32 (10 bits of mantissa), `highest` is float32. */
export const precisions = ['default', 'high', 'highest'] as const;
export type Precision = (typeof precisions)[number];

/** How a function is written. */
export interface FunctionBuilderConfig {
  readonly precision?: Precision;
  /** Writes one function for so many, each with arguments and results of its own. Default: a function that stands alone. */
  readonly members?: number | undefined;
  /** How a batch of functions convolves; default `each`. */
  readonly convolutions?: BatchConvolutions;
}

interface Argument {
  readonly spec: BufferSpec;
  readonly value: Value;
}

/** Builds a function: add arguments, write operations, finish. */
export class FunctionBuilder {
  readonly precision: Precision;
  readonly members: number | undefined;
  readonly convolutions: BatchConvolutions;
  readonly #lines: string[] = [];
  readonly #arguments: Argument[] = [];
  readonly #known = new Map<string, Value>();
  #count = 0;

  constructor({ precision = 'default', members, convolutions = 'each' }: FunctionBuilderConfig = {}) {
    this.precision = precision;
    this.members = members;
    this.convolutions = convolutions;
  }

  /** Operations written so far. */
  get operationCount(): number {
    return this.#lines.length;
  }

  /** A number that no value has yet, for names within an operation's own block. */
  nextId(): number {
    return this.#count++;
  }

  /** In a batch, one of that shape for each member. */
  argument(spec: BufferSpec): Value {
    const { members } = this;
    const value: Value = { id: `%arg${this.#arguments.length}`, shape: [...spec.shape], type: spec.type, members };
    this.#arguments.push({ spec: { shape: arrayShape(value), type: spec.type }, value });
    return value;
  }

  /** An operation of one result by its text. `key` stands for the operation in place of its text where the text holds names of its own. */
  emit(text: string, { shape, type, members }: ValueSpec, key = text): Value {
    const name = `${key} -> ${members} ${shape} ${type}`;
    const known = this.#known.get(name);
    if (known) return known;
    const value: Value = { id: `%${this.#count++}`, shape: [...shape], type, members };
    this.#lines.push(`${value.id} = ${text}`);
    this.#known.set(name, value);
    return value;
  }

  /** An operation of several results. */
  emitMany(text: string, results: readonly ValueSpec[]): Value[] {
    const id = `%${this.#count++}`;
    this.#lines.push(`${id}:${results.length} = ${text}`);
    return results.map((result, index) => ({ ...result, id: `${id}#${index}` }));
  }

  /** The value with an array for each of `members`, copied where they share one. */
  lift(a: Value, members: number | undefined): Value {
    return a.members === members ? a : this.#stretch(a, { shape: a.shape, type: a.type, members }, allAxes(a));
  }

  /** The array itself as a value: the members' axis is an axis like others. */
  asArray(a: Value): Value {
    return { id: a.id, shape: arrayShape(a), type: a.type };
  }

  /** The other way: the first axis becomes the members'. */
  asMembers(a: Value): Value {
    return { id: a.id, shape: a.shape.slice(1), type: a.type, members: a.shape[0] };
  }

  constant(values: ConstantValues, shape: readonly number[], type: ElementType): Value {
    return this.emit(`stablehlo.constant ${constantText(values, shape, type)}`, { shape, type });
  }

  scalar(value: number | boolean, type: ElementType = 'f32'): Value {
    return this.constant(value, [], type);
  }

  /** One value everywhere. */
  full(value: number | boolean, shape: readonly number[], type: ElementType): Value {
    return this.constant(value, shape, type);
  }

  unary(operation: UnaryOperation, a: Value): Value {
    return this.emit(`stablehlo.${operation} ${a.id} : ${tensorType(a)}`, a);
  }

  isFinite(a: Value): Value {
    const result = { ...a, type: 'i1' } as const;
    return this.emit(`stablehlo.is_finite ${a.id} : (${tensorType(a)}) -> ${tensorType(result)}`, result);
  }

  /** With broadcasting, as numpy does it. */
  binary(operation: BinaryOperation, a: Value, b: Value): Value {
    const [x, y] = this.#broadcastTogether(a, b);
    return this.emit(`stablehlo.${operation} ${x.id}, ${y.id} : ${tensorType(x)}`, x);
  }

  compare(comparison: Comparison, a: Value, b: Value): Value {
    const [x, y] = this.#broadcastTogether(a, b);
    const result = { ...x, type: 'i1' } as const;
    return this.emit(
      `stablehlo.compare ${comparison}, ${x.id}, ${y.id}, ${comparisonKind(x.type)} : (${tensorType(x)}, ${tensorType(y)}) -> ${tensorType(result)}`,
      result,
    );
  }

  /** `condition ? a : b`, with broadcasting. */
  select(condition: Value, a: Value, b: Value): Value {
    const shape = broadcastShapes(broadcastShapes(a.shape, b.shape), condition.shape);
    const members = membersOf(condition, a, b);
    const [c, x, y] = [condition, a, b].map((value) => this.#broadcast(value, shape, members)) as [Value, Value, Value];
    return this.emit(`stablehlo.select ${c.id}, ${x.id}, ${y.id} : ${tensorType(c)}, ${tensorType(x)}`, x);
  }

  convert(a: Value, type: ElementType): Value {
    if (a.type === type) return a;
    return this.#reshaped('stablehlo.convert', a, { ...a, type });
  }

  /** The same bits as another type of the same width. */
  bitcast(a: Value, type: ElementType): Value {
    return this.#reshaped('stablehlo.bitcast_convert', a, { ...a, type });
  }

  reshape(a: Value, shape: readonly number[]): Value {
    if (sameShape(a.shape, shape)) return a;
    return this.#reshaped('stablehlo.reshape', a, { ...a, shape });
  }

  /** `a`'s axis `i` becomes axis `axes[i]` of the result; axes of size 1 are stretched. */
  broadcastAlong(a: Value, shape: readonly number[], axes: readonly number[]): Value {
    if (sameShape(a.shape, shape)) return a;
    return this.#stretch(a, { ...a, shape }, axes);
  }

  /** numpy's broadcast: the last axes are matched. */
  broadcast(a: Value, shape: readonly number[]): Value {
    return this.#broadcast(a, shape, a.members);
  }

  transpose(a: Value, permutation: readonly number[]): Value {
    if (permutation.every((axis, index) => axis === index)) return a;
    const result = { ...a, shape: permutation.map((axis) => a.shape[axis]!) };
    const axes = byArrayAxis(arrayAxes(permutation, a.members), 0, a.members);
    const text = `stablehlo.transpose ${a.id}, dims = ${list(axes)} : (${tensorType(a)}) -> ${tensorType(result)}`;
    return this.emit(text, result);
  }

  reverse(a: Value, axes: readonly number[]): Value {
    return this.emit(`stablehlo.reverse ${a.id}, dims = ${list(arrayAxes(axes, a.members))} : ${tensorType(a)}`, a);
  }

  /** Elements `begin` to `begin + size` of each axis, every `strides`-th. */
  slice(a: Value, begin: readonly number[], size: readonly number[], strides = begin.map(() => 1)): Value {
    const shape = size.map((length, axis) => Math.ceil(length / strides[axis]!));
    if (sameShape(shape, a.shape)) return a;
    const own = begin.map((start, axis) => `${start}:${start + size[axis]!}:${strides[axis]}`);
    const ranges = byArrayAxis(own, `0:${a.members}:1`, a.members);
    const result = { ...a, shape };
    return this.emit(`stablehlo.slice ${a.id} ${list(ranges)} : (${tensorType(a)}) -> ${tensorType(result)}`, result);
  }

  /** Puts `value` around `a`; negative numbers cut off. */
  pad(a: Value, low: readonly number[], high: readonly number[], value = 0, interior = low.map(() => 0)): Value {
    const shape = a.shape.map(
      (size, axis) => size + low[axis]! + high[axis]! + Math.max(0, size - 1) * interior[axis]!,
    );
    const padding = this.scalar(value, a.type);
    const result = { ...a, shape };
    const [before, behind, between] = [low, high, interior].map((sizes) => list(byArrayAxis(sizes, 0, a.members)));
    return this.emit(
      `stablehlo.pad ${a.id}, ${padding.id}, low = ${before}, high = ${behind}, interior = ${between} : (${tensorType(a)}, ${tensorType(padding)}) -> ${tensorType(result)}`,
      result,
    );
  }

  concatenate(parts: readonly Value[], axis: number): Value {
    const first = parts[0];
    if (first === undefined) throw new ShapeError('nothing was given to be concatenated');
    if (parts.length === 1) return first;
    const total = parts.reduce((sum, { shape }) => sum + shape[axis]!, 0);
    const shape = first.shape.map((size, index) => (index === axis ? total : size));
    const members = membersOf(...parts);
    const result = { shape, type: first.type, members };
    const lifted = parts.map((part) => this.lift(part, members));
    const text = `stablehlo.concatenate ${lifted.map(({ id }) => id).join(', ')}, dim = ${arrayAxes([axis], members)} : (${lifted.map(tensorType).join(', ')}) -> ${tensorType(result)}`;
    return this.emit(text, result);
  }

  iota(shape: readonly number[], axis: number, type: ElementType): Value {
    return this.emit(`stablehlo.iota dim = ${axis} : ${tensorType({ shape, type })}`, { shape, type });
  }

  /** Reduces axes away; with `keep` they stay with size 1. */
  reduce(operation: Reduction, a: Value, axes: readonly number[], initial: number | boolean, keep = false): Value {
    const start = this.scalar(initial, a.type);
    const result = { ...a, shape: a.shape.filter((_, axis) => !axes.includes(axis)) };
    const reduced =
      axes.length === 0
        ? a
        : this.emit(
            `stablehlo.reduce(${a.id} init: ${start.id}) applies stablehlo.${operation} across dimensions = ${list(arrayAxes(axes, a.members))} : (${tensorType(a)}, ${tensorType(start)}) -> ${tensorType(result)}`,
            result,
          );
    if (!keep) return reduced;
    return this.reshape(
      reduced,
      a.shape.map((size, axis) => (axes.includes(axis) ? 1 : size)),
    );
  }

  /**
   * The function. Its arguments stand in the order that they were made in, or in `order`; `donated` says which result (by index) takes over which argument's
   * memory.
   */
  finish(
    name: string,
    results: readonly Value[],
    {
      order,
      donated = new Map(),
    }: { readonly order?: readonly Value[]; readonly donated?: ReadonlyMap<number, number> } = {},
  ): FunctionSpec {
    const arguments_ =
      order?.map((value) => this.#arguments.find((argument) => argument.value === value)!) ?? this.#arguments;
    const aliases = new Map([...donated].map(([result, argument]) => [argument, result]));
    const parameters = arguments_.map(({ value }, index) => {
      const alias = aliases.get(index);
      return `${value.id}: ${tensorType(value)}${alias === undefined ? '' : ` {tf.aliasing_output = ${alias} : i32}`}`;
    });
    const types = results.map(tensorType).join(', ');
    const text = [
      `module @${name.replace(/\W/g, '_')} {`,
      `func.func public @main(${parameters.join(', ')}) -> (${types}) {`,
      ...this.#lines,
      results.length === 0 ? 'return' : `return ${results.map(({ id }) => id).join(', ')} : ${types}`,
      '}',
      '}',
      '',
    ].join('\n');
    return {
      text,
      arguments: arguments_.map(({ spec }) => spec),
      donated: [...donated.values()].sort((a, b) => a - b),
      results: results.map((result) => ({ shape: arrayShape(result), type: requireHostType(result.type) })),
    };
  }

  #reshaped(operation: string, a: Value, result: ValueSpec): Value {
    return this.emit(`${operation} ${a.id} : (${tensorType(a)}) -> ${tensorType(result)}`, result);
  }

  #broadcastTogether(a: Value, b: Value): [Value, Value] {
    const shape = broadcastShapes(a.shape, b.shape);
    const members = membersOf(a, b);
    return [this.#broadcast(a, shape, members), this.#broadcast(b, shape, members)];
  }

  #broadcast(a: Value, shape: readonly number[], members: number | undefined): Value {
    if (a.members === members && sameShape(a.shape, shape)) return a;
    const axes = allAxes(a).map((axis) => axis + shape.length - a.shape.length);
    return this.#stretch(a, { shape, type: a.type, members }, axes);
  }

  /** `a`'s axes at `axes` of the result; what the members share is copied for each. */
  #stretch(a: Value, result: ValueSpec, axes: readonly number[]): Value {
    const own = arrayAxes(axes, result.members);
    const dims = byArrayAxis(own, 0, a.members);
    return this.emit(
      `stablehlo.broadcast_in_dim ${a.id}, dims = ${list(dims)} : (${tensorType(a)}) -> ${tensorType(result)}`,
      result,
    );
  }
}

function allAxes({ shape }: Value): readonly number[] {
  return shape.map((_, axis) => axis);
}

export function comparisonKind(type: ElementType): string {
  if (type === 'f32') return 'FLOAT';
  return type === 'i32' ? 'SIGNED' : 'UNSIGNED';
}

function requireHostType(type: ElementType): HostType {
  if (type === 'ui32' || type === 'ui64') throw new ShapeError(`a function can't return ${type}`);
  return type;
}
