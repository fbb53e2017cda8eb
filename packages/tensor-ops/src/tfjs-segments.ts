// Grouped rows on TensorFlow.js: sorting rows by group, and products of segments with matrices of their own. Three ways, chosen by the backend:
// - tensorflow (tfjs-node): TensorFlow's SplitV, MatMul and ConcatV2, whose shapes are found when the graph runs, so that a recorded step works too;
// - cpu and wasm, where values are in JavaScript's reach: slices of known lengths;
// - elsewhere (webgl, webgpu): one masked product per segment, E times the work, without reading anything back.
import type * as tfjs from '@tensorflow/tfjs-core';
import type { RowGroups, SegmentMlpLayers } from './tensor-ops.ts';
import { execute, type NativeBackend, nativeBackend } from './tfjs-backend.ts';
import type { TfjsCore } from './tfjs-namespace.ts';

type Tensor = tfjs.Tensor;

/** `groupRows`, `segmentMatmul` and `segmentMlp` of the adapter. */
export function createSegmentOps(tf: TfjsCore): {
  groupRows(groups: Tensor, count: number): RowGroups<Tensor>;
  segmentMatmul(x: Tensor, weights: Tensor, counts: Tensor, bias?: Tensor): Tensor;
  segmentMlp(x: Tensor, layers: SegmentMlpLayers<Tensor>, counts: Tensor): Tensor;
} {
  const native = (): NativeBackend | undefined => nativeBackend(tf);
  const isReadable = (): boolean => tf.getBackend() === 'cpu' || tf.getBackend() === 'wasm';

  /** The segments of rows, and what comes after the last. */
  const split = (backend: NativeBackend, x: Tensor, counts: Tensor): Tensor[] => {
    const E = counts.size;
    const rest = tf.sub(tf.scalar(x.shape[0]!, 'int32'), tf.sum(counts));
    const sizes = tf.concat([counts, tf.reshape(rest, [1])]);
    const attributes = { T: 'float', Tlen: 'int', num_split: E + 1 } as const;
    return execute(backend, 'SplitV', attributes, [x, sizes, tf.scalar(0, 'int32')], E + 1);
  };
  const product = (backend: NativeBackend, a: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean): Tensor =>
    execute(backend, 'MatMul', { T: 'float', transpose_a: transposeA, transpose_b: transposeB }, [a, b])[0]!;
  /** One after another, and zeros in the place of `rest`. */
  const join = (backend: NativeBackend, parts: Tensor[], rest: Tensor, width: number): Tensor => {
    // A product with a matrix of zeros would spread NaN; rows of no columns times a matrix of no rows are zeros.
    const empty = execute(backend, 'Slice', { T: 'float', Index: 'int' }, [
      rest,
      tf.tensor1d([0, 0], 'int32'),
      tf.tensor1d([-1, 0], 'int32'),
    ])[0]!;
    const zeros = product(backend, empty, tf.zeros([0, width]), false, false);
    const inputs = [...parts, zeros, tf.scalar(0, 'int32')];
    return execute(backend, 'ConcatV2', { N: parts.length + 1, T: 'float', Tidx: 'int' }, inputs)[0]!;
  };

  const columnSums = (backend: NativeBackend, segments: readonly Tensor[]): Tensor => {
    const attributes = { T: 'float', Tidx: 'int', keep_dims: false } as const;
    const axis = tf.tensor1d([0], 'int32');
    return tf.stack(segments.map((segment) => execute(backend, 'Sum', attributes, [segment, axis])[0]!));
  };

  const nativeForward = (backend: NativeBackend, x: Tensor, weights: Tensor, counts: Tensor, bias?: Tensor): Tensor => {
    const segments = split(backend, x, counts);
    const rest = segments.pop()!;
    const matrices = tf.unstack(weights);
    const offsets = bias && tf.unstack(bias);
    const parts = segments.map((segment, index) => {
      const result = product(backend, segment, matrices[index]!, false, false);
      return offsets ? execute(backend, 'BiasAdd', { T: 'float' }, [result, offsets[index]!])[0]! : result;
    });
    return join(backend, parts, rest, weights.shape[2]!);
  };
  const nativeBackward = (
    backend: NativeBackend,
    dy: Tensor,
    x: Tensor,
    weights: Tensor,
    counts: Tensor,
  ): Gradients => {
    const outer = split(backend, dy, counts);
    const inner = split(backend, x, counts);
    const rest = outer.pop()!;
    inner.pop();
    const matrices = tf.unstack(weights);
    const parts = outer.map((segment, index) => product(backend, segment, matrices[index]!, false, true));
    return {
      x: join(backend, parts, rest, x.shape[1]!),
      weights: tf.stack(outer.map((segment, index) => product(backend, inner[index]!, segment, true, false))),
      bias: () => columnSums(backend, outer),
    };
  };

  /**
   * Both layers of all experts, one expert after another: its hidden rows go from one product to the next while they are in the cache and are never put
   * together with the others'. Gained 1 to 7 % of a dropless layer's forward and backward (16 experts of 512, one thread) and the memory of three arrays of all hidden rows.
   */
  const nativeMlp = (backend: NativeBackend, x: Tensor, layers: SegmentMlpLayers<Tensor>, counts: Tensor): Tensor => {
    const E = counts.size;
    const layer = (rows: Tensor, weights: Tensor, bias: Tensor): Tensor =>
      execute(backend, 'BiasAdd', { T: 'float' }, [product(backend, rows, weights, false, false), bias])[0]!;
    return tf.customGrad((a, b, c, d, e, save) => {
      const [rows, kernel, bias, outputKernel, outputBias] = [a, b, c, d, e] as Tensor[];
      const segments = split(backend, rows!, counts);
      const rest = segments.pop()!;
      const [biases, outputKernels, outputBiases] = [
        tf.unstack(bias!),
        tf.unstack(outputKernel!),
        tf.unstack(outputBias!),
      ];
      const hidden = tf.unstack(kernel!).map((weights, index) => {
        const sums = layer(segments[index]!, weights, biases[index]!);
        return execute(backend, 'Relu', { T: 'float' }, [sums])[0]!;
      });
      const parts = hidden.map((activations, index) => layer(activations, outputKernels[index]!, outputBiases[index]!));
      (save as tfjs.GradSaveFunc)([rows!, kernel!, outputKernel!, counts, ...hidden]);
      return {
        value: join(backend, parts, rest, outputKernel!.shape[2]!),
        gradFunc: (dy: Tensor, saved: Tensor[]) => {
          const [savedRows, savedKernel, savedOutputKernel, sizes, ...activations] = saved as [
            Tensor,
            Tensor,
            Tensor,
            Tensor,
            ...Tensor[],
          ];
          const outer = split(backend, dy, sizes);
          const remaining = outer.pop()!;
          const inner = split(backend, savedRows, sizes).slice(0, E);
          const [kernels, outputs] = [tf.unstack(savedKernel), tf.unstack(savedOutputKernel)];
          const ofSums = outer.map((gradient, index) => {
            const ofHidden = product(backend, gradient, outputs[index]!, false, true);
            return execute(backend, 'ReluGrad', { T: 'float' }, [ofHidden, activations[index]!])[0]!;
          });
          const ofRows = ofSums.map((gradient, index) => product(backend, gradient, kernels[index]!, false, true));
          const ofWeights = (left: readonly Tensor[], right: readonly Tensor[]): Tensor =>
            tf.stack(left.map((segment, index) => product(backend, segment, right[index]!, true, false)));
          return [
            join(backend, ofRows, remaining, savedRows.shape[1]!),
            ofWeights(inner, ofSums),
            columnSums(backend, ofSums),
            ofWeights(activations, outer),
            columnSums(backend, outer),
          ];
        },
      };
    })(x, layers.kernel, layers.bias, layers.outputKernel, layers.outputBias);
  };

  /** First row and number of rows of each segment, on the host. */
  const segmentsOf = (counts: Tensor): { start: number; size: number }[] => {
    let start = 0;
    return Array.from(counts.dataSync(), (size) => {
      start += size;
      return { start: start - size, size };
    });
  };
  const rowsOf = (x: Tensor, start: number, size: number): Tensor => tf.slice(x, [start, 0], [size, x.shape[1]!]);
  const padded = (parts: Tensor[], rows: number, width: number): Tensor => {
    const missing = rows - parts.reduce((total, part) => total + part.shape[0]!, 0);
    const all = missing > 0 ? [...parts, tf.zeros([missing, width])] : parts;
    return all.length === 1 ? all[0]! : tf.concat(all, 0);
  };
  const hostForward = (x: Tensor, weights: Tensor, counts: Tensor, bias?: Tensor): Tensor => {
    const matrices = tf.unstack(weights);
    const parts: Tensor[] = [];
    segmentsOf(counts).forEach(({ start, size }, index) => {
      if (size === 0) return;
      const result = tf.matMul(rowsOf(x, start, size), matrices[index]!);
      parts.push(bias ? tf.add(result, rowsOf(bias, index, 1)) : result);
    });
    return padded(parts, x.shape[0]!, weights.shape[2]!);
  };
  const hostBackward = (dy: Tensor, x: Tensor, weights: Tensor, counts: Tensor): Gradients => {
    const [, D, H] = weights.shape as [number, number, number];
    const matrices = tf.unstack(weights);
    const segments = segmentsOf(counts);
    const used = segments.map((segment, index) => ({ ...segment, index })).filter(({ size }) => size > 0);
    const parts = used.map(({ start, size, index }) =>
      tf.matMul(rowsOf(dy, start, size), matrices[index]!, false, true),
    );
    return {
      x: padded(parts, x.shape[0]!, D),
      weights: tf.stack(
        segments.map(({ start, size }) =>
          size === 0 ? tf.zeros([D, H]) : tf.matMul(rowsOf(x, start, size), rowsOf(dy, start, size), true, false),
        ),
      ),
      bias: () =>
        tf.stack(segments.map(({ start, size }) => (size === 0 ? tf.zeros([H]) : tf.sum(rowsOf(dy, start, size), 0)))),
    };
  };

  /** One masked product per segment; differentiable by itself. */
  const maskedProducts = (x: Tensor, weights: Tensor, counts: Tensor, bias?: Tensor): Tensor => {
    const N = x.shape[0]!;
    const ends = tf.reshape(tf.cumsum(counts), [counts.size, 1]);
    const starts = tf.sub(ends, tf.reshape(counts, [counts.size, 1]));
    const rows = tf.reshape(tf.range(0, N, 1, 'int32'), [1, N]);
    const masks = tf.unstack(tf.logicalAnd(tf.greaterEqual(rows, starts), tf.less(rows, ends)));
    const matrices = tf.unstack(weights);
    const offsets = bias && tf.unstack(bias);
    const zero = tf.scalar(0);
    const parts = masks.map((mask, index) => {
      const isIn = tf.reshape(mask, [N, 1]);
      const result = tf.matMul(tf.where(isIn, x, zero), matrices[index]!);
      return offsets ? tf.where(isIn, tf.add(result, offsets[index]!), zero) : result;
    });
    return parts.reduce((total, part) => tf.add(total, part));
  };

  const segmentMatmul = (x: Tensor, weights: Tensor, counts: Tensor, bias?: Tensor): Tensor => {
    const backend = native();
    if (!backend && !isReadable()) return maskedProducts(x, weights, counts, bias);
    const forward = (rows: Tensor, matrices: Tensor, offsets?: Tensor): Tensor =>
      backend ? nativeForward(backend, rows, matrices, counts, offsets) : hostForward(rows, matrices, counts, offsets);
    const backward = (dy: Tensor, [rows, matrices, sizes]: Tensor[]): Gradients => {
      const now = native();
      return now ? nativeBackward(now, dy, rows!, matrices!, sizes!) : hostBackward(dy, rows!, matrices!, sizes!);
    };
    if (bias) {
      return tf.customGrad((a, b, c, save) => {
        const [rows, matrices, offsets] = [a as Tensor, b as Tensor, c as Tensor];
        (save as tfjs.GradSaveFunc)([rows, matrices, counts]);
        return {
          value: forward(rows, matrices, offsets),
          gradFunc: (dy, saved) => {
            const gradients = backward(dy, saved);
            return [gradients.x, gradients.weights, gradients.bias()];
          },
        };
      })(x, weights, bias);
    }
    return tf.customGrad((a, b, save) => {
      const [rows, matrices] = [a as Tensor, b as Tensor];
      (save as tfjs.GradSaveFunc)([rows, matrices, counts]);
      return {
        value: forward(rows, matrices),
        gradFunc: (dy, saved) => {
          const gradients = backward(dy, saved);
          return [gradients.x, gradients.weights];
        },
      };
    })(x, weights);
  };

  return {
    groupRows(groups, count) {
      const N = groups.size;
      if (isReadable()) return groupOnHost(tf, groups, count);
      const all = tf.where(tf.less(groups, tf.scalar(0, 'int32')), tf.scalar(count, 'int32'), groups);
      const isIn = tf.cast(tf.oneHot(all as tfjs.Tensor1D, count + 1), 'float32');
      const sizes = tf.sum(isIn, 0);
      const before = tf.add(tf.cumsum(isIn, 0, true), tf.cumsum(sizes, 0, true));
      const places = tf.cast(tf.sum(tf.mul(isIn, before), 1), 'int32');
      const backend = native();
      const order = backend
        ? execute(backend, 'InvertPermutation', { T: 'int' }, [places])[0]!
        : tf.topk(tf.neg(tf.cast(places, 'float32')), N).indices;
      return { order, places, counts: tf.cast(tf.slice(sizes, [0], [count]), 'int32') };
    },
    segmentMatmul,
    segmentMlp(x, layers, counts) {
      const backend = native();
      if (backend) return nativeMlp(backend, x, layers, counts);
      const hidden = tf.relu(segmentMatmul(x, layers.kernel, counts, layers.bias));
      return segmentMatmul(hidden, layers.outputKernel, counts, layers.outputBias);
    },
  };
}

interface Gradients {
  readonly x: Tensor;
  readonly weights: Tensor;
  readonly bias: () => Tensor;
}

/** A counting sort. */
function groupOnHost(tf: TfjsCore, groups: Tensor, count: number): RowGroups<Tensor> {
  const values = groups.dataSync();
  const counts = new Int32Array(count + 1);
  const groupOf = (row: number): number => (values[row]! < 0 ? count : values[row]!);
  for (let row = 0; row < values.length; row++) counts[groupOf(row)]!++;
  const next = new Int32Array(count + 1);
  for (let group = 0; group < count; group++) next[group + 1] = next[group]! + counts[group]!;
  const [order, places] = [new Int32Array(values.length), new Int32Array(values.length)];
  for (let row = 0; row < values.length; row++) {
    const place = next[groupOf(row)]!++;
    order[place] = row;
    places[row] = place;
  }
  const integers = (data: Int32Array): Tensor => tf.tensor1d(data, 'int32');
  return { order: integers(order), places: integers(places), counts: integers(counts.slice(0, count)) };
}
