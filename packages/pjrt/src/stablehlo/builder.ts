// Writes one StableHLO function as text. Every method infers its result's shape and type, and equal operations on equal operands are written once. Operations
// with more structure are functions over the builder: contractions.ts, windows.ts, indexing.ts, random.ts.
import { ShapeError } from '@moe-rl/core';
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
  type Value,
} from '@moe-rl/tfjs-graph/tracing';
import type { BufferSpec } from '../client/element-types.ts';
import type { FunctionSpec } from '../client/executable.ts';
import { constantText } from './constants.ts';
import { list, tensorType } from './value.ts';

/** How exactly products of float32 are computed. `default` lets a GPU use TF32 (10 bits of mantissa), `highest` is float32. */
export const precisions = ['default', 'high', 'highest'] as const;
export type Precision = (typeof precisions)[number];

interface Argument {
  readonly spec: BufferSpec;
  readonly value: Value;
}

/** Builds a function: add arguments, write operations, finish. */
export class FunctionBuilder {
  readonly precision: Precision;
  readonly #lines: string[] = [];
  readonly #arguments: Argument[] = [];
  readonly #known = new Map<string, Value>();
  #count = 0;

  constructor({ precision = 'default' }: { readonly precision?: Precision } = {}) {
    this.precision = precision;
  }

  /** Operations written so far. */
  get operationCount(): number {
    return this.#lines.length;
  }

  /** A number that no value has yet, for names within an operation's own block. */
  nextId(): number {
    return this.#count++;
  }

  argument(spec: BufferSpec): Value {
    const value: Value = { id: `%arg${this.#arguments.length}`, shape: [...spec.shape], type: spec.type };
    this.#arguments.push({ spec, value });
    return value;
  }

  /** An operation of one result by its text. `key` stands for the operation in place of its text where the text holds names of its own. */
  emit(text: string, shape: readonly number[], type: ElementType, key = text): Value {
    const name = `${key} -> ${shape} ${type}`;
    const known = this.#known.get(name);
    if (known) return known;
    const value: Value = { id: `%${this.#count++}`, shape: [...shape], type };
    this.#lines.push(`${value.id} = ${text}`);
    this.#known.set(name, value);
    return value;
  }

  /** An operation of several results. */
  emitMany(text: string, results: readonly Pick<Value, 'shape' | 'type'>[]): Value[] {
    const id = `%${this.#count++}`;
    this.#lines.push(`${id}:${results.length} = ${text}`);
    return results.map(({ shape, type }, index) => ({ id: `${id}#${index}`, shape: [...shape], type }));
  }

  constant(values: ConstantValues, shape: readonly number[], type: ElementType): Value {
    return this.emit(`stablehlo.constant ${constantText(values, shape, type)}`, shape, type);
  }

  scalar(value: number | boolean, type: ElementType = 'f32'): Value {
    return this.constant(value, [], type);
  }

  /** One value everywhere. */
  full(value: number | boolean, shape: readonly number[], type: ElementType): Value {
    return this.constant(value, shape, type);
  }

  unary(operation: UnaryOperation, a: Value): Value {
    return this.emit(`stablehlo.${operation} ${a.id} : ${tensorType(a)}`, a.shape, a.type);
  }

  isFinite(a: Value): Value {
    const result = { shape: a.shape, type: 'i1' } as const;
    return this.emit(`stablehlo.is_finite ${a.id} : (${tensorType(a)}) -> ${tensorType(result)}`, a.shape, 'i1');
  }

  /** With broadcasting, as numpy does it. */
  binary(operation: BinaryOperation, a: Value, b: Value): Value {
    const [x, y] = this.#broadcastTogether(a, b);
    return this.emit(`stablehlo.${operation} ${x.id}, ${y.id} : ${tensorType(x)}`, x.shape, x.type);
  }

  compare(comparison: Comparison, a: Value, b: Value): Value {
    const [x, y] = this.#broadcastTogether(a, b);
    const result = { shape: x.shape, type: 'i1' } as const;
    return this.emit(
      `stablehlo.compare ${comparison}, ${x.id}, ${y.id}, ${comparisonKind(x.type)} : (${tensorType(x)}, ${tensorType(y)}) -> ${tensorType(result)}`,
      x.shape,
      'i1',
    );
  }

  /** `condition ? a : b`, with broadcasting. */
  select(condition: Value, a: Value, b: Value): Value {
    const shape = broadcastShapes(broadcastShapes(a.shape, b.shape), condition.shape);
    const [c, x, y] = [condition, a, b].map((value) => this.broadcast(value, shape)) as [Value, Value, Value];
    return this.emit(`stablehlo.select ${c.id}, ${x.id}, ${y.id} : ${tensorType(c)}, ${tensorType(x)}`, shape, x.type);
  }

  convert(a: Value, type: ElementType): Value {
    if (a.type === type) return a;
    return this.#reshaped('stablehlo.convert', a, a.shape, type);
  }

  /** The same bits as another type of the same width. */
  bitcast(a: Value, type: ElementType): Value {
    return this.#reshaped('stablehlo.bitcast_convert', a, a.shape, type);
  }

  reshape(a: Value, shape: readonly number[]): Value {
    if (sameShape(a.shape, shape)) return a;
    return this.#reshaped('stablehlo.reshape', a, shape, a.type);
  }

