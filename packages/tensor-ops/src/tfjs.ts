// TensorOps on TensorFlow.js. Takes the `tf` namespace as an argument (so a program has exactly one copy of it) and imports only its types.
// Differentiable with tf.grads / tf.variableGrads, and recordable: every operation is one kernel or a short chain, and nothing reads data back.
import type * as tfjs from '@tensorflow/tfjs-core';
import { TensorOpsError } from './errors.ts';
import { type Shape, sizeOf, type TensorOps } from './tensor-ops.ts';
import { createSlotMlp } from './tfjs-experts.ts';
import type { TfjsCore } from './tfjs-namespace.ts';
import { createSegmentOps } from './tfjs-segments.ts';
import { createSoftmaxMatmul } from './tfjs-softmax.ts';

/** TensorOps over tfjs tensors. */
export type TfjsOps = TensorOps<tfjs.Tensor>;

/** Makes the adapter from the `tf` namespace of the program. */
export function createTfjsOps(tf: TfjsCore): TfjsOps {
  type Tensor = tfjs.Tensor;
  // Runs `body` off the gradient tape. tfjs throws when a path to differentiate passes an operation that has no gradient (TopK, Greater) or returns
  // one for integers (GatherV2). A customGrad of an unrelated scalar hides the operations inside from the tape.
  const detached = (body: () => Tensor): Tensor =>
    tf.customGrad((unused) => ({ value: body(), gradFunc: () => tf.zeros((unused as Tensor).shape) }))(tf.scalar(0));
  const asFloat = (x: Tensor): Tensor => (x.dtype === 'float32' ? x : tf.cast(x, 'float32'));
  // tf.oneHot wants a depth of at least 2.
  const rawOneHot = (indices: Tensor, depth: number): Tensor =>
    depth === 1
      ? tf.reshape(tf.equal(indices, tf.scalar(0, 'int32')), [...indices.shape, 1])
      : tf.oneHot(indices as tfjs.Tensor1D, depth);
  const asInteger = (x: Tensor): Tensor => (x.dtype === 'int32' ? x : tf.cast(x, 'int32'));
  // Not tf.gather: under tfjs-node it reads the indices back to check them, which stalls every step and can't be recorded.
  const rowsAt = (x: Tensor, indices: Tensor): Tensor => tf.gatherND(x, tf.reshape(indices, [...indices.shape, 1]));
  const sumAt = (x: Tensor, ids: Tensor, count: number): Tensor => {
    const rest = x.shape.slice(ids.rank);
    const rows = tf.reshape(x, [ids.size, ...rest]);
    if (tf.getBackend() === 'cpu') return sumOnHost(tf, rows, ids, count);
    return tf.unsortedSegmentSum(rows, tf.reshape(ids, [ids.size]) as tfjs.Tensor1D, count);
  };
  const mutable = (shape: Shape): number[] => shape as number[];
  const lastAxisFirst = (x: Tensor, axis: number): number[] | undefined => {
    const at = axis < 0 ? axis + x.rank : axis;
    if (at === x.rank - 1) return undefined;
    const axes = x.shape.map((_, index) => index);
    [axes[at], axes[x.rank - 1]] = [x.rank - 1, at];
    return axes;
  };

  /** Rows at indices, zeros for negative ones: those read a row of zeros that is put at the end. */
  const rowsOrZeros = (x: Tensor, indices: Tensor, isComplete: boolean): Tensor => {
    const rest = x.shape.slice(1);
    // Neither broadcasts nor gathers of tfjs know tensors without elements.
    if (indices.size === 0 || sizeOf(rest) === 0) return tf.zeros([indices.size, ...rest]);
    if (isComplete) return rowsAt(x, indices);
    const extended = tf.concat([x, tf.zeros([1, ...rest])], 0);
    const last = tf.scalar(x.shape[0]!, 'int32');
    return rowsAt(extended, tf.where(tf.less(indices, tf.scalar(0, 'int32')), last, indices));
  };

  return {
    ...createSegmentOps(tf),
    name: 'tfjs',
    epsilon: 2 ** -23,
    isOnHost: false,
    tensor(data, shape) {
      if (sizeOf(shape) !== data.length) {
        throw new TensorOpsError('SHAPE', `tensor: ${data.length} values don't fill shape [${shape}]`);
      }
      return tf.tensor(data instanceof Float32Array ? data : Float32Array.from(data), mutable(shape), 'float32');
    },
    fill: (shape, value) => tf.fill(mutable(shape), value, 'float32'),
    shape: (x) => x.shape,
    read: (x) => Float32Array.from(x.dataSync()),
    tidy: (body) => tf.tidy(body as () => tfjs.TensorContainer) as ReturnType<typeof body>,
    stopGradient: (x) => detached(() => tf.reshape(x, x.shape)),
    reshape: (x, shape) => tf.reshape(x, mutable(shape)),
    transpose: (x, permutation) => tf.transpose(x, permutation as number[]),
    concat: (xs, axis) => tf.concat(xs as Tensor[], axis),
    matmul: (a, b, transposeA = false, transposeB = false) => tf.matMul(a, b, transposeA, transposeB),
    add: (a, b) => tf.add(a, b),
    subtract: (a, b) => tf.sub(a, b),
    multiply: (a, b) => tf.mul(a, b),
    divide: (a, b) => tf.div(a, b),
    maximum: (a, b) => tf.maximum(a, b),
    minimum: (a, b) => tf.minimum(a, b),
    greater: (a, b) => detached(() => tf.cast(tf.greater(a, b), 'float32')),
    greaterEqual: (a, b) => detached(() => tf.cast(tf.greaterEqual(a, b), 'float32')),
    where: (condition, whenTrue, whenFalse) =>
      tf.where(
        detached(() => tf.cast(condition, 'bool')),
        whenTrue,
        whenFalse,
      ),
    exp: (x) => tf.exp(x),
    log: (x) => tf.log(x),
    sqrt: (x) => tf.sqrt(x),
    cos: (x) => tf.cos(x),
    tanh: (x) => tf.tanh(x),
    relu: (x) => tf.relu(x),
    sigmoid: (x) => tf.sigmoid(x),
    softplus: (x) => tf.softplus(x),
    erf: (x) => tf.erf(x),
    sum: (x, axes, keepAxes = false) => tf.sum(x, axes as number[], keepAxes),
    mean: (x, axes, keepAxes = false) => tf.mean(x, axes as number[], keepAxes),
    max: (x, axes, keepAxes = false) => tf.max(x, axes as number[], keepAxes),
    softmax(x, axis) {
      const axes = lastAxisFirst(x, axis);
      return axes ? tf.transpose(tf.softmax(tf.transpose(x, axes)), axes) : tf.softmax(x);
    },
    softmaxMatmul: createSoftmaxMatmul(tf),
    slotMlp: createSlotMlp(tf),
    logSumExp: (x, axis) => tf.logSumExp(x, [axis]),
    cumulativeSum: (x, axis, exclusive = false) => tf.cumsum(x, axis < 0 ? axis + x.rank : axis, exclusive),
    topK(x, k) {
      const length = x.shape[x.rank - 1] ?? 0;
      if (!Number.isInteger(k) || k < 1 || k > length) {
        throw new TensorOpsError('INVALID_ARGUMENT', `topK: k is ${k}; expected from 1 to ${length}, the last axis`);
      }
      const indices = detached(() => tf.topk(x, k).indices);
      // tfjs has no gradient for TopK's values: pick them again with a mask (not a product, so that infinite entries stay harmless).
      const picked = detached(() => tf.cast(rawOneHot(indices, length), 'bool'));
      const rows = tf.reshape(x, [...x.shape.slice(0, -1), 1, length]);
      return { values: tf.sum(tf.where(picked, rows, tf.scalar(0)), -1), indices };
    },
    toInteger: (x) => detached(() => tf.cast(x, 'int32')),
    toFloat: (x) => detached(() => asFloat(x)),
    oneHot: (indices, depth) => detached(() => asFloat(rawOneHot(asInteger(indices), depth))),
    gather(x, indices) {
      const rows = asInteger(indices);
      return tf.customGrad((source, save) => {
        (save as tfjs.GradSaveFunc)([rows]);
        return {
          value: rowsAt(source as Tensor, rows),
          gradFunc: (dy, [saved]) => sumAt(dy, saved!, (source as Tensor).shape[0]!),
        };
      })(x);
    },
    segmentSum(x, ids, count) {
      const segments = asInteger(ids);
      return tf.customGrad((source, save) => {
        (save as tfjs.GradSaveFunc)([segments]);
        return {
          value: sumAt(source as Tensor, segments, count),
          gradFunc: (dy, [saved]) => {
            const zero = tf.scalar(0, 'int32');
            const picked = rowsAt(dy, tf.maximum(saved!, zero));
            const isCounted = tf.cast(tf.greaterEqual(saved!, zero), 'float32');
            return tf.mul(picked, tf.reshape(isCounted, [saved!.size, ...dy.shape.slice(1).map(() => 1)]));
          },
        };
      })(x);
    },
    takeRows(x, indices, inverse, isComplete = false) {
      const [rows, places] = [asInteger(indices), asInteger(inverse)];
      return tf.customGrad((source, save) => {
        (save as tfjs.GradSaveFunc)([places]);
        return {
          value: rowsOrZeros(source as Tensor, rows, isComplete),
          gradFunc: (dy, [saved]) => {
            const [N, K] = saved!.shape as [number, number];
            const rest = dy.shape.slice(1);
            const taken = rowsOrZeros(dy, tf.reshape(saved!, [N * K]), isComplete);
            return K === 1 ? tf.reshape(taken, [N, ...rest]) : tf.sum(tf.reshape(taken, [N, K, ...rest]), 1);
          },
        };
      })(x);
    },
  };
}

/** tfjs' own kernel for cpu multiplies all rows with a mask for every segment: slow, and one NaN reaches every segment. */
function sumOnHost(tf: TfjsCore, rows: tfjs.Tensor, ids: tfjs.Tensor, count: number): tfjs.Tensor {
  const values = rows.dataSync();
  const size = sizeOf(rows.shape.slice(1));
  const sums = new Float32Array(count * size);
  ids.dataSync().forEach((id, row) => {
    if (id < 0 || id >= count) return;
    for (let column = 0; column < size; column++) sums[id * size + column]! += values[row * size + column]!;
  });
  return tf.tensor(sums, [count, ...rows.shape.slice(1)]);
}

export type { TfjsCore } from './tfjs-namespace.ts';
