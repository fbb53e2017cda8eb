// The kernels registered for the 'wasm' backend, by TensorFlow.js' name. A kernel that upstream has too is replaced where ours is faster, and
// hands the cases that ours does not cover (dilation, channels first, other dtypes) to upstream's.

import type {
  AvgPoolGradAttrs,
  Conv2DAttrs,
  Conv2DBackpropFilterAttrs,
  Conv2DBackpropInputAttrs,
  FusedConv2DAttrs,
  KernelFunc,
  MaxPoolGradAttrs,
  NamedAttrMap,
  SumAttrs,
  TensorInfo,
  UnsortedSegmentSumAttrs,
} from '@tensorflow/tfjs-core';
import { backend_util, util } from '@tensorflow/tfjs-core';
import {
  convolutionInfo,
  convolve,
  filterGradient,
  inputGradient,
  isSupportedConvolution,
  requireGeometry,
  requireShape,
} from './convolution.ts';
import { matrixMultiply } from './matrix-multiplication.ts';
import { type KernelModule, kernelModule } from './module.ts';
import { areNeighbors, segmentSum, sumNeighbors } from './reductions.ts';

/** Names of kernels that exist only here; `relu`'s gradient and `adamStep` use them where they are registered. */
export const RELU_GRADIENT = 'MoeRlReluGrad';
export const ADAM_STEP = 'MoeRlAdamStep';

interface AdamStepAttrs {
  readonly beta1: number;
  readonly beta2: number;
  /** learning rate / (1 - beta1^t) */
  readonly stepSize: number;
  /** 1 / sqrt(1 - beta2^t) */
  readonly secondMomentScale: number;
  readonly epsilon: number;
}

type RoundingMode = 'floor' | 'round' | 'ceil';

const ROUNDING_MODES: readonly (RoundingMode | undefined)[] = [undefined, 'ceil', 'round'];

interface Call {
  readonly module: KernelModule;
  readonly inputs: Record<string, TensorInfo>;
  readonly attrs: NamedAttrMap | undefined;
}

/** Returns undefined for a case it does not cover. */
type Kernel = (call: Call) => TensorInfo | TensorInfo[] | undefined;

