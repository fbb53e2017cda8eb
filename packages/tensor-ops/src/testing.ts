// The conformance suite for adapter writers: every operation of TensorOps against expected values. An adapter is supported when all cases pass:
//   for (const { name, run } of conformanceCases) test(name, () => run(myOps));
import type { Shape, TensorOps } from './tensor-ops.ts';

/** One named check. `run` throws an Error that says what differs. */
export interface ConformanceCase {
  readonly name: string;
  run<Tensor>(ops: TensorOps<Tensor>): void;
}

/** Runs all cases. */
export function checkConformance<Tensor>(ops: TensorOps<Tensor>): {
  passed: string[];
  failed: { name: string; message: string }[];
} {
  const passed: string[] = [];
  const failed: { name: string; message: string }[] = [];
  for (const { name, run } of conformanceCases) {
    try {
      run(ops);
      passed.push(name);
    } catch (error) {
      failed.push({ name, message: error instanceof Error ? error.message : String(error) });
    }
  }
  return { passed, failed };
}

function expectTensor<Tensor>(ops: TensorOps<Tensor>, actual: Tensor, shape: Shape, values: readonly number[]): void {
  const gotShape = ops.shape(actual);
  if (gotShape.length !== shape.length || gotShape.some((size, axis) => size !== shape[axis])) {
    throw new Error(`${ops.name}: got shape [${gotShape}]; expected [${shape}]`);
  }
  const got = ops.read(actual);
  values.forEach((expected, index) => {
    const value = got[index]!;
    const isClose = Math.abs(value - expected) <= 16 * ops.epsilon * Math.max(1, Math.abs(expected));
    if (!Object.is(value, expected) && value !== expected && !isClose) {
      throw new Error(`${ops.name}: element ${index} is ${value}; expected ${expected} (all: [${Array.from(got)}])`);
    }
  });
  if (got.length !== values.length) throw new Error(`${ops.name}: got ${got.length} values; expected ${values.length}`);
}

function expectThrow(what: string, body: () => unknown): void {
  try {
    body();
  } catch (error) {
    if (error instanceof Error) return;
  }
  throw new Error(`${what}: expected an error`);
}

const SIX = [1, -2, 3, 0.5, 0, -1];

function unaryCase(
  name: 'exp' | 'log' | 'sqrt' | 'cos' | 'tanh' | 'relu' | 'sigmoid' | 'softplus' | 'erf',
  inputs: readonly number[],
  expected: readonly number[],
): ConformanceCase {
  return {
    name,
    run: (ops) => expectTensor(ops, ops[name](ops.tensor(inputs, [inputs.length])), [inputs.length], expected),
  };
}

function binaryCase(
  name: 'add' | 'subtract' | 'multiply' | 'divide' | 'maximum' | 'minimum' | 'greater' | 'greaterEqual',
  apply: (a: number, b: number) => number,
): ConformanceCase {
  return {
    name: `${name} broadcasts like NumPy`,
    run(ops) {
      const a = ops.tensor(SIX, [2, 3]);
      const row = [2, -2, 4];
      const column = [3, 0.5];
      expectTensor(
        ops,
        ops[name](a, ops.tensor(row, [3])),
        [2, 3],
        SIX.map((x, i) => apply(x, row[i % 3]!)),
      );
      expectTensor(
        ops,
        ops[name](ops.tensor(column, [2, 1]), a),
        [2, 3],
        SIX.map((x, i) => apply(column[Math.floor(i / 3)]!, x)),
      );
      expectTensor(
        ops,
        ops[name](a, a),
        [2, 3],
        SIX.filter((_, i) => name !== 'divide' || SIX[i] !== 0).length === 6
          ? SIX.map((x) => apply(x, x))
          : [1, 1, 1, 1, Number.NaN, 1],
      );
      expectThrow(`${name} of [2,3] and [2]`, () => ops[name](a, ops.tensor([1, 2], [2])));
    },
  };
}

