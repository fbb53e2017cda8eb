// Kernels that move elements or make them: shapes, parts, copies, constants.
import * as tf from '@tensorflow/tfjs-core';
import type { StepBuilder } from '../step-builder.ts';
import type { Value } from '../value.ts';
import { axesOf, axisOf, elementTypeOf, type RuleTable } from './rule.ts';

export const shapes: RuleTable = {
  BroadcastTo: (b, { inputs: { x }, attributes }) => b.broadcast(x!, attributes.shape as number[]),
  Concat: (b, { list, attributes: { axis } }) => {
    const at = axisOf(list[0]!, axis);
    const filled = list.filter(({ shape }) => shape.every((size) => size > 0));
    if (filled.length > 0) return b.concatenate(filled, at);
    const total = list.reduce((sum, { shape }) => sum + shape[at]!, 0);
    const first = list[0]!;
    return b.full(
      0,
      first.shape.map((size, index) => (index === at ? total : size)),
      first.type,
    );
  },
  ExpandDims: (b, { inputs: { input }, attributes: { dim } }) => {
    const rank = input!.shape.length;
    const at = (dim as number) < 0 ? (dim as number) + rank + 1 : (dim as number);
    return insertAxis(b, input!, at);
  },
  Fill: (b, { attributes: { shape, value, dtype } }) => {
    const type = typeof value === 'boolean' && dtype === undefined ? 'i1' : elementTypeOf(dtype);
    return b.full(value as number, shape as number[], type);
  },
  LinSpace: (b, { attributes: { start, stop, num } }) => {
    const count = num as number;
    const step = count > 1 ? ((stop as number) - (start as number)) / (count - 1) : 0;
    return b.constant(
      Float32Array.from({ length: count }, (_, index) => (start as number) + index * step),
      [count],
      'f32',
    );
  },
  MirrorPad: (b, { inputs: { x }, attributes: { paddings, mode } }) => {
    const skip = mode === 'reflect' ? 1 : 0;
    return (paddings as [number, number][]).reduce((value, [low, high], axis) => {
      const size = value.shape[axis]!;
      const parts = [
        ...(low > 0 ? [b.reverse(along(b, value, axis, skip, low), [axis])] : []),
        value,
        ...(high > 0 ? [b.reverse(along(b, value, axis, size - high - skip, high), [axis])] : []),
      ];
      return b.concatenate(parts, axis);
    }, x!);
  },
  OneHot: (b, { inputs: { indices }, attributes: { depth, onValue, offValue, dtype } }) => {
    const shape = [...indices!.shape, depth as number];
    const wide = b.broadcastAlong(
      indices!,
      shape,
      indices!.shape.map((_, axis) => axis),
    );
    const isOn = b.compare('EQ', wide, b.iota(shape, shape.length - 1, indices!.type));
    const type = elementTypeOf(dtype);
    return b.select(isOn, b.scalar((onValue ?? 1) as number, type), b.scalar((offValue ?? 0) as number, type));
  },
  OnesLike: (b, { inputs: { x } }) => b.full(1, x!.shape, x!.type),
  Pack: (b, { list, attributes: { axis } }) => {
    const rank = list[0]!.shape.length;
    const at = (axis as number) < 0 ? (axis as number) + rank + 1 : (axis as number);
    return b.concatenate(
      list.map((value) => insertAxis(b, value, at)),
      at,
    );
  },
  PadV2: (b, { inputs: { x }, attributes: { paddings, constantValue } }) => {
    const pairs = paddings as [number, number][];
    return b.pad(
      x!,
      pairs.map(([low]) => low),
      pairs.map(([, high]) => high),
      (constantValue ?? 0) as number,
    );
  },
  Range: (b, { attributes: { start, stop, step, dtype } }) => {
    const [from, to, by] = [start as number, stop as number, step as number];
    const count = Math.max(0, Math.ceil((to - from) / by));
    const values = Array.from({ length: count }, (_, index) => from + index * by);
    return b.constant(values, [count], elementTypeOf(dtype));
  },
  Reshape: (b, { inputs: { x }, attributes: { shape } }) =>
    b.reshape(x!, tf.util.inferFromImplicitShape(shape as number[], tf.util.sizeFromShape([...x!.shape]))),
  Reverse: (b, { inputs: { x }, attributes: { dims } }) => {
    const axes = axesOf(x!, dims);
    return axes.length === 0 ? x! : b.reverse(x!, axes);
  },
  Slice: (b, { inputs: { x }, attributes: { begin, size } }) => {
    const starts = begin as number[];
    const lengths = (size as number[]).map((length, axis) => (length < 0 ? x!.shape[axis]! - starts[axis]! : length));
    return b.slice(x!, starts, lengths);
  },
  SplitV: (b, { inputs: { x }, attributes: { numOrSizeSplits, axis } }) => {
    const at = axisOf(x!, axis);
    const sizes = tf.backend_util.prepareSplitSize(
      { shape: [...x!.shape] } as unknown as tf.Tensor,
      numOrSizeSplits as number | number[],
      at,
    );
    let from = 0;
    return sizes.map((size) => {
      from += size;
      return along(b, x!, at, from - size, size);
    });
  },
  StridedSlice: (b, { inputs: { x }, attributes }) => {
    const { begin, end, strides, beginMask, endMask, ellipsisMask, newAxisMask, shrinkAxisMask } = attributes as Record<
      string,
      number[]
    > &
      Record<string, number>;
    const info = tf.slice_util.sliceInfo(
      [...x!.shape],
      begin as number[],
      end as number[],
      strides as number[],
      beginMask as number,
      endMask as number,
      ellipsisMask as number,
      newAxisMask as number,
      shrinkAxisMask as number,
    );
    if (info.finalShape.includes(0)) return b.full(0, info.finalShape, x!.type);
    const backwards = info.strides.flatMap((stride, axis) => (stride < 0 ? [axis] : []));
    const turned = backwards.length === 0 ? x! : b.reverse(x!, backwards);
    const starts = info.begin.map((start, axis) => (info.strides[axis]! < 0 ? x!.shape[axis]! - 1 - start : start));
    const steps = info.strides.map(Math.abs);
    const lengths = info.finalShapeSparse.map((_, axis) => {
      const span = Math.abs(info.end[axis]! - info.begin[axis]!);
      return Math.max(0, span);
    });
    return b.reshape(b.slice(turned, starts, lengths, steps), info.finalShape);
  },
  Tile: (b, { inputs: { x }, attributes: { reps } }) => {
    const times = reps as number[];
    const wide = x!.shape.flatMap((size, axis) => [times[axis]!, size]);
    const copied = b.broadcastAlong(
      x!,
      wide,
      x!.shape.map((_, axis) => 2 * axis + 1),
    );
    return b.reshape(
      copied,
      x!.shape.map((size, axis) => size * times[axis]!),
    );
  },
  Transpose: (b, { inputs: { x }, attributes: { perm } }) => b.transpose(x!, perm as number[]),
  Unpack: (b, { inputs: { value }, attributes: { axis } }) => {
    const at = axisOf(value!, axis);
    const rest = value!.shape.filter((_, index) => index !== at);
    return Array.from({ length: value!.shape[at]! }, (_, index) => b.reshape(along(b, value!, at, index, 1), rest));
  },
  ZerosLike: (b, { inputs: { x } }) => b.full(0, x!.shape, x!.type),
};

/** `length` elements of one axis, from `start` on. */
function along(b: StepBuilder, x: Value, axis: number, start: number, length: number): Value {
  return b.slice(
    x,
    x.shape.map((_, index) => (index === axis ? start : 0)),
    x.shape.map((size, index) => (index === axis ? length : size)),
  );
}

function insertAxis(b: StepBuilder, x: Value, at: number): Value {
  return b.reshape(x, [...x.shape.slice(0, at), 1, ...x.shape.slice(at)]);
}
