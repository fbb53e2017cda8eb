// Gradients of operations that move, select, reduce or contract values; see elementwise.ts for why they are here. Three of them replace
// upstream's even where it has one: Cumsum (wrong along any axis but the last), GatherV2 (wrong for a negative axis and for batch
// dimensions, tensorflow/tfjs#7494), and TopK (missing, tensorflow/tfjs#1601).

import type { GradConfig, Tensor, Tensor1D, Tensor4D } from '@tensorflow/tfjs-core';
import {
  add,
  backend_util,
  cast,
  concat,
  cumprod,
  cumsum,
  engine,
  equal,
  exp,
  expandDims,
  matMul,
  mul,
  oneHot,
  pad,
  range,
  reshape,
  reverse,
  slice,
  split,
  stack,
  sub,
  sum,
  tile,
  transpose,
  unsortedSegmentSum,
  unstack,
  util,
  zeros,
} from '@tensorflow/tfjs-core';
import { broadcastReduced, keptShape, unbroadcast } from './shape.ts';

interface ConvolutionAttrs {
  strides: number | [number, number];
  pad: 'valid' | 'same' | number | [[number, number], [number, number], [number, number], [number, number]];
  dataFormat?: 'NHWC' | 'NCHW';
  dilations?: number | [number, number];
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
  filterSize?: number | [number, number];
}

function run(kernelName: string, inputs: Record<string, Tensor>, attrs: object): Tensor {
  return engine().runKernel(kernelName, inputs as never, attrs as never) as Tensor;
}

const reduction = (kernelName: string, scale: (x: Tensor, axes: number | number[]) => number): GradConfig => ({
  kernelName,
  inputsToSave: ['x'],
  gradFunc: (dy, [x], attrs) => {
    const { axis } = attrs as unknown as { axis: number | number[] };
    const factor = scale(x!, axis);
    return { x: () => broadcastReduced(factor === 1 ? (dy as Tensor) : mul(dy as Tensor, factor), x!.shape, axis) };
  },
});

/** Every element equal to the extreme value gets the gradient, as upstream does. */
const extreme = (kernelName: string): GradConfig => ({
  kernelName,
  inputsToSave: ['x'],
  outputsToSave: [true],
  gradFunc: (dy, [x, y], attrs) => {
    const axis =
      (attrs as { reductionIndices?: number | number[]; axis?: number | number[] }).reductionIndices ??
      (attrs as { axis?: number | number[] }).axis;
    const shape = keptShape(x!.shape, axis);
    return { x: () => mul(reshape(dy as Tensor, shape), cast(equal(x!, reshape(y!, shape)), 'float32')) };
  },
});

