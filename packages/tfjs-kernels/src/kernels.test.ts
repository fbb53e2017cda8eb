// Every wasm kernel against TensorFlow.js' cpu backend, on shapes that reach the tiles' edges.
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { useWasmBackend } from './node.ts';
import {
  expectSameOnBothBackends,
  gradientsOf,
  numericalGradient,
  onBackend,
  randomTensor,
  randomValues,
} from './test-support.ts';

beforeAll(async () => {
  await useWasmBackend({ threadCount: 2 });
});

type Padding = 'same' | 'valid';

describe('convolutions and their gradients', () => {
  const cases: Array<{
    x: [number, number, number, number];
    filter: [number, number, number, number];
    strides: number | [number, number];
  }> = [
    { x: [2, 21, 22, 4], filter: [8, 8, 4, 16], strides: 4 },
    { x: [1, 13, 13, 16], filter: [4, 4, 16, 32], strides: 2 },
    { x: [2, 11, 11, 8], filter: [3, 3, 8, 24], strides: 1 },
    { x: [3, 12, 9, 5], filter: [3, 3, 5, 7], strides: 1 },
    { x: [1, 13, 10, 3], filter: [5, 2, 3, 9], strides: [2, 3] },
    { x: [2, 7, 7, 1], filter: [3, 3, 1, 4], strides: 2 },
    { x: [2, 6, 5, 2], filter: [1, 1, 2, 3], strides: 1 },
    // Stride larger than the filter: some input pixels are never read.
    { x: [1, 9, 9, 6], filter: [2, 2, 6, 8], strides: 3 },
    { x: [1, 5, 5, 8], filter: [5, 5, 8, 1], strides: 1 },
  ];
  for (const { x, filter, strides } of cases) {
    for (const padding of ['same', 'valid'] as Padding[]) {
      it(`x [${x}], filter [${filter}], strides ${strides}, ${padding}`, async () => {
        await expectSameOnBothBackends(() => {
          const inputs = [randomTensor(x, 3), randomTensor(filter, 4)];
          const f = (image: tf.Tensor, weights: tf.Tensor) =>
            tf.conv2d(image as tf.Tensor4D, weights as tf.Tensor4D, strides, padding);
          return [f(inputs[0]!, inputs[1]!), ...gradientsOf(f, inputs)];
        });
      });
    }
  }

  it('pads by a number of pixels', async () => {
    await expectSameOnBothBackends(() => {
      const inputs = [randomTensor([2, 8, 7, 4]), randomTensor([3, 3, 4, 6])];
      const f = (image: tf.Tensor, weights: tf.Tensor) =>
        tf.conv2d(image as tf.Tensor4D, weights as tf.Tensor4D, 2, 2, 'NHWC', 1, 'floor');
      return [f(inputs[0]!, inputs[1]!), ...gradientsOf(f, inputs)];
    });
  });

  // Rounded up, the last windows reach over the image: what lies there counts as zero.
  for (const [x, filter, strides, padding] of [
    [[2, 8, 7, 4], [3, 3, 4, 6], 2, 0],
    [[1, 8, 8, 3], [3, 3, 3, 5], 3, 1],
    [[2, 9, 6, 1], [2, 4, 1, 8], [4, 5], 0],
    [[1, 4, 4, 2], [1, 1, 2, 3], 2, 0],
  ] as [[number, number, number, number], [number, number, number, number], number | [number, number], number][]) {
    it(`rounds sizes up: x [${x}], filter [${filter}], strides ${strides}, padding ${padding}`, async () => {
      await expectSameOnBothBackends(() => {
        // What follows the images in memory must not be read.
        const neighbors = [randomTensor(x, 3), tf.fill([500], 1e6), randomTensor(filter, 4), tf.fill([500], 1e6)];
        const f = (image: tf.Tensor, weights: tf.Tensor) =>
          tf.conv2d(image as tf.Tensor4D, weights as tf.Tensor4D, strides, padding, 'NHWC', 1, 'ceil');
        const inputs = [neighbors[0]!, neighbors[2]!];
        return [f(inputs[0]!, inputs[1]!), ...gradientsOf(f, inputs)];
      });
    });
  }

  it('refuses geometry that reaches outside the image', async () => {
    await tf.setBackend('wasm');
    tf.tidy(() => {
      const image = tf.ones([1, 4, 4, 2]) as tf.Tensor4D;
      const filter = tf.ones([3, 3, 2, 2]) as tf.Tensor4D;
      expect(() => tf.conv2d(image, filter, 1, -1)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
      expect(() => tf.conv2d(image, filter, 1, 0.5)).toThrow(/padding is top 0.5/);
      const large = tf.ones([6, 6, 2, 2]) as tf.Tensor4D;
      expect(() => tf.conv2d(image, large, 1, 'valid')).toThrow(/filter of \[6,6,2,2\] does not fit/);
      // An output shape that does not belong to the input's.
      expect(() => tf.conv2dTranspose(image, filter, [1, 40, 40, 2], 1, 'same')).toThrow(
        /dy is \[1,4,4,2\]; expected \[1,40,40,2\]/,
      );
      const run = (name: string, inputs: Record<string, tf.Tensor>, attrs: object) =>
        tf.engine().runKernel(name, inputs, attrs as never);
      const pool = { filterSize: 2, strides: 2, pad: 'valid' };
      const small = tf.ones([1, 1, 1, 2]);
      expect(() => run('MaxPoolGrad', { dy: small, input: image, output: small }, pool)).toThrow(/dy is \[1,1,1,2\]/);
      expect(() => run('AvgPoolGrad', { dy: small, input: image }, pool)).toThrow(/expected \[1,2,2,2\]/);
      const backprop = { strides: 1, pad: 'same', dataFormat: 'NHWC', filterShape: [3, 3, 2, 2] };
      expect(() => run('Conv2DBackpropFilter', { x: image, dy: small }, backprop)).toThrow(/dy is \[1,1,1,2\]/);
      expect(() => tf.unsortedSegmentSum(tf.ones([2, 3]), tf.tensor1d([0, 1, 0, 1], 'int32'), 2)).toThrow(
        /segmentIds is \[4\]; expected \[2\]/,
      );
    });
  });

  it('leaves dilated convolutions to upstream', async () => {
    await expectSameOnBothBackends(() => [
      tf.conv2d(
        randomTensor([2, 9, 9, 4]) as tf.Tensor4D,
        randomTensor([3, 3, 4, 5]) as tf.Tensor4D,
        1,
        'same',
        'NHWC',
        2,
      ),
    ]);
  });

  for (const activation of ['linear', 'relu', 'elu'] as const) {
    it(`fuses bias and ${activation}`, async () => {
      await expectSameOnBothBackends(() => {
        const inputs = [randomTensor([2, 10, 9, 5]), randomTensor([3, 3, 5, 11]), randomTensor([11])];
        const f = (x: tf.Tensor, filter: tf.Tensor, bias: tf.Tensor) =>
          tf.fused.conv2d({
            x: x as tf.Tensor4D,
            filter: filter as tf.Tensor4D,
            strides: 2,
            pad: 'same',
            bias,
            activation,
          });
        const [x, filter, bias] = inputs as [tf.Tensor, tf.Tensor, tf.Tensor];
        return [f(x, filter, bias), ...(activation === 'elu' ? [] : gradientsOf(f as never, inputs))];
      });
    });
  }

  it('gives zeros for an empty batch', async () => {
    await expectSameOnBothBackends(() => {
      const inputs = [tf.zeros([0, 6, 6, 4]), randomTensor([3, 3, 4, 8])];
      const f = (x: tf.Tensor, filter: tf.Tensor) => tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 1, 'same');
      return [tf.grads((x, filter) => tf.sum(f(x, filter)))(inputs)[1]!];
    });
  });
});