  /** `a`'s axis `i` becomes axis `axes[i]` of the result; axes of size 1 are stretched. */
  broadcastAlong(a: Value, shape: readonly number[], axes: readonly number[]): Value {
    if (sameShape(a.shape, shape)) return a;
    const result = { shape, type: a.type };
    const text = `stablehlo.broadcast_in_dim ${a.id}, dims = ${list(axes)} : (${tensorType(a)}) -> ${tensorType(result)}`;
    return this.emit(text, shape, a.type);
  }

  /** numpy's broadcast: the last axes are matched. */
  broadcast(a: Value, shape: readonly number[]): Value {
    return this.broadcastAlong(
      a,
      shape,
      a.shape.map((_, axis) => axis + shape.length - a.shape.length),
    );
  }

  transpose(a: Value, permutation: readonly number[]): Value {
    if (permutation.every((axis, index) => axis === index)) return a;
    const shape = permutation.map((axis) => a.shape[axis]!);
    const result = { shape, type: a.type };
    const text = `stablehlo.transpose ${a.id}, dims = ${list(permutation)} : (${tensorType(a)}) -> ${tensorType(result)}`;
    return this.emit(text, shape, a.type);
  }

  reverse(a: Value, axes: readonly number[]): Value {
    return this.emit(`stablehlo.reverse ${a.id}, dims = ${list(axes)} : ${tensorType(a)}`, a.shape, a.type);
  }

  /** Elements `begin` to `begin + size` of each axis, every `strides`-th. */
  slice(a: Value, begin: readonly number[], size: readonly number[], strides = begin.map(() => 1)): Value {
    const shape = size.map((length, axis) => Math.ceil(length / strides[axis]!));
    if (sameShape(shape, a.shape)) return a;
    const ranges = begin.map((start, axis) => `${start}:${start + size[axis]!}:${strides[axis]}`);
    const result = { shape, type: a.type };
    return this.emit(
      `stablehlo.slice ${a.id} ${list(ranges)} : (${tensorType(a)}) -> ${tensorType(result)}`,
      shape,
      a.type,
    );
  }

  /** Puts `value` around `a`; negative numbers cut off. */
  pad(a: Value, low: readonly number[], high: readonly number[], value = 0, interior = low.map(() => 0)): Value {
    const shape = a.shape.map(
      (size, axis) => size + low[axis]! + high[axis]! + Math.max(0, size - 1) * interior[axis]!,
    );
    const padding = this.scalar(value, a.type);
    const result = { shape, type: a.type };
    return this.emit(
      `stablehlo.pad ${a.id}, ${padding.id}, low = ${list(low)}, high = ${list(high)}, interior = ${list(interior)} : (${tensorType(a)}, ${tensorType(padding)}) -> ${tensorType(result)}`,
      shape,
      a.type,
    );
  }

  concatenate(parts: readonly Value[], axis: number): Value {
    const first = parts[0];
    if (first === undefined) throw new ShapeError('nothing was given to be concatenated');
    if (parts.length === 1) return first;
    const total = parts.reduce((sum, { shape }) => sum + shape[axis]!, 0);
    const shape = first.shape.map((size, index) => (index === axis ? total : size));
    const result = { shape, type: first.type };
    const text = `stablehlo.concatenate ${parts.map(({ id }) => id).join(', ')}, dim = ${axis} : (${parts.map(tensorType).join(', ')}) -> ${tensorType(result)}`;
    return this.emit(text, shape, first.type);
  }

  iota(shape: readonly number[], axis: number, type: ElementType): Value {
    return this.emit(`stablehlo.iota dim = ${axis} : ${tensorType({ shape, type })}`, shape, type);
  }

  /** Reduces axes away; with `keep` they stay with size 1. */
  reduce(operation: Reduction, a: Value, axes: readonly number[], initial: number | boolean, keep = false): Value {
    const shape = a.shape.filter((_, axis) => !axes.includes(axis));
    const start = this.scalar(initial, a.type);
    const result = { shape, type: a.type };
    const reduced =
      axes.length === 0
        ? a
        : this.emit(
            `stablehlo.reduce(${a.id} init: ${start.id}) applies stablehlo.${operation} across dimensions = ${list(axes)} : (${tensorType(a)}, ${tensorType(start)}) -> ${tensorType(result)}`,
            shape,
            a.type,
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
      results: results.map(({ shape, type }) => ({ shape, type: requireHostType(type) })),
    };
  }

  #reshaped(operation: string, a: Value, shape: readonly number[], type: ElementType): Value {
    return this.emit(`${operation} ${a.id} : (${tensorType(a)}) -> ${tensorType({ shape, type })}`, shape, type);
  }

  #broadcastTogether(a: Value, b: Value): [Value, Value] {
    const shape = broadcastShapes(a.shape, b.shape);
    return [this.broadcast(a, shape), this.broadcast(b, shape)];
  }
}

export function comparisonKind(type: ElementType): string {
  if (type === 'f32') return 'FLOAT';
  return type === 'i32' ? 'SIGNED' : 'UNSIGNED';
}

function requireHostType(type: ElementType): HostType {
  if (type === 'ui32' || type === 'ui64') throw new ShapeError(`a function can't return ${type}`);
  return type;
}
