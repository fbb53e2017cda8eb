// Matrix products, and convolutions with both gradients as matrix products of patches (im2col) that are never stored: the operands are written by their row, column
// and place in the sum. Sums over many places (a filter's gradient goes over all pixels of the batch) are cut into parts, so that there are tiles enough for a GPU, and
// the parts are added in a fixed order: results are the same from run to run.
import { broadcastShapes, type WindowConfig } from '@moe-rl/tfjs-graph/tracing';
import { decompose, type Scope } from '../compile/scope.ts';
import { imagePlace, outputPlace, outputSize } from './convolution-places.ts';
import { reduce } from './folds.ts';
import type { GraphBuilder } from './graph-builder.ts';
import { type FoldOperation, type KernelContext, type Node, type ProductOperand, sizeOf } from './node.ts';

/** Tiles that keep a GPU busy; a product of fewer is cut along its sum. */
const BUSY_TILES = 64;
const TILE = 32;
/** No part of a sum is shorter. */
const SHORTEST_PART = 128;

/**
 * Products of fewer multiplications than this are computed without tiles, each element by a thread or a workgroup of its own: they take no longer than a dispatch does,
 * and their kernels compile in a twentieth of the time.
 */
const SMALL = 2 ** 21;

interface ProductSizes {
  readonly batch: number;
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
}

function product(
  b: GraphBuilder,
  key: string,
  sizes: ProductSizes,
  left: ProductOperand,
  right: ProductOperand,
  inputs: readonly [Node, Node],
  shape: readonly number[],
): Node {
  const { batch, rows, columns, depth } = sizes;
  if (batch * rows * columns === 0 || depth === 0) return b.full(0, shape, 'f32');
  if (batch * rows * columns * depth < SMALL) {
    const sums = b.node(`sums ${key}`, sumsOf(depth, left, right), inputs, [batch, rows, columns], 'f32');
    return b.reshape(sums, shape);
  }
  const tiles = batch * Math.ceil(rows / TILE) * Math.ceil(columns / TILE);
  const splits = Math.max(1, Math.min(Math.ceil(BUSY_TILES / tiles), Math.floor(depth / SHORTEST_PART)));
  const operation = { kind: 'product', splits, ...sizes, left, right } as const;
  const parts = b.node(`product ${key}`, operation, inputs, [splits, batch, rows, columns], 'f32');
  return b.reshape(splits === 1 ? parts : reduce(b, 'add', parts, [0], 0, false), shape);
}

function sumsOf(depth: number, left: ProductOperand, right: ProductOperand): FoldOperation {
  return {
    kind: 'fold',
    loop: [depth],
    rereads: true,
    accumulators: [{ type: 'f32', initial: () => '0f' }],
    combine: (a, b) => `${a} + ${b}`,
    step(context, scope, { axes: [batch, row, column] }, [place], [sum]) {
      const x = left.write(context, scope, batch!, row!, place!);
      const y = right.write(context, scope, batch!, column!, place!);
      scope.lines.push(`${sum} += ${x} * ${y};`);
    },
    result: ([sum]) => sum!,
  };
}

/** Batched matrix product; leading axes are broadcast. */
export function matMul(b: GraphBuilder, x: Node, y: Node, transposeX: boolean, transposeY: boolean): Node {
  const lead = broadcastShapes(x.shape.slice(0, -2), y.shape.slice(0, -2));
  const [rows, depth] = transposeX ? [x.shape.at(-1)!, x.shape.at(-2)!] : [x.shape.at(-2)!, x.shape.at(-1)!];
  const columns = y.shape.at(transposeY ? -2 : -1)!;
  const operand = (node: Node, isDepthLast: boolean): ProductOperand => ({
    fast: isDepthLast ? 'depth' : 'outer',
    write(context, scope, batch, outer, place) {
      const batches = decompose(scope, batch, lead).slice(lead.length - (node.shape.length - 2));
      const front = batches.map((axis, at) => (node.shape[at] === 1 ? '0u' : axis));
      return context.readAt(scope, node, [...front, ...(isDepthLast ? [outer, place] : [place, outer])]);
    },
  });
  const sizes = { batch: sizeOf(lead), rows, columns, depth };
  return product(
    b,
    `matrices ${transposeX} ${transposeY}`,
    sizes,
    operand(x, !transposeX),
    operand(y, transposeY),
    [x, y],
    [...lead, rows, columns],
  );
}

/** Whether an index that may have wrapped around is within an image, in both axes. */
const within = (places: readonly string[], sizes: readonly number[]): string =>
  places.map((place, axis) => `${place} < ${sizes[axis]}u`).join(' && ');