export const STRUCTURAL_GRADIENTS: readonly GradConfig[] = [
  reduction('Sum', () => 1),
  reduction('Mean', (x, axis) => {
    const axes = util.parseAxisParam(axis, x.shape);
    return 1 / Math.max(1, util.sizeFromShape(axes.map((each) => x.shape[each]!)));
  }),
  extreme('Max'),
  extreme('Min'),
  {
    kernelName: 'Prod',
    inputsToSave: ['x'],
    gradFunc: (dy, [x], attrs) => {
      const { axis } = attrs as unknown as { axis: number | number[] };
      const axes = util.parseAxisParam(axis, x!.shape);
      const kept = x!.shape.map((_, index) => index).filter((index) => !axes.includes(index));
      const order = [...kept, ...axes];
      return {
        x: () => {
          // Product of all others = product of those before times product of those behind: right for zeros too.
          const turned = transpose(x!, order);
          const rows = reshape(turned, [util.sizeFromShape(kept.map((each) => x!.shape[each]!)), -1]);
          const others = mul(cumprod(rows, 1, true), cumprod(rows, 1, true, true));
          const gradient = mul(others, reshape(dy as Tensor, [rows.shape[0]!, 1]));
          return transpose(reshape(gradient, turned.shape), backend_util.getUndoAxesPermutation(order));
        },
      };
    },
  },
  {
    kernelName: 'Softmax',
    outputsToSave: [true],
    gradFunc: (dy, [y], attrs) => {
      const { dim } = attrs as unknown as { dim: number };
      return {
        logits: () => {
          const weighted = mul(dy as Tensor, y!);
          return sub(weighted, mul(sum(weighted, dim, true), y!));
        },
      };
    },
  },
  {
    kernelName: 'LogSoftmax',
    outputsToSave: [true],
    gradFunc: (dy, [y], attrs) => {
      const { axis } = attrs as unknown as { axis: number };
      return { logits: () => sub(dy as Tensor, mul(sum(dy as Tensor, axis, true), exp(y!))) };
    },
  },
  {
    kernelName: 'Reshape',
    inputsToSave: ['x'],
    gradFunc: (dy, [x]) => ({ x: () => reshape(dy as Tensor, x!.shape) }),
  },
  {
    kernelName: 'ExpandDims',
    inputsToSave: ['input'],
    gradFunc: (dy, [input]) => ({ input: () => reshape(dy as Tensor, input!.shape) }),
  },
  {
    kernelName: 'Transpose',
    gradFunc: (dy, _saved, attrs) => {
      const { perm } = attrs as unknown as { perm: number[] };
      return { x: () => transpose(dy as Tensor, backend_util.getUndoAxesPermutation(perm)) };
    },
  },
  {
    kernelName: 'Reverse',
    gradFunc: (dy, _saved, attrs) => {
      const { dims } = attrs as unknown as { dims: number | number[] };
      return { x: () => reverse(dy as Tensor, util.parseAxisParam(dims, (dy as Tensor).shape)) };
    },
  },
  {
    kernelName: 'Concat',
    saveAllInputs: true,
    gradFunc: (dy, saved, attrs) => {
      const { axis } = attrs as unknown as { axis: number };
      const at = util.parseAxisParam(axis, saved[0]!.shape)[0]!;
      const parts = split(
        dy as Tensor,
        saved.map((each) => each.shape[at]!),
        at,
      );
      return Object.fromEntries(parts.map((part, index) => [String(index), () => part]));
    },
  },
  {
    kernelName: 'SplitV',
    gradFunc: (dy, _saved, attrs) => {
      const { axis } = attrs as unknown as { axis: number };
      return { x: () => concat(dy as unknown as Tensor[], axis) };
    },
  },
  {
    kernelName: 'Pack',
    saveAllInputs: true,
    gradFunc: (dy, _saved, attrs) => {
      const { axis } = attrs as unknown as { axis: number };
      return Object.fromEntries(unstack(dy as Tensor, axis).map((part, index) => [String(index), () => part]));
    },
  },
  {
    kernelName: 'Unpack',
    gradFunc: (dy, _saved, attrs) => {
      const { axis } = attrs as unknown as { axis: number };
      return { value: () => stack(dy as unknown as Tensor[], axis) };
    },
  },
  {
    kernelName: 'Slice',
    inputsToSave: ['x'],
    gradFunc: (dy, [x], attrs) => {
      const { begin } = attrs as unknown as { begin: number | number[] };
      const starts = x!.shape.map((_, axis) =>
        typeof begin === 'number' ? (axis === 0 ? begin : 0) : (begin[axis] ?? 0),
      );
      const paddings = x!.shape.map((size, axis): [number, number] => [
        starts[axis]!,
        size - starts[axis]! - (dy as Tensor).shape[axis]!,
      ]);
      return { x: () => pad(dy as Tensor, paddings) };
    },
  },
  {
    kernelName: 'PadV2',
    inputsToSave: ['x'],
    gradFunc: (dy, [x], attrs) => {
      const { paddings } = attrs as unknown as { paddings: Array<[number, number]> };
      return {
        x: () =>
          slice(
            dy as Tensor,
            paddings.map(([before]) => before),
            x!.shape,
          ),
      };
    },
  },
  {
    kernelName: 'Tile',
    inputsToSave: ['x'],
    gradFunc: (dy, [x], attrs) => {
      const { reps } = attrs as unknown as { reps: number[] };
      return {
        x: () => {
          // [r0, s0, r1, s1, ...], summed over the repetitions.
          const parts = reshape(
            dy as Tensor,
            x!.shape.flatMap((size, axis) => [reps[axis]!, size]),
          );
          return x!.rank === 0
            ? reshape(parts, [])
            : reshape(
                sum(
                  parts,
                  x!.shape.map((_, axis) => 2 * axis),
                ),
                x!.shape,
              );
        },
      };
    },
  },
  {
    kernelName: 'BroadcastTo',
    inputsToSave: ['x'],
    gradFunc: (dy, [x]) => ({ x: () => unbroadcast(dy as Tensor, x!.shape) }),
  },
  {
    kernelName: 'OneHot',
    inputsToSave: ['indices'],
    gradFunc: (_dy, [indices]) => ({ indices: () => zeros(indices!.shape) }),
  },
  {
    kernelName: 'UnsortedSegmentSum',
    inputsToSave: ['segmentIds'],
    gradFunc: (dy, [segmentIds]) => ({
      x: () => run('GatherV2', { x: dy as Tensor, indices: segmentIds! }, { axis: 0, batchDims: 0 }),
      segmentIds: () => zeros(segmentIds!.shape),
    }),
  },
  {
    kernelName: 'BatchMatMul',
    inputsToSave: ['a', 'b'],
    gradFunc: (dyTensor, [a, b], attrs) => {
      const { transposeA, transposeB } = attrs as unknown as { transposeA: boolean; transposeB: boolean };
      const dy = dyTensor as Tensor;
      return {
        a: () =>
          unbroadcast(transposeA ? matMul(b!, dy, transposeB, true) : matMul(dy, b!, false, !transposeB), a!.shape),
        b: () =>
          unbroadcast(transposeB ? matMul(dy, a!, true, transposeA) : matMul(a!, dy, !transposeA, false), b!.shape),
      };
    },
  },
  {
    kernelName: 'Conv2D',
    inputsToSave: ['x', 'filter'],
    gradFunc: (dy, [x, filter], attrs) => {
      const { strides, pad: padding, dataFormat, dilations, dimRoundingMode } = attrs as unknown as ConvolutionAttrs;
      util.assert(
        backend_util.tupleValuesAreOne(dilations ?? 1),
        () => `The gradient of conv2d needs dilations of 1; got ${dilations}`,
      );
      const geometry = { strides, pad: padding, dataFormat: dataFormat ?? 'NHWC', dimRoundingMode };
      return {
        x: () =>
          run('Conv2DBackpropInput', { dy: dy as Tensor4D, filter: filter! }, { ...geometry, inputShape: x!.shape }),
        filter: () =>
          run('Conv2DBackpropFilter', { x: x!, dy: dy as Tensor4D }, { ...geometry, filterShape: filter!.shape }),
      };
    },
  },
  {
    kernelName: 'MaxPool',
    inputsToSave: ['x'],
    outputsToSave: [true],
    gradFunc: (dy, [x, y], attrs) => ({
      x: () => run('MaxPoolGrad', { dy: dy as Tensor, input: x!, output: y! }, poolAttrs(attrs)),
    }),
  },
  {
    kernelName: 'AvgPool',
    inputsToSave: ['x'],
    gradFunc: (dy, [x], attrs) => ({ x: () => run('AvgPoolGrad', { dy: dy as Tensor, input: x! }, poolAttrs(attrs)) }),
  },
];