describe('matrix multiplication and its gradients', () => {
  const sizes: Array<[rows: number, depth: number, columns: number]> = [
    [32, 300, 18],
    [6, 8, 8],
    [1, 70, 37],
    [5, 3, 1],
    [13, 257, 9],
    [7, 1, 40],
    [64, 512, 24],
  ];
  for (const [rows, depth, columns] of sizes) {
    for (const transposeA of [false, true]) {
      for (const transposeB of [false, true]) {
        it(`${rows}x${depth}x${columns}${transposeA ? ', A transposed' : ''}${transposeB ? ', B transposed' : ''}`, async () => {
          await expectSameOnBothBackends(() => {
            const inputs = [
              randomTensor(transposeA ? [depth, rows] : [rows, depth], 5),
              randomTensor(transposeB ? [columns, depth] : [depth, columns], 6),
            ];
            const f = (a: tf.Tensor, b: tf.Tensor) => tf.matMul(a, b, transposeA, transposeB);
            return [f(inputs[0]!, inputs[1]!), ...gradientsOf(f, inputs)];
          });
        });
      }
    }
  }

  const batches: Array<[a: number[], b: number[]]> = [
    [
      [8, 12, 10],
      [8, 10, 33],
    ],
    [
      [3, 7, 5],
      [5, 4],
    ],
    [
      [3, 7, 5],
      [1, 5, 4],
    ],
    [
      [2, 3, 4, 5],
      [2, 3, 5, 6],
    ],
  ];
  for (const [a, b] of batches) {
    it(`batches [${a}] x [${b}]`, async () => {
      await expectSameOnBothBackends(() => {
        const inputs = [randomTensor(a, 5), randomTensor(b, 6)];
        return [tf.matMul(inputs[0]!, inputs[1]!), ...gradientsOf((x, y) => tf.matMul(x, y), inputs)];
      });
    });
  }

  // The cpu backend repeats such batches in the wrong order.
  it('batches that broadcast on both sides', async () => {
    const [actual, expected] = await onBackend('wasm', () => {
      const a = randomTensor([2, 1, 4, 5]);
      const b = randomTensor([1, 3, 5, 6], 2);
      return [tf.matMul(a, b), tf.matMul(tf.tile(a, [1, 3, 1, 1]), tf.tile(b, [2, 1, 1, 1]))];
    });
    expect(actual).toEqual(expected);
  });

  for (const activation of ['linear', 'relu', 'relu6'] as const) {
    it(`fuses bias and ${activation}`, async () => {
      await expectSameOnBothBackends(() => {
        const inputs = [randomTensor([9, 300]), randomTensor([300, 21], 2), randomTensor([21], 3)];
        const f = (a: tf.Tensor, b: tf.Tensor, bias: tf.Tensor) => tf.fused.matMul({ a, b, bias, activation });
        const [a, b, bias] = inputs as [tf.Tensor, tf.Tensor, tf.Tensor];
        return [f(a, b, bias), ...(activation === 'relu6' ? [] : gradientsOf(f as never, inputs))];
      });
    });
  }

  it('fuses with a transposed A', async () => {
    await expectSameOnBothBackends(() => [
      tf.fused.matMul({
        a: randomTensor([40, 9]),
        b: randomTensor([21, 40]),
        transposeA: true,
        transposeB: true,
        bias: randomTensor([21]),
        activation: 'relu',
      }),
    ]);
  });
});

