// Writes a step down as a graph of nodes. Equal operations on equal operands are one node, and what is done to single numbers that
// are known is done here. Operations with more structure are functions over the builder (folds.ts, products.ts, random.ts), put together in step-builder.ts.
import { ShapeError } from '@moe-rl/core';
import {
  type BinaryOperation,
  broadcastShapes,
  type Comparison,
  type ConstantValues,
  type ElementType,
  sameShape,
  type UnaryOperation,
  type Value,
  type ValueSpec,
} from '@moe-rl/tfjs-graph/tracing';
import * as maps from './maps.ts';
import { type Node, type Operation, sizeOf } from './node.ts';
import * as views from './views.ts';

export class GraphBuilder {
  readonly #known = new Map<string, Node>();
  readonly #nodes = new Map<string, Node>();

  get operationCount(): number {
    return this.#nodes.size;
  }

  /** A node; `key` says everything about it that its inputs, shape and type don't. */
  node(key: string, operation: Operation, inputs: readonly Value[], shape: readonly number[], type: ElementType): Node {
    const name = `${key}(${inputs.map(({ id }) => id)}) ${type} [${shape}]`;
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const number = this.#nodes.size;
    const made: Node = {
      id: `n${number}`,
      number,
      operation,
      inputs: inputs.map((value) => this.nodeOf(value)),
      shape: [...shape],
      type,
      size: sizeOf(shape),
    };
    this.#known.set(name, made);
    this.#nodes.set(made.id, made);
    return made;
  }

  nodeOf({ id }: Value): Node {
    return this.#nodes.get(id)!;
  }

  argument({ shape, type }: ValueSpec): Node {
    return this.node(`argument ${this.#nodes.size}`, { kind: 'argument' }, [], shape, type);
  }

  constant(values: ConstantValues, shape: readonly number[], type: ElementType): Node {
    if (typeof values === 'number' || typeof values === 'boolean') return this.full(values, shape, type);
    const size = sizeOf(shape);
    if (values.length !== size) throw new ShapeError(`a constant [${shape}] was given ${values.length} values`);
    const first = values[0];
    if (first !== undefined && Array.prototype.every.call(values, (value) => Object.is(value, first))) {
      return this.full(Number(first), shape, type);
    }
    return this.node(`data ${this.#nodes.size}`, { kind: 'data', values }, [], shape, type);
  }

  scalar(value: number | boolean, type: ElementType = 'f32'): Node {
    return this.full(value, [], type);
  }

  full(value: number | boolean, shape: readonly number[], type: ElementType): Node {
    const number = type === 'f32' ? Math.fround(Number(value)) : Number(value);
    return this.node(
      `splat ${Object.is(number, -0) ? '-0' : number}`,
      { kind: 'splat', value: number },
      [],
      shape,
      type,
    );
  }

  iota(shape: readonly number[], axis: number, type: ElementType): Node {
    return this.node(`iota ${axis}`, views.iota(axis, type), [], shape, type);
  }

  unary(operation: UnaryOperation, a: Value): Node {
    return this.#map(operation, maps.unaryRule(operation), [a], a.type);
  }

  isFinite(a: Value): Node {
    return this.#map('finite', maps.finiteRule, [a], 'i1');
  }

  binary(operation: BinaryOperation, a: Value, b: Value): Node {
    const [x, y] = this.#together(a, b);
    const [left, right] = [splatOf(x), splatOf(y)];
    if (left !== undefined && right !== undefined && x.type === 'f32') {
      const value = computed(operation, left, right);
      if (value !== undefined) return this.full(value, x.shape, x.type);
    }
    if (operation === 'add' && left === 0) return y;
    if ((operation === 'add' || operation === 'subtract') && right === 0) return x;
    if (operation === 'multiply' && left === 1) return y;
    if ((operation === 'multiply' || operation === 'divide') && right === 1) return x;
    return this.#map(operation, maps.binaryRule(operation), [x, y], x.type);
  }

  compare(comparison: Comparison, a: Value, b: Value): Node {
    const [x, y] = this.#together(a, b);
    if (comparison === 'NE' && x === y && x.type === 'f32') return this.#map('nan', maps.nanRule, [x], 'i1');
    const special = splatOf(y);
    if (
      comparison === 'EQ' &&
      x.type === 'f32' &&
      special !== undefined &&
      Math.abs(special) === Number.POSITIVE_INFINITY
    ) {
      return this.#map(`is ${special}`, maps.infiniteRule(special < 0), [x], 'i1');
    }
    return this.#map(comparison, maps.comparisonRule(comparison, x.type), [x, y], 'i1');
  }

  select(condition: Value, a: Value, b: Value): Node {
    const shape = broadcastShapes(broadcastShapes(a.shape, b.shape), condition.shape);
    const [c, x, y] = [condition, a, b].map((value) => this.broadcast(value, shape)) as [Node, Node, Node];
    if (x === y) return x;
    return this.#map('select', maps.selectRule, [c, x, y], x.type);
  }

  convert(a: Value, type: ElementType): Node {
    if (a.type === type) return this.nodeOf(a);
    const splat = splatOf(this.nodeOf(a));
    if (splat !== undefined && Number.isFinite(splat)) {
      return this.full(type === 'f32' ? splat : type === 'i1' ? splat !== 0 : Math.trunc(splat), a.shape, type);
    }
    return this.#map('convert', maps.convertRule(type), [a], type);
  }

