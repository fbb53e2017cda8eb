// TensorOps on jax-js (`@jax-js/jax`). jax-js arrays are reference counted and its operations consume their arguments; here every operation takes
// a new reference instead, so nothing is consumed, and `tidy` frees what was made inside it. Runs eagerly and under jax-js's own jit and grad.
import type * as jaxjs from '@jax-js/jax';
import { TensorOpsError } from './errors.ts';
import { type Shape, sizeOf, type TensorOps } from './tensor-ops.ts';

/** The part of `@jax-js/jax` that the adapter calls. */
export type JaxJs = Pick<typeof jaxjs, 'lax' | 'nn' | 'numpy'>;

/** TensorOps over jax-js arrays. */
export type JaxOps = TensorOps<jaxjs.Array>;

/** Makes the adapter from the `@jax-js/jax` namespace. Call `init()` of jax-js first, as its documentation says. */
export function createJaxOps(jax: JaxJs): JaxOps {
  type Tensor = jaxjs.Array;
  const { lax, nn, numpy: np } = jax;
  // Arrays made since the innermost `tidy` began.
  const scopes: Set<Tensor>[] = [];
  const keep = (x: Tensor): Tensor => {
    scopes.at(-1)?.add(x);
    return x;
  };
  const unary =
    (apply: (x: Tensor) => Tensor) =>
    (x: Tensor): Tensor =>
      keep(apply(x.ref));
  const binary =
    (apply: (a: Tensor, b: Tensor) => Tensor) =>
    (a: Tensor, b: Tensor): Tensor =>
      keep(apply(a.ref, b.ref));
  const mutable = (shape: Shape): number[] => [...shape];
  const asInteger = (x: Tensor): Tensor => x.ref.astype(np.int32);
  const matrixAxes = (rank: number): number[] => {
    const axes = Array.from({ length: rank }, (_, axis) => axis);
    [axes[rank - 2], axes[rank - 1]] = [rank - 1, rank - 2];
    return axes;
  };
  const axisOf = (x: Tensor, axis: number): number => (axis < 0 ? axis + x.shape.length : axis);
  // Not nn.oneHot: that wraps negative indices around.
  const oneHot = (indices: Tensor, depth: number): Tensor =>
    np
      .equal(np.reshape(asInteger(indices), [...indices.shape, 1]), np.arange(0, depth, 1, { dtype: np.int32 }))
      .astype(np.float32);

  // jax-js's wasm logarithm is off by up to 1e-5. One step of Newton's method on exp (Halley's, in fact) brings that to rounding.
  const log = (x: Tensor): Tensor => {
    const rough = np.log(x.ref);
    const back = np.exp(rough.ref);
    const correction = np.multiply(np.trueDivide(np.subtract(x.ref, back.ref), np.add(x, back)), 2);
    return np.where(np.isfinite(rough.ref), np.add(rough.ref, correction), rough);
  };

  return {
    name: 'jax-js',
    epsilon: 2 ** -23,
    isOnHost: false,
    tensor(data, shape) {
      if (sizeOf(shape) !== data.length) {
        throw new TensorOpsError('SHAPE', `tensor: ${data.length} values don't fill shape [${shape}]`);
      }
      return keep(np.array(Float32Array.from(data), { shape: mutable(shape), dtype: np.float32 }));
    },
    fill: (shape, value) => keep(np.full(mutable(shape), value, { dtype: np.float32 })),
    shape: (x) => x.shape,
    read: (x) => Float32Array.from(x.ref.dataSync()),
    tidy(body) {
      const scope = new Set<Tensor>();
      scopes.push(scope);
      try {
        const result = body();
        const spare = (value: unknown): void => {
          if (scope.delete(value as Tensor)) scopes.at(-2)?.add(value as Tensor);
          else if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value) && !isArray(value)) {
            Object.values(value).forEach(spare);
          }
        };
        spare(result);
        return result;
      } finally {
        scopes.pop();
        for (const x of scope) x.dispose();
      }
    },
    stopGradient: unary((x) => lax.stopGradient(x) as Tensor),
    reshape: (x, shape) => keep(np.reshape(x.ref, mutable(shape))),
    transpose: (x, permutation) => keep(np.transpose(x.ref, [...permutation])),
    concat: (xs, axis) =>
      keep(
        np.concatenate(
          xs.map((x) => x.ref),
          axis,
        ),
      ),
    matmul(a, b, transposeA = false, transposeB = false) {
      const left = transposeA ? np.transpose(a.ref, matrixAxes(a.shape.length)) : a.ref;
      const right = transposeB ? np.transpose(b.ref, matrixAxes(b.shape.length)) : b.ref;
      if (
        left.shape.length !== right.shape.length ||
        left.shape.length < 2 ||
        left.shape.at(-1) !== right.shape.at(-2) ||
        left.shape.slice(0, -2).some((size, axis) => size !== right.shape[axis])
      ) {
        throw new TensorOpsError('SHAPE', `matmul: shapes [${left.shape}] and [${right.shape}] don't fit`);
      }
      return keep(np.matmul(left, right));
    },
    add: binary((a, b) => np.add(a, b)),
    subtract: binary((a, b) => np.subtract(a, b)),
    multiply: binary((a, b) => np.multiply(a, b)),
    divide: binary((a, b) => np.divide(a, b)),
    maximum: binary((a, b) => np.maximum(a, b)),
    minimum: binary((a, b) => np.minimum(a, b)),
    greater: binary((a, b) => np.greater(a, b).astype(np.float32)),
    greaterEqual: binary((a, b) => np.greaterEqual(a, b).astype(np.float32)),
    where: (condition, whenTrue, whenFalse) =>
      keep(np.where(condition.ref.astype(np.bool), whenTrue.ref, whenFalse.ref)),
    exp: unary((x) => np.exp(x)),
    log: unary(log),
    sqrt: unary((x) => np.sqrt(x)),
    cos: unary((x) => np.cos(x)),
    tanh: unary((x) => np.tanh(x)),
    relu: unary((x) => nn.relu(x)),
    sigmoid: unary((x) => nn.sigmoid(x)),
    // Not nn.softplus: that overflows.
    softplus: unary((x) => np.logaddexp(x, 0)),
    erf: unary((x) => lax.erf(x)),
    sum: (x, axes, keepAxes = false) => keep(np.sum(x.ref, [...axes], { keepdims: keepAxes })),
    mean: (x, axes, keepAxes = false) => keep(np.mean(x.ref, [...axes], { keepdims: keepAxes })),
    max: (x, axes, keepAxes = false) => keep(np.max(x.ref, [...axes], { keepdims: keepAxes })),
    softmax: (x, axis) => keep(nn.softmax(x.ref, axisOf(x, axis))),
    logSumExp: (x, axis) => keep(nn.logsumexp(x.ref, axisOf(x, axis))),
    cumulativeSum(x, axis, exclusive = false) {
      const inclusive = np.cumsum(x.ref, axisOf(x, axis));
      return keep(exclusive ? np.subtract(inclusive, x.ref) : inclusive);
    },
    topK(x, k) {
      const length = x.shape.at(-1) ?? 0;
      if (!Number.isInteger(k) || k < 1 || k > length) {
        throw new TensorOpsError('INVALID_ARGUMENT', `topK: k is ${k}; expected from 1 to ${length}, the last axis`);
      }
      const [values, indices] = lax.topK(x.ref, k);
      return { values: keep(values), indices: keep(indices) };
    },
    toInteger: (x) => keep(asInteger(x)),
    toFloat: (x) => keep(lax.stopGradient(x.ref.astype(np.float32)) as Tensor),
    oneHot: (indices, depth) => keep(oneHot(indices, depth)),
    gather: (x, indices) => keep(np.take(x.ref, asInteger(indices), 0)),
    segmentSum(x, ids, count) {
      // No scatter in jax-js: a product with the one-hot matrix of the ids (all 0 for a negative one).
      const rows = ids.shape[0] ?? 0;
      const flat = np.reshape(x.ref, [rows, sizeOf(x.shape) / rows]);
      const sums = np.matmul(np.transpose(oneHot(ids, count)), flat);
      return keep(np.reshape(sums, [count, ...x.shape.slice(1)]));
    },
    takeRows(x, indices) {
      const rows = asInteger(indices);
      const isThere = np.greaterEqual(rows.ref, 0);
      const picked = np.take(x.ref, np.maximum(rows, 0), 0);
      const shape = [indices.shape[0]!, ...x.shape.slice(1).map(() => 1)];
      return keep(np.where(np.reshape(isThere, shape), picked, 0));
    },
    groupRows(groups, count) {
      // No scatter and no sort of pairs in jax-js: places are counted with one-hot rows, and the order is read off the places.
      const N = groups.shape[0]!;
      const given = asInteger(groups);
      const all = np.where(np.less(given.ref, 0), count, given);
      const isIn = oneHot(all, count + 1);
      all.dispose();
      const before = np.subtract(np.cumsum(isIn.ref, 0), isIn.ref);
      const sizes = np.sum(isIn.ref, [0]);
      const offsets = np.subtract(np.cumsum(sizes.ref, 0), sizes.ref);
      const places = np
        .sum(np.multiply(isIn, np.add(before, np.reshape(offsets, [1, count + 1]))), [1])
        .astype(np.int32);
      const [, order] = lax.topK(np.negative(places.ref.astype(np.float32)), N);
      const head = np.take(sizes, np.arange(0, count, 1, { dtype: np.int32 }), 0);
      return { order: keep(order), places: keep(places), counts: keep(head.astype(np.int32)) };
    },
    segmentMatmul(x, weights, counts, bias) {
      // One masked product per segment: right, and E times the work.
      const [N, D] = x.shape as [number, number];
      const [E, , H] = weights.shape as [number, number, number];
      const ends = np.cumsum(asInteger(counts), 0);
      const rows = np.arange(0, N, 1, { dtype: np.int32 });
      let total = np.zeros([N, H], { dtype: np.float32 });
      for (let segment = 0; segment < E; segment++) {
        const one = (array: Tensor, index: number): Tensor =>
          np.take(array, np.array(Int32Array.of(index), { dtype: np.int32 }), 0);
        const end = one(ends.ref, segment);
        const start = segment === 0 ? np.zeros([1], { dtype: np.int32 }) : one(ends.ref, segment - 1);
        const isIn = np
          .multiply(np.greaterEqual(rows.ref, start).astype(np.float32), np.less(rows.ref, end).astype(np.float32))
          .astype(np.bool);
        const mask = np.reshape(isIn, [N, 1]);
        const own = np.where(mask.ref, x.ref, 0);
        let product = np.matmul(own, np.reshape(one(weights.ref, segment), [D, H]));
        if (bias) product = np.add(product, np.where(mask, one(bias.ref, segment), 0));
        else mask.dispose();
        total = np.add(total, product);
      }
      ends.dispose();
      rows.dispose();
      return keep(total);
    },
  };
}

function isArray(value: object): boolean {
  return 'refCount' in value;
}