const KERNELS: Readonly<Record<string, Kernel>> = {
  Conv2D({ module, inputs, attrs }) {
    const { x, filter } = inputs as { x: TensorInfo; filter: TensorInfo };
    const info = convolutionInfo(x.shape, filter.shape, attrs as unknown as Conv2DAttrs);
    return isSupportedConvolution(info) ? convolve(module, x, filter, info) : undefined;
  },
  FusedConv2D({ module, inputs, attrs }) {
    const { x, filter, bias } = inputs as { x: TensorInfo; filter: TensorInfo; bias?: TensorInfo };
    const { activation } = attrs as unknown as FusedConv2DAttrs;
    const info = convolutionInfo(x.shape, filter.shape, attrs as unknown as FusedConv2DAttrs);
    const isVector = bias === undefined || util.sizeFromShape(bias.shape) === info.outChannels;
    if (!isSupportedConvolution(info) || !isVector || !isReluOrLinear(activation)) return undefined;
    return convolve(module, x, filter, info, bias, activation === 'relu');
  },
  Conv2DBackpropInput({ module, inputs, attrs }) {
    const { dy, filter } = inputs as { dy: TensorInfo; filter: TensorInfo };
    const convAttrs = attrs as unknown as Conv2DBackpropInputAttrs;
    const info = convolutionInfo(convAttrs.inputShape, filter.shape, convAttrs);
    requireShape('conv2d gradient: dy', dy, info.outShape);
    return isSupportedConvolution(info) ? inputGradient(module, dy, filter, info) : undefined;
  },
  Conv2DBackpropFilter({ module, inputs, attrs }) {
    const { x, dy } = inputs as { x: TensorInfo; dy: TensorInfo };
    const convAttrs = attrs as unknown as Conv2DBackpropFilterAttrs;
    const info = convolutionInfo(x.shape, convAttrs.filterShape, convAttrs);
    requireShape('conv2d filter gradient: dy', dy, info.outShape);
    return isSupportedConvolution(info) ? filterGradient(module, x, dy, info) : undefined;
  },
  BatchMatMul({ module, inputs, attrs }) {
    const { a, b } = inputs as { a: TensorInfo; b: TensorInfo };
    const { transposeA, transposeB } = attrs as { transposeA: boolean; transposeB: boolean };
    return matrixMultiply(module, a, b, transposeA, transposeB);
  },
  _FusedMatMul({ module, inputs, attrs }) {
    const { a, b, bias } = inputs as { a: TensorInfo; b: TensorInfo; bias?: TensorInfo };
    const { transposeA, transposeB, activation } = attrs as unknown as {
      transposeA: boolean;
      transposeB: boolean;
      activation: backend_util.Activation;
    };
    const columns = b.shape[b.shape.length - (transposeB ? 2 : 1)]!;
    const isVector = bias === undefined || util.sizeFromShape(bias.shape) === columns;
    if (!isVector || !isReluOrLinear(activation)) return undefined;
    return matrixMultiply(module, a, b, transposeA, transposeB, bias, activation === 'relu');
  },
  MaxPoolGrad({ module, inputs, attrs }) {
    const { dy, input, output } = inputs as { dy: TensorInfo; input: TensorInfo; output: TensorInfo };
    const { filterSize, strides, pad, dimRoundingMode } = attrs as unknown as MaxPoolGradAttrs;
    const info = backend_util.computePool2DInfo(
      input.shape as [number, number, number, number],
      filterSize,
      strides,
      1,
      pad,
      dimRoundingMode,
    );
    requireGeometry(info, input.shape, [info.filterHeight, info.filterWidth]);
    requireShape('maxPool gradient: dy', dy, info.outShape);
    requireShape('maxPool gradient: output', output, info.outShape);
    const dx = module.output(input.shape);
    module.run(
      'maxPoolGradient',
      [
        module.pointer(input),
        module.pointer(output),
        module.pointer(dy),
        module.pointer(dx),
        info.inHeight,
        info.inWidth,
        info.inChannels,
        info.outHeight,
        info.outWidth,
        info.strideHeight,
        info.strideWidth,
        info.dilationHeight,
        info.dilationWidth,
        info.filterHeight,
        info.filterWidth,
        info.padInfo.top,
        info.padInfo.left,
      ],
      { total: info.batchSize, multiple: 1, operations: util.sizeFromShape(input.shape) },
    );
    return dx;
  },
  AvgPoolGrad({ module, inputs, attrs }) {
    const { dy, input } = inputs as { dy: TensorInfo; input: TensorInfo };
    const { filterSize, strides, pad } = attrs as unknown as AvgPoolGradAttrs;
    const { dimRoundingMode } = attrs as { dimRoundingMode?: RoundingMode };
    const infoOf = (mode: RoundingMode | undefined) =>
      backend_util.computePool2DInfo(
        input.shape as [number, number, number, number],
        filterSize,
        strides,
        1,
        pad,
        mode,
      );
    // TensorFlow.js' own gradient does not pass on how sizes were rounded: dy's shape tells.
    const modes = dimRoundingMode === undefined && typeof pad === 'number' ? ROUNDING_MODES : [dimRoundingMode];
    const infos = modes.map(infoOf);
    const info = infos.find(({ outShape }) => util.arraysEqual(outShape, dy.shape)) ?? infos[0]!;
    requireGeometry(info, input.shape, [info.filterHeight, info.filterWidth]);
    requireShape('avgPool gradient: dy', dy, info.outShape);
    const dx = module.output(input.shape);
    module.run(
      'averagePoolGradient',
      [
        module.pointer(dy),
        module.pointer(dx),
        info.inHeight,
        info.inWidth,
        info.inChannels,
        info.outHeight,
        info.outWidth,
        info.strideHeight,
        info.strideWidth,
        info.filterHeight,
        info.filterWidth,
        info.padInfo.top,
        info.padInfo.left,
      ],
      { total: info.batchSize, multiple: 1, operations: util.sizeFromShape(input.shape) },
    );
    return dx;
  },
  Sum({ module, inputs, attrs }) {
    const { x } = inputs as { x: TensorInfo };
    const { axis, keepDims } = attrs as unknown as SumAttrs;
    const axes = util.parseAxisParam(axis, x.shape);
    if (!areNeighbors(x.shape, axes)) return undefined;
    return sumNeighbors(module, x, axes, keepDims ?? false);
  },
  UnsortedSegmentSum({ module, inputs, attrs }) {
    const { x, segmentIds } = inputs as { x: TensorInfo; segmentIds: TensorInfo };
    requireShape('unsortedSegmentSum: segmentIds', segmentIds, x.shape.slice(0, segmentIds.shape.length));
    return segmentSum(module, x, segmentIds, (attrs as unknown as UnsortedSegmentSumAttrs).numSegments);
  },
  /** Only the sum of a tensor and a bias along its last axes, which is 3 times as fast as upstream's broadcast. */
  Add({ module, inputs }) {
    const { a, b } = inputs as { a: TensorInfo; b: TensorInfo };
    const [x, bias] = isBiasOf(a.shape, b.shape)
      ? [a, b]
      : isBiasOf(b.shape, a.shape)
        ? [b, a]
        : [undefined, undefined];
    if (x === undefined) return undefined;
    const out = module.output(x.shape);
    const size = util.sizeFromShape(x.shape);
    const columns = util.sizeFromShape(bias.shape);
    module.run('addBias', [module.pointer(x), module.pointer(bias), module.pointer(out), columns], {
      total: size / columns,
      multiple: 1,
      operations: size,
    });
    return out;
  },
  /** Shares the data instead of copying it: clones are everywhere on the tape (23 ms of an 830 ms IMPALA step). */
  Identity({ module, inputs }) {
    return module.share(inputs.x!);
  },
  [RELU_GRADIENT]({ module, inputs }) {
    const { dy, x } = inputs as { dy: TensorInfo; x: TensorInfo };
    const dx = module.output(x.shape);
    const size = util.sizeFromShape(x.shape);
    module.run('reluGradient', [module.pointer(dy), module.pointer(x), module.pointer(dx)], {
      total: size,
      multiple: 4,
      operations: size,
    });
    return dx;
  },
  [ADAM_STEP]({ module, inputs, attrs }) {
    const { value, firstMoment, secondMoment, gradient } = inputs as Record<string, TensorInfo>;
    const { beta1, beta2, stepSize, secondMomentScale, epsilon } = attrs as unknown as AdamStepAttrs;
    const outputs = [module.output(value!.shape), module.output(value!.shape), module.output(value!.shape)];
    const size = util.sizeFromShape(value!.shape);
    module.run(
      'adam',
      [
        ...[value!, firstMoment!, secondMoment!, gradient!, ...outputs].map((tensor) => module.pointer(tensor)),
        beta1,
        1 - beta1,
        beta2,
        1 - beta2,
        stepSize,
        secondMomentScale,
        epsilon,
      ],
      { total: size, multiple: 4, operations: 4 * size },
    );
    return outputs;
  },
};