/** An image's element under a filter's place: zero outside. */
function patch(
  context: KernelContext,
  scope: Scope,
  x: Node,
  [sample, row, column]: readonly string[],
  [y, u, channel]: readonly string[],
  config: WindowConfig,
): string {
  const places = [imagePlace(scope, 0, row!, y!, config), imagePlace(scope, 1, column!, u!, config)];
  return scope.guarded(within(places, x.shape.slice(1, 3)), 'f32', '0f', (inner) =>
    context.readAt(inner, x, [sample!, ...places, channel!]),
  );
}

/** `x` `[N, H, W, C]` with `filter` `[h, w, C, D]`: patches `[N*H'*W', h*w*C]` by the filter as a matrix. */
export function conv2d(b: GraphBuilder, x: Node, filter: Node, config: WindowConfig): Node {
  const [height, width, channels, columns] = filter.shape as [number, number, number, number];
  const outputs = ([0, 1] as const).map((axis) => outputSize(x.shape[axis + 1]!, filter.shape[axis]!, axis, config));
  const shape = [x.shape[0]!, ...outputs, columns];
  const sizes = { batch: 1, rows: sizeOf(shape.slice(0, 3)), columns, depth: height * width * channels };
  const left: ProductOperand = {
    fast: 'depth',
    write: (context, scope, _, outer, depth) =>
      patch(
        context,
        scope,
        x,
        decompose(scope, outer, shape.slice(0, 3)),
        decompose(scope, depth, filter.shape.slice(0, 3)),
        config,
      ),
  };
  const right: ProductOperand = {
    fast: 'outer',
    write: (context, scope, _, outer, depth) =>
      context.readAt(scope, filter, [...decompose(scope, depth, filter.shape.slice(0, 3)), outer]),
  };
  return product(b, `conv ${keyOf(config)}`, sizes, left, right, [x, filter], shape);
}

/** Gradient of {@link conv2d} by its image: patches of `dy` `[N*H*W, h*w*D]` by the filter with its channels as columns. */
export function conv2dInputGradient(
  b: GraphBuilder,
  dy: Node,
  filter: Node,
  shape: readonly number[],
  config: WindowConfig,
): Node {
  const [height, width, channels, features] = filter.shape as [number, number, number, number];
  const window = [height, width, features];
  const sizes = { batch: 1, rows: sizeOf(shape.slice(0, 3)), columns: channels, depth: sizeOf(window) };
  const left: ProductOperand = {
    fast: 'depth',
    write(context, scope, _, outer, depth) {
      const [sample, row, column] = decompose(scope, outer, shape.slice(0, 3));
      const [y, u, feature] = decompose(scope, depth, window);
      const vertical = outputPlace(scope, 0, row!, y!, dy.shape[1]!, config);
      const horizontal = outputPlace(scope, 1, column!, u!, dy.shape[2]!, config);
      return scope.guarded(`${vertical.condition} && ${horizontal.condition}`, 'f32', '0f', (inner) =>
        context.readAt(inner, dy, [sample!, vertical.place, horizontal.place, feature!]),
      );
    },
  };
  const right: ProductOperand = {
    fast: 'depth',
    write(context, scope, _, outer, depth) {
      const [y, u, feature] = decompose(scope, depth, window);
      return context.readAt(scope, filter, [y!, u!, outer, feature!]);
    },
  };
  return product(b, `conv input ${keyOf(config)}`, sizes, left, right, [dy, filter], shape);
}

/** Gradient of {@link conv2d} by its filter: patches, transposed, by `dy` `[N*H'*W', D]`. */
export function conv2dFilterGradient(
  b: GraphBuilder,
  x: Node,
  dy: Node,
  shape: readonly number[],
  config: WindowConfig,
): Node {
  const places = dy.shape.slice(0, 3);
  const sizes = { batch: 1, rows: sizeOf(shape.slice(0, 3)), columns: shape[3]!, depth: sizeOf(places) };
  const left: ProductOperand = {
    fast: 'outer',
    write: (context, scope, _, outer, depth) =>
      patch(context, scope, x, decompose(scope, depth, places), decompose(scope, outer, shape.slice(0, 3)), config),
  };
  const right: ProductOperand = {
    fast: 'outer',
    write: (context, scope, _, outer, depth) => context.readAt(scope, dy, [...decompose(scope, depth, places), outer]),
  };
  return product(b, `conv filter ${keyOf(config)}`, sizes, left, right, [x, dy], shape);
}

function keyOf({ strides, padding, dilations }: WindowConfig): string {
  return `${strides};${padding};${dilations}`;
}