/** Every case, in the order of the interface. */
export const conformanceCases: readonly ConformanceCase[] = [
  {
    name: 'tensor, shape and read round trip',
    run(ops) {
      expectTensor(ops, ops.tensor(SIX, [2, 3]), [2, 3], SIX);
      expectTensor(ops, ops.tensor([7], []), [], [7]);
      expectThrow('tensor of 6 values in [2,2]', () => ops.tensor(SIX, [2, 2]));
    },
  },
  { name: 'fill', run: (ops) => expectTensor(ops, ops.fill([2, 2], 0.5), [2, 2], [0.5, 0.5, 0.5, 0.5]) },
  {
    name: 'tidy returns its result alive',
    run(ops) {
      const x = ops.tensor(SIX, [2, 3]);
      const result = ops.tidy(() => {
        const doubled = ops.add(x, x);
        return { sum: ops.add(doubled, x), list: [ops.tidy(() => ops.multiply(doubled, doubled))] };
      });
      expectTensor(
        ops,
        result.sum,
        [2, 3],
        SIX.map((value) => 3 * value),
      );
      expectTensor(
        ops,
        result.list[0]!,
        [2, 3],
        SIX.map((value) => 4 * value * value),
      );
      expectTensor(ops, x, [2, 3], SIX);
    },
  },
  {
    name: 'stopGradient keeps the values',
    run: (ops) => expectTensor(ops, ops.stopGradient(ops.tensor(SIX, [2, 3])), [2, 3], SIX),
  },
  {
    name: 'reshape',
    run(ops) {
      expectTensor(ops, ops.reshape(ops.tensor(SIX, [2, 3]), [3, 1, 2]), [3, 1, 2], SIX);
      expectThrow('reshape of 6 values to [4]', () => ops.reshape(ops.tensor(SIX, [2, 3]), [4]));
    },
  },
  {
    name: 'transpose',
    run(ops) {
      const x = ops.tensor([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], [2, 3, 2]);
      expectTensor(ops, ops.transpose(x, [1, 0, 2]), [3, 2, 2], [0, 1, 6, 7, 2, 3, 8, 9, 4, 5, 10, 11]);
      expectTensor(ops, ops.transpose(x, [2, 0, 1]), [2, 2, 3], [0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11]);
    },
  },
  {
    name: 'concat',
    run(ops) {
      const a = ops.tensor([1, 2], [2, 1]);
      const b = ops.tensor([3, 4, 5, 6], [2, 2]);
      expectTensor(ops, ops.concat([a, b], 1), [2, 3], [1, 3, 4, 2, 5, 6]);
      expectTensor(ops, ops.concat([b, b], 0), [4, 2], [3, 4, 5, 6, 3, 4, 5, 6]);
    },
  },
  {
    name: 'matmul, plain, transposed and batched',
    run(ops) {
      const a = ops.tensor([1, 2, 3, 4, 5, 6], [2, 3]);
      const b = ops.tensor([1, 0, -1, 2, 0.5, 1], [3, 2]);
      const product = [0.5, 7, 2, 16];
      expectTensor(ops, ops.matmul(a, b), [2, 2], product);
      const at = ops.transpose(a, [1, 0]);
      const bt = ops.transpose(b, [1, 0]);
      expectTensor(ops, ops.matmul(at, b, true), [2, 2], product);
      expectTensor(ops, ops.matmul(a, bt, false, true), [2, 2], product);
      expectTensor(ops, ops.matmul(at, bt, true, true), [2, 2], product);
      const batchA = ops.reshape(ops.concat([a, ops.add(a, a)], 0), [2, 1, 2, 3]);
      const batchB = ops.reshape(ops.concat([b, b], 0), [2, 1, 3, 2]);
      expectTensor(ops, ops.matmul(batchA, batchB), [2, 1, 2, 2], [...product, ...product.map((x) => 2 * x)]);
      expectThrow('matmul of [2,3] and [2,3]', () => ops.matmul(a, a));
    },
  },
  binaryCase('add', (a, b) => a + b),
  binaryCase('subtract', (a, b) => a - b),
  binaryCase('multiply', (a, b) => a * b),
  {
    name: 'divide broadcasts like NumPy',
    run(ops) {
      const a = ops.tensor([1, -2, 3, 0.5, 4, -1], [2, 3]);
      expectTensor(ops, ops.divide(a, ops.tensor([2, -2, 4], [3])), [2, 3], [0.5, 1, 0.75, 0.25, -2, -0.25]);
      expectTensor(ops, ops.divide(ops.tensor([6], []), a), [2, 3], [6, -3, 2, 12, 1.5, -6]);
    },
  },
  binaryCase('maximum', Math.max),
  binaryCase('minimum', Math.min),
  binaryCase('greater', (a, b) => +(a > b)),
  binaryCase('greaterEqual', (a, b) => +(a >= b)),
  {
    name: 'where does not mix in the value it leaves out',
    run(ops) {
      const condition = ops.tensor([1, 0, 0], [3]);
      const infinite = ops.tensor([1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY], [3]);
      expectTensor(ops, ops.where(condition, infinite, ops.tensor([4, 5, 6], [3])), [3], [1, 5, 6]);
    },
  },
  unaryCase('exp', [0, 1, -3], [1, Math.E, Math.exp(-3)]),
  unaryCase('log', [1, Math.E, 0.1, 1.03, 0], [0, 1, Math.log(0.1), Math.log(1.03), Number.NEGATIVE_INFINITY]),
  unaryCase('sqrt', [0, 4, 2], [0, 2, Math.SQRT2]),
  unaryCase('cos', [0, 1, -2], [1, Math.cos(1), Math.cos(2)]),
  unaryCase('tanh', [0, 1, -2], [0, Math.tanh(1), -Math.tanh(2)]),
  unaryCase('relu', [0, 2, -3], [0, 2, 0]),
  unaryCase('sigmoid', [0, 30, -2], [0.5, 1 / (1 + Math.exp(-30)), 1 / (1 + Math.exp(2))]),
  unaryCase('softplus', [0, 90, -2], [Math.LN2, 90, Math.log1p(Math.exp(-2))]),
  {
    name: 'erf to 1e-6',
    run(ops) {
      const got = ops.read(ops.erf(ops.tensor([0, 0.5, -1, 2.7, 9], [5])));
      [0, 0.5204998778130465, -0.8427007929497149, 0.9998656672600594, 1].forEach((expected, index) => {
        if (!(Math.abs(got[index]! - expected) <= 1e-6)) throw new Error(`${ops.name}: erf gave ${Array.from(got)}`);
      });
    },
  },
  {
    name: 'sum, mean and max over axes',
    run(ops) {
      const x = ops.tensor([1, 2, 3, 4, 5, 6, 7, 8], [2, 2, 2]);
      expectTensor(ops, ops.sum(x, [0, 2]), [2], [14, 22]);
      expectTensor(ops, ops.sum(x, [1], true), [2, 1, 2], [4, 6, 12, 14]);
      expectTensor(ops, ops.sum(x, [0, 1, 2]), [], [36]);
      expectTensor(ops, ops.mean(x, [-1]), [2, 2], [1.5, 3.5, 5.5, 7.5]);
      expectTensor(ops, ops.max(x, [0]), [2, 2], [5, 6, 7, 8]);
      expectTensor(ops, ops.max(x, [1, 2], true), [2, 1, 1], [4, 8]);
    },
  },
  {
    name: 'softmax over any axis, without overflow',
    run(ops) {
      const x = ops.tensor([1000, 0, 1000, 0, Math.log(3), 0], [3, 2]);
      expectTensor(ops, ops.softmax(x, -1), [3, 2], [1, 0, 1, 0, 0.75, 0.25]);
      const y = ops.tensor([0, 1, Math.log(3), 1], [2, 2]);
      expectTensor(ops, ops.softmax(y, 0), [2, 2], [0.25, 0.5, 0.75, 0.5]);
    },
  },
  {
    name: 'logSumExp over any axis, without overflow',
    run(ops) {
      const x = ops.tensor([1000, 1000, 0, Math.log(3)], [2, 2]);
      expectTensor(ops, ops.logSumExp(x, 1), [2], [1000 + Math.LN2, Math.log(4)]);
      expectTensor(ops, ops.logSumExp(ops.transpose(x, [1, 0]), 0), [2], [1000 + Math.LN2, Math.log(4)]);
    },
  },
  {
    name: 'cumulativeSum, inclusive and exclusive',
    run(ops) {
      const x = ops.tensor([1, 2, 3, 4, 5, 6], [2, 3]);
      expectTensor(ops, ops.cumulativeSum(x, 1), [2, 3], [1, 3, 6, 4, 9, 15]);
      expectTensor(ops, ops.cumulativeSum(x, -1, true), [2, 3], [0, 1, 3, 0, 4, 9]);
      expectTensor(ops, ops.cumulativeSum(x, 0), [2, 3], [1, 2, 3, 5, 7, 9]);
    },
  },
  {
    name: 'topK sorts, and gives ties to the lowest index',
    run(ops) {
      const x = ops.tensor([1, 3, 3, 2, 5, 5, 5, 5], [2, 4]);
      const { values, indices } = ops.topK(x, 3);
      expectTensor(ops, values, [2, 3], [3, 3, 2, 5, 5, 5]);
      expectTensor(ops, indices, [2, 3], [1, 2, 3, 0, 1, 2]);
      expectThrow('topK of 5 from 4', () => ops.topK(x, 5));
      expectThrow('topK of 0', () => ops.topK(x, 0));
    },
  },
  {
    name: 'topK takes infinite entries',
    run(ops) {
      const x = ops.tensor([Number.NEGATIVE_INFINITY, 1, Number.NEGATIVE_INFINITY, 2], [1, 4]);
      expectTensor(ops, ops.topK(x, 2).values, [1, 2], [2, 1]);
    },
  },
  {
    name: 'toInteger, toFloat and oneHot',
    run(ops) {
      const indices = ops.toInteger(ops.tensor([2, 0, -1, 3], [2, 2]));
      const third = ops.divide(ops.toFloat(ops.reshape(indices, [4])), ops.fill([], 3));
      expectTensor(ops, third, [4], [2 / 3, 0, -1 / 3, 1]);
      expectTensor(ops, ops.oneHot(indices, 3), [2, 2, 3], [0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    },
  },
  {
    name: 'one class: oneHot of depth 1 and topK of one entry',
    run(ops) {
      expectTensor(ops, ops.oneHot(ops.toInteger(ops.tensor([0, 1], [2])), 1), [2, 1], [1, 0]);
      expectTensor(ops, ops.topK(ops.tensor([4, -5], [2, 1]), 1).values, [2, 1], [4, -5]);
    },
  },
  {
    name: 'gather',
    run(ops) {
      const x = ops.tensor([1, 2, 3, 4, 5, 6], [3, 2]);
      const indices = ops.toInteger(ops.tensor([2, 0, 0, 1], [2, 2]));
      expectTensor(ops, ops.gather(x, indices), [2, 2, 2], [5, 6, 1, 2, 1, 2, 3, 4]);
    },
  },
  {
    name: 'segmentSum adds up, leaves out negative ids and empties the rest',
    run(ops) {
      const x = ops.tensor([1, 2, 3, 4, 5, 6, 7, 8], [4, 2]);
      const ids = ops.toInteger(ops.tensor([1, -1, 1, 3], [4]));
      expectTensor(ops, ops.segmentSum(x, ids, 4), [4, 2], [0, 0, 6, 8, 0, 0, 7, 8]);
    },
  },
  {
    name: 'takeRows gives zeros for negative indices, and keeps NaN in its row',
    run(ops) {
      const x = ops.tensor([Number.NaN, 2, 3, 4], [2, 2]);
      const indices = ops.toInteger(ops.tensor([1, -1, 1], [3]));
      const inverse = ops.toInteger(ops.tensor([-1, -1, 0, 2], [2, 2]));
      expectTensor(ops, ops.takeRows(x, indices, inverse), [3, 2], [3, 4, 0, 0, 3, 4]);
      const swapped = ops.toInteger(ops.tensor([1, 0], [2]));
      const taken = ops.takeRows(x, swapped, ops.reshape(swapped, [2, 1]), true);
      expectTensor(ops, taken, [2, 2], [3, 4, Number.NaN, 2]);
    },
  },
  {
    name: 'groupRows sorts by group, stably, the ungrouped last',
    run(ops) {
      const { order, places, counts } = ops.groupRows(ops.toInteger(ops.tensor([2, 0, -1, 2, 0, 3], [6])), 5);
      expectTensor(ops, ops.toFloat(order), [6], [1, 4, 0, 3, 5, 2]);
      expectTensor(ops, ops.toFloat(places), [6], [2, 0, 5, 3, 1, 4]);
      expectTensor(ops, ops.toFloat(counts), [5], [2, 0, 2, 1, 0]);
    },
  },
  {
    name: 'segmentMatmul multiplies each segment by its own matrix; rows in no segment give zeros',
    run(ops) {
      const x = ops.tensor([1, 2, 3, 4, 5, 6, Number.NaN, 8], [4, 2]);
      const weights = ops.tensor([1, 0, 0, 1, 9, 9, 9, 9, 2, 0, 1, 1], [3, 2, 2]);
      const counts = ops.toInteger(ops.tensor([1, 0, 2], [3]));
      expectTensor(ops, ops.segmentMatmul(x, weights, counts), [4, 2], [1, 2, 10, 4, 16, 6, 0, 0]);
      const bias = ops.tensor([1, 2, 3, 4, 5, 6], [3, 2]);
      expectTensor(ops, ops.segmentMatmul(x, weights, counts, bias), [4, 2], [2, 4, 15, 10, 21, 12, 0, 0]);
    },
  },
  {
    name: 'segmentMlp, where there is one, is segmentMatmul, relu, segmentMatmul',
    run(ops) {
      if (!ops.segmentMlp) return;
      const x = ops.tensor([1, 2, 3, 4, 5, 6, 7, 8], [4, 2]);
      const kernel = ops.tensor([1, 0, 0, 1, 9, 9, 9, 9, 2, 0, 1, -1], [3, 2, 2]);
      const bias = ops.tensor([1, -3, 3, 4, 5, 6], [3, 2]);
      const outputKernel = ops.tensor([1, 10, 5, 5, 2, 1], [3, 2, 1]);
      const outputBias = ops.tensor([1, 2, 3], [3, 1]);
      const counts = ops.toInteger(ops.tensor([1, 0, 2], [3]));
      const layers = { kernel, bias, outputKernel, outputBias };
      expectTensor(ops, ops.segmentMlp(x, layers, counts), [4, 1], [3, 35, 45, 0]);
    },
  },
  {
    name: 'softmaxMatmul, where there is one, is softmax, then matmul',
    run(ops) {
      if (!ops.softmaxMatmul) return;
      const logits = ops.tensor([0, 0, 0, Math.log(3), 90, 0, -1e30, 2, -1e30, -1e30, 5, 5], [2, 3, 2]);
      const values = ops.tensor([1, 2, 3, 6, 5, -1, 7, 7], [2, 2, 2]);
      const expected = [2, 4, 2.5, 5, 1, 2, 7, 7, 6, 3, 6, 3];
      expectTensor(ops, ops.softmaxMatmul(logits, values), [2, 3, 2], expected);
      expectTensor(ops, ops.softmaxMatmul(ops.transpose(logits, [0, 2, 1]), values, true), [2, 3, 2], expected);
    },
  },
  {
    name: "slotMlp, where there is one, takes each sample's slots through their expert",
    run(ops) {
      if (!ops.slotMlp) return;
      // two samples, two experts of two slots; expert 0 doubles and takes 1, expert 1 negates: relu clears what is negative then
      const slots = ops.tensor([1, -1, 2, 3, 4, 0, -5, 6], [2, 4, 1]);
      const layers = {
        kernel: ops.tensor([2, 1, -1, 0], [2, 1, 2]),
        bias: ops.tensor([-1, 0, 0, 3], [2, 2]),
        outputKernel: ops.tensor([1, 10, 1, 1], [2, 2, 1]),
        outputBias: ops.tensor([0.5, 0], [2, 1]),
      };
      const expected = [11.5, 0.5, 3, 3, 47.5, 0.5, 8, 3];
      expectTensor(ops, ops.slotMlp(slots, layers), [2, 4, 1], expected);
    },
  },
];