/** The names of all kernels registered by this package. */
export const WASM_KERNEL_NAMES: readonly string[] = Object.keys(KERNELS);

/** The kernel function for a name; `upstream` takes what ours does not cover. */
export function wasmKernel(name: string, upstream: KernelFunc | undefined): KernelFunc {
  const kernel = KERNELS[name]!;
  return ({ inputs, backend, attrs }) => {
    const tensors = inputs as Record<string, TensorInfo>;
    if (hasOnlySupportedDtypes(name, tensors)) {
      const result = kernel({ module: kernelModule(backend), inputs: tensors, attrs });
      if (result !== undefined) return result;
    }
    if (upstream === undefined) {
      throw new Error(
        `${name} on the wasm backend: only float32, channels last, without dilation; got ${JSON.stringify(attrs)}`,
      );
    }
    return upstream({ inputs, backend, attrs } as Parameters<KernelFunc>[0]);
  };
}

function hasOnlySupportedDtypes(name: string, inputs: Record<string, TensorInfo>): boolean {
  if (name === 'Identity') return true;
  for (const [key, tensor] of Object.entries(inputs)) {
    if (tensor == null) continue;
    if (name === 'UnsortedSegmentSum' && key === 'segmentIds' ? tensor.dtype !== 'int32' : tensor.dtype !== 'float32') {
      return false;
    }
  }
  return true;
}

/** Whether `bias` is smaller than `shape`, with more than one value, and equal to its last axes (leading axes of 1 left out). */
function isBiasOf(shape: readonly number[], bias: readonly number[]): boolean {
  if (bias.length > shape.length) return false;
  const size = util.sizeFromShape([...bias]);
  if (size < 2 || size >= util.sizeFromShape([...shape])) return false;
  const trimmed = bias.slice(bias.findIndex((each) => each !== 1));
  return util.arraysEqual(trimmed, shape.slice(shape.length - trimmed.length));
}

function isReluOrLinear(activation: backend_util.Activation | undefined): boolean {
  return activation == null || activation === 'linear' || activation === 'relu';
}