describe('pooling gradients', () => {
  const cases: Array<{
    x: [number, number, number, number];
    size: number | [number, number];
    strides: number | [number, number];
  }> = [
    { x: [2, 12, 11, 16], size: 3, strides: 2 },
    { x: [1, 7, 9, 5], size: 2, strides: 2 },
    { x: [2, 5, 6, 3], size: [3, 2], strides: [1, 3] },
  ];
  for (const { x, size, strides } of cases) {
    for (const padding of ['same', 'valid'] as Padding[]) {
      it(`max, x [${x}], size ${size}, strides ${strides}, ${padding}`, async () => {
        await expectSameOnBothBackends(() => {
          const f = (image: tf.Tensor) => tf.maxPool(image as tf.Tensor4D, size, strides, padding);
          return [f(randomTensor(x)), ...gradientsOf(f, [randomTensor(x)])];
        });
      });
    }
    it(`average, x [${x}], size ${size}, strides ${strides}, valid`, async () => {
      await expectSameOnBothBackends(() =>
        gradientsOf((image) => tf.avgPool(image as tf.Tensor4D, size, strides, 'valid'), [randomTensor(x)]),
      );
    });
  }

  it('gives the whole gradient to the first of equal values, as TensorFlow does', async () => {
    const [gradient] = await onBackend('wasm', () => [
      tf.grad((x) => tf.sum(tf.maxPool(x as tf.Tensor4D, 2, 2, 'valid')))(tf.ones([1, 2, 4, 5])),
    ]);
    const row = [1, 0, 1, 0].flatMap((value) => Array<number>(5).fill(value));
    expect(gradient!.values).toEqual([...row, ...Array<number>(20).fill(0)]);
  });

  // The cpu backend divides by the whole window's size even where it reaches over the edge; TensorFlow (and the forward pass) does not.
  it('average with SAME padding equals central differences', async () => {
    const shape: [number, number, number, number] = [1, 5, 4, 5];
    const values = randomValues(100, 8);
    const f = (x: tf.Tensor) => tf.avgPool(x as tf.Tensor4D, 3, 2, 'same');
    const [gradient] = await onBackend('wasm', () => gradientsOf(f, [tf.tensor(values, shape)]));
    const expected = numericalGradient(f, shape, values);
    gradient!.values.forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i]!, 3);
    });
  });
});

describe('the gradient of an average pool', () => {
  it('whose sizes were rounded up takes in the windows at the edge', async () => {
    // 3 pixels in windows of 2: {0, 1} and {2}.
    const [dx] = await onBackend('wasm', () => [
      tf
        .engine()
        .runKernel('AvgPoolGrad', { dy: tf.tensor4d([10, 20, 30, 40], [1, 2, 2, 1]), input: tf.ones([1, 3, 3, 1]) }, {
          filterSize: 2,
          strides: 2,
          pad: 0,
        } as never) as tf.Tensor,
    ]);
    expect(dx!.values).toEqual([2.5, 2.5, 10, 2.5, 2.5, 10, 15, 15, 40]);
  });
});