  reshape(a: Value, shape: readonly number[]): Node {
    const node = this.nodeOf(a);
    if (sameShape(node.shape, shape)) return node;
    const splat = splatOf(node);
    if (splat !== undefined) return this.full(splat, shape, node.type);
    // A reshape of a reshape is one, and may be none.
    const source = node.operation.kind === 'view' && node.operation.isReshape ? node.inputs[0]! : node;
    if (sameShape(source.shape, shape)) return source;
    return this.node('reshape', views.reshape(source), [source], shape, node.type);
  }

  broadcastAlong(a: Value, shape: readonly number[], axes: readonly number[]): Node {
    const node = this.nodeOf(a);
    if (sameShape(node.shape, shape)) return node;
    const splat = splatOf(node);
    if (splat !== undefined) return this.full(splat, shape, node.type);
    if (node.size === sizeOf(shape) && axes.every((axis, index) => index === 0 || axis > axes[index - 1]!)) {
      return this.reshape(node, shape);
    }
    return this.node(`broadcast ${axes}`, views.broadcastAlong(node, axes), [node], shape, node.type);
  }

  broadcast(a: Value, shape: readonly number[]): Node {
    const lead = shape.length - a.shape.length;
    return this.broadcastAlong(
      a,
      shape,
      a.shape.map((_, axis) => axis + lead),
    );
  }

  transpose(a: Value, permutation: readonly number[]): Node {
    const node = this.nodeOf(a);
    const shape = permutation.map((axis) => a.shape[axis]!);
    // Axes of size 1 may move without anything moving in memory.
    const long = permutation.filter((axis) => a.shape[axis] !== 1);
    if (long.every((axis, index) => index === 0 || axis > long[index - 1]!)) return this.reshape(node, shape);
    return this.#view(`transpose ${permutation}`, views.transpose(node, permutation), node, shape);
  }

  reverse(a: Value, axes: readonly number[]): Node {
    const node = this.nodeOf(a);
    return this.#view(`reverse ${axes}`, views.reverse(node, axes), node, node.shape);
  }

  slice(a: Value, begin: readonly number[], size: readonly number[], strides = begin.map(() => 1)): Node {
    const node = this.nodeOf(a);
    const shape = size.map((length, axis) => Math.ceil(length / strides[axis]!));
    if (sameShape(shape, a.shape)) return node;
    return this.#view(`slice ${begin};${strides}`, views.slice(node, begin, strides), node, shape);
  }

  pad(
    a: Value,
    low: readonly number[],
    high: readonly number[],
    value = 0,
    interior: readonly number[] = low.map(() => 0),
  ): Node {
    const node = this.nodeOf(a);
    const shape = a.shape.map(
      (size, axis) => size + low[axis]! + high[axis]! + Math.max(0, size - 1) * interior[axis]!,
    );
    if (sameShape(shape, a.shape)) return node;
    if (node.size === 0) return this.full(value, shape, node.type);
    return this.node(
      `pad ${low};${high};${interior};${value}`,
      views.pad(node, low, interior, value),
      [node],
      shape,
      node.type,
    );
  }

  concatenate(parts: readonly Value[], axis: number): Node {
    const nodes = parts.map((part) => this.nodeOf(part)).filter(({ size }) => size > 0);
    const first = nodes[0] ?? (parts[0] && this.nodeOf(parts[0]));
    if (first === undefined) throw new ShapeError('nothing was given to be concatenated');
    if (nodes.length <= 1) return first;
    // A kernel reads a few buffers only: many parts are put together in groups.
    if (nodes.length > views.CONCATENATED) {
      const groups: Node[] = [];
      for (let at = 0; at < nodes.length; at += views.CONCATENATED) {
        groups.push(this.concatenate(nodes.slice(at, at + views.CONCATENATED), axis));
      }
      return this.concatenate(groups, axis);
    }
    const total = nodes.reduce((sum, { shape }) => sum + shape[axis]!, 0);
    const shape = first.shape.map((size, index) => (index === axis ? total : size));
    return this.node(`concatenate ${axis}`, views.concatenate(nodes, axis), nodes, shape, first.type);
  }

  gatherNd(a: Value, indices: Value): Node {
    const [node, places] = [this.nodeOf(a), this.nodeOf(indices)];
    const depth = places.shape.at(-1)!;
    const shape = [...places.shape.slice(0, -1), ...node.shape.slice(depth)];
    return this.node('gather', views.gatherNd(node, places), [node, places], shape, node.type);
  }

  #map(key: string, { weight, write }: maps.MapRule, inputs: readonly Value[], type: ElementType): Node {
    return this.node(key, { kind: 'map', weight, write }, inputs, inputs[0]!.shape, type);
  }

  #view(key: string, operation: Operation, node: Node, shape: readonly number[]): Node {
    const splat = splatOf(node);
    if (splat !== undefined) return this.full(splat, shape, node.type);
    return this.node(key, operation, [node], shape, node.type);
  }

  #together(a: Value, b: Value): [Node, Node] {
    const shape = broadcastShapes(a.shape, b.shape);
    return [this.broadcast(a, shape), this.broadcast(b, shape)];
  }
}

function splatOf({ operation }: Node): number | undefined {
  return operation.kind === 'splat' ? operation.value : undefined;
}

function computed(operation: BinaryOperation, a: number, b: number): number | undefined {
  if (operation === 'add') return a + b;
  if (operation === 'subtract') return a - b;
  if (operation === 'multiply') return a * b;
  if (operation === 'divide') return a / b;
  if (operation === 'maximum') return Math.max(a, b);
  return operation === 'minimum' ? Math.min(a, b) : undefined;
}
