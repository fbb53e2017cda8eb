// Which operations training needs, and which backend has them: asked of TensorFlow.js' own kernel registry, so it is never out of date.

import { InvalidArgumentError } from '@moe-rl/core';
import { getGradient, getKernel } from '@tensorflow/tfjs-core';
import { MissingKernelError } from './errors.ts';
import { isBackendLoaded, isOwnKernel } from './register.ts';

/** `moe-rl`: registered by this package. `not loaded`: the backend's package has not been imported. */
export type KernelAvailability = 'available' | 'moe-rl' | 'missing' | 'not loaded';

export interface OpBackendRow {
  /** TensorFlow.js' kernel name. */
  readonly op: string;
  /** What needs it. */
  readonly usedFor: string;
  /** `yes`/`missing`: its gradient; `none`: it needs none, or is one. */
  readonly gradient: 'yes' | 'missing' | 'none';
  readonly backends: Readonly<Record<string, KernelAvailability>>;
}

const DIFFERENTIABLE: Readonly<Record<string, string>> = {
  Conv2D: 'encoders',
  FusedConv2D: 'encoders (bias and relu in one kernel)',
  MaxPool: 'IMPALA encoder',
  AvgPool: 'patch tokens',
  BatchMatMul: 'dense layers, experts, routers',
  _FusedMatMul: 'dense layers (bias and relu in one kernel)',
  Relu: 'everywhere',
  Softmax: 'routers, distributions',
  Add: 'everywhere',
  AddN: 'gradients of values used twice',
  Sub: 'losses',
  Multiply: 'everywhere',
  RealDiv: 'normalization',
  Neg: 'losses',
  Abs: 'Huber loss, noisy layers',
  Square: 'losses',
  Sqrt: 'optimizers, normalization',
  Rsqrt: 'normalization',
  Exp: 'logSoftmax, logSumExp',
  Log: 'cross-entropy, entropy',
  Sigmoid: 'gates',
  Tanh: 'gates',
  Sum: 'everywhere',
  Mean: 'losses, dueling heads',
  Max: 'targets, logSumExp',
  Min: 'losses',
  Maximum: 'losses',
  Minimum: 'Huber loss',
  ClipByValue: 'distribution projection',
  SquaredDifference: 'losses',
  Select: 'masks',
  Cast: 'uint8 frames, masks',
  Reshape: 'everywhere',
  ExpandDims: 'everywhere',
  Transpose: 'frames to NHWC, tokens',
  Concat: 'everywhere',
  SplitV: 'gradient of concat',
  Slice: 'frame stacks',
  Pack: 'stacks',
  Unpack: 'stacks',
  PadV2: 'gradient of slice, random shifts',
  Tile: 'broadcasts',
  Cumsum: 'capacity of experts, distributions',
  GatherV2: 'routing, values of actions',
  UnsortedSegmentSum: 'gradient of gather',
  TopK: 'top-k routing',
};

const NOT_DIFFERENTIABLE: Readonly<Record<string, string>> = {
  Conv2DBackpropFilter: 'gradient of conv2d',
  Conv2DBackpropInput: 'gradient of conv2d',
  MaxPoolGrad: 'gradient of maxPool',
  AvgPoolGrad: 'gradient of avgPool',
  ArgMax: 'acting',
  OneHot: 'values of actions, routing',
  Range: 'distribution projection',
  Fill: 'everywhere',
  ZerosLike: 'optimizers',
  OnesLike: 'masks',
  Equal: 'gradient of max',
  Greater: 'masks',
  GreaterEqual: 'masks',
  Less: 'masks',
  LessEqual: 'masks',
  LogicalAnd: 'masks',
  LogicalNot: 'masks',
  Floor: 'distribution projection',
  Ceil: 'distribution projection',
  Sign: 'gradient of abs, noisy layers',
  Step: 'gradient of relu',
  Identity: 'everywhere',
};

/** Kernel names of every operation that DQN, Rainbow and DER training with Nature and IMPALA encoders, Soft MoE and top-k MoE use. */
export const TRAINING_OPS: readonly string[] = [...Object.keys(DIFFERENTIABLE), ...Object.keys(NOT_DIFFERENTIABLE)];

/** Their gradients are built into TensorFlow.js' fused operations. */
const BUILT_IN_GRADIENTS = new Set(['FusedConv2D', '_FusedMatMul']);

export const DEFAULT_BACKENDS: readonly string[] = ['cpu', 'wasm', 'webgpu', 'tensorflow'];

/**
 * The op x backend table, from the kernel registry as it is now. A backend whose package has not been imported reads `not loaded`; call
 * `registerTrainingKernels` first to see what it adds.
 */
export function opBackendTable(backendNames: readonly string[] = DEFAULT_BACKENDS): OpBackendRow[] {
  return TRAINING_OPS.map((op) => ({
    op,
    usedFor: (DIFFERENTIABLE[op] ?? NOT_DIFFERENTIABLE[op])!,
    gradient: gradientOf(op),
    backends: Object.fromEntries(backendNames.map((name) => [name, availability(op, name)])),
  }));
}

/** The table as GitHub-flavored markdown. */
export function formatOpBackendTable(rows: readonly OpBackendRow[]): string {
  const names = Object.keys(rows[0]?.backends ?? {});
  const lines = [
    `| op | used for | gradient | ${names.join(' | ')} |`,
    `| --- | --- | --- |${' --- |'.repeat(names.length)}`,
  ];
  for (const row of rows) {
    const cells = names.map((name) => row.backends[name]);
    lines.push(`| ${row.op} | ${row.usedFor} | ${row.gradient} | ${cells.join(' | ')} |`);
  }
  return lines.join('\n');
}

/**
 * Checks that a backend can train before anything is built on it.
 * @throws InvalidArgumentError when the backend's package has not been imported; MissingKernelError naming every missing kernel and gradient.
 */
export function requireTrainingOps(backendName: string, ops: readonly string[] = TRAINING_OPS): void {
  if (!isBackendLoaded(backendName)) {
    throw new InvalidArgumentError(
      `backend ${JSON.stringify(backendName)} has no kernels; import its package (for "wasm": @tensorflow/tfjs-backend-wasm) first`,
    );
  }
  const kernels = ops.filter((op) => getKernel(op, backendName) == null).sort();
  const gradients = ops.filter((op) => gradientOf(op) === 'missing').sort();
  if (kernels.length === 0 && gradients.length === 0) return;
  const parts = [
    ...(kernels.length > 0 ? [`backend ${JSON.stringify(backendName)} lacks the kernels ${kernels.join(', ')}`] : []),
    ...(gradients.length > 0 ? [`TensorFlow.js has no gradient for ${gradients.join(', ')}`] : []),
  ];
  const cure = backendName === 'wasm' || kernels.length === 0 ? '; call registerTrainingKernels() first' : '';
  throw new MissingKernelError(`${parts.join('; ')}${cure}`, backendName, [...kernels, ...gradients]);
}

function availability(op: string, backendName: string): KernelAvailability {
  if (!isBackendLoaded(backendName)) return 'not loaded';
  if (getKernel(op, backendName) == null) return 'missing';
  return isOwnKernel(op, backendName) ? 'moe-rl' : 'available';
}

function gradientOf(op: string): OpBackendRow['gradient'] {
  if (!(op in DIFFERENTIABLE)) return 'none';
  return BUILT_IN_GRADIENTS.has(op) || getGradient(op) != null ? 'yes' : 'missing';
}