describe('large enough for threads', () => {
  it('the backend has them', async () => {
    expect((await useWasmBackend()).threadCount).toBe(2);
  });

  it('convolution, gradients, pooling, dense layers, Adam: many times, the same as on cpu', async () => {
    const compute = () => {
      const x = randomTensor([8, 20, 20, 12], 3);
      const filter = randomTensor([3, 3, 12, 20], 4);
      const f = (image: tf.Tensor, weights: tf.Tensor) =>
        tf.maxPool(tf.relu(tf.conv2d(image as tf.Tensor4D, weights as tf.Tensor4D, 1, 'same')), 3, 2, 'same');
      const products = [
        tf.matMul(randomTensor([130, 70]), randomTensor([70, 130])),
        tf.matMul(randomTensor([70, 1300]), randomTensor([20, 70]), true, true),
        tf.matMul(randomTensor([9, 60, 40]), randomTensor([9, 40, 50])),
        tf.matMul(randomTensor([9, 40, 60]), randomTensor([9, 40, 50]), true),
      ];
      return [f(x, filter), ...gradientsOf(f, [x, filter]), ...products];
    };
    await expectSameOnBothBackends(compute);
    const bytes = async () =>
      (await onBackend('wasm', compute)).map(({ values }) => Buffer.from(Float32Array.from(values).buffer));
    const first = await bytes();
    for (let i = 0; i < 10; i++) {
      const again = await bytes();
      expect(first.map((each, output) => each.equals(again[output]!))).toEqual(first.map(() => true));
    }
  });
});

describe('reductions and the rest', () => {
  for (const [shape, axes] of [
    [
      [3, 5, 7, 9],
      [0, 1, 2],
    ],
    [[130, 6], [0]],
    [[4, 5, 6], [1]],
    [
      [4, 5, 6],
      [0, 2],
    ],
    [[37], [0]],
    [[2, 3, 17], [2]],
    [
      [2, 1, 3],
      [0, 1, 2],
    ],
    [[0, 4], [0]],
  ] as Array<[number[], number[]]>) {
    for (const keepDims of [false, true]) {
      it(`sum of [${shape}] over ${axes}${keepDims ? ', axes kept' : ''}`, async () => {
        await expectSameOnBothBackends(() => [tf.sum(randomTensor(shape), axes, keepDims)]);
      });
    }
  }

  it('sums int32 and a whole tensor', async () => {
    await expectSameOnBothBackends(() => [
      tf.sum(
        tf.tensor2d(
          [
            [1, 2],
            [3, 4],
          ],
          [2, 2],
          'int32',
        ),
        0,
      ),
      tf.sum(randomTensor([300, 7])),
    ]);
  });

  for (const [a, b] of [
    [[3, 5, 18], [18]],
    [[18], [3, 5, 18]],
    [
      [2, 3, 4],
      [1, 3, 4],
    ],
    [
      [2, 3, 4],
      [3, 1],
    ],
    [
      [2, 3, 4],
      [2, 1, 4],
    ],
    [
      [1, 4],
      [3, 4],
    ],
    [[4], [1]],
    [[0, 4], [4]],
  ] as Array<[number[], number[]]>) {
    it(`[${a}] + [${b}] and its gradients`, async () => {
      await expectSameOnBothBackends(() => {
        const inputs = [randomTensor(a), randomTensor(b, 2)];
        return [tf.add(inputs[0]!, inputs[1]!), ...gradientsOf((x, y) => tf.add(x, y), inputs)];
      });
    });
  }

  it('unsortedSegmentSum drops ids out of range', async () => {
    await expectSameOnBothBackends(() => [
      tf.unsortedSegmentSum(randomTensor([6, 5]), tf.tensor1d([2, 0, -1, 2, 1, 0], 'int32'), 4),
    ]);
  });

  it("relu's gradient, and the gradient of that", async () => {
    await expectSameOnBothBackends(() => {
      const x = randomTensor([3, 7]);
      const first = (each: tf.Tensor) => tf.grad((y: tf.Tensor) => tf.sum(tf.mul(tf.relu(y), tf.square(y))))(each);
      return [first(x), tf.grad((each) => tf.sum(first(each)))(x)];
    });
  });

  it('clones share data without sharing lifetime', async () => {
    await onBackend('wasm', () => {
      const x = randomTensor([4, 4]);
      const copy = tf.clone(x);
      const expected = [...x.dataSync()];
      x.dispose();
      expect([...copy.dataSync()]).toEqual(expected);
      return [copy];
    });
  });
});