/** Registered even where TensorFlow.js has its own. */
export const CORRECTED_GRADIENTS: readonly GradConfig[] = [
  {
    kernelName: 'Cumsum',
    gradFunc: (dy, _saved, attrs) => {
      const {
        axis,
        exclusive,
        reverse: isReversed,
      } = attrs as unknown as { axis: number; exclusive: boolean; reverse: boolean };
      return { x: () => cumsum(dy as Tensor, axis, exclusive, !isReversed) };
    },
  },
  {
    kernelName: 'GatherV2',
    inputsToSave: ['x', 'indices'],
    gradFunc: (dy, [x, indices], attrs) => {
      const { axis, batchDims } = attrs as unknown as { axis: number; batchDims: number };
      return {
        x: () => gatherGradient(dy as Tensor, x!, indices!, axis, batchDims),
        indices: () => zeros(indices!.shape),
      };
    },
  },
  {
    kernelName: 'TopK',
    inputsToSave: ['x'],
    outputsToSave: [false, true],
    gradFunc: (dy, [x, indices]) => {
      const dValues = (dy as unknown as Tensor[])[0]!;
      const size = x!.shape[x!.shape.length - 1]!;
      return { x: () => sum(mul(expandDims(dValues, -1), cast(oneHot(cast(indices!, 'int32'), size), 'float32')), -2) };
    },
  },
];

function poolAttrs(attrs: object): object {
  const { filterSize, strides, pad: padding, dimRoundingMode } = attrs as ConvolutionAttrs;
  return { filterSize, strides, pad: padding, dimRoundingMode };
}

/**
 * Gathered values are [batch..., outer..., indices..., inner...]. Bring the axis to the front of each batch entry, number the rows of all
 * batch entries through, and sum by number.
 */
function gatherGradient(dy: Tensor, x: Tensor, indices: Tensor, axis: number, batchDims: number): Tensor {
  const at = util.parseAxisParam(axis, x.shape)[0]!;
  const shared = batchDims < 0 ? batchDims + indices.rank : batchDims;
  const batch = util.sizeFromShape(x.shape.slice(0, shared));
  const outer = util.sizeFromShape(x.shape.slice(shared, at));
  const size = x.shape[at]!;
  const inner = util.sizeFromShape(x.shape.slice(at + 1));
  const count = util.sizeFromShape(indices.shape.slice(shared));
  const rows = reshape(transpose(reshape(dy, [batch, outer, count, inner]), [0, 2, 1, 3]), [
    batch * count,
    outer * inner,
  ]);
  const offsets = tile(reshape(mul(range(0, batch, 1, 'int32'), size), [batch, 1]), [1, count]);
  const segments = reshape(add(reshape(cast(indices, 'int32'), [batch, count]), offsets), [batch * count]);
  const sums = unsortedSegmentSum(rows, cast(segments, 'int32') as Tensor1D, batch * size);
  return reshape(transpose(reshape(sums, [batch, size, outer, inner]), [0, 2, 1, 3]), x.shape);
}
