// Products, convolutions with both gradients, pooling with its gradient, reductions in stages and Adam at sizes where the fast kernels are taken, against tfjs' plain
// JavaScript kernels; and what is fused, without a device.
import { adamUpdate, createProgram } from '@moe-rl/tfjs-graph';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Node } from '../graph/node.ts';
import { WgslStepBuilder } from '../graph/step-builder.ts';
import { loadWebGpu } from '../load.ts';
import { missing, withSoftwareAdapter } from '../testing/software-adapter.ts';
import { type Plan, planStep } from './plan.ts';

const wave = (length: number, start: number) => Float32Array.from({ length }, (_, i) => Math.sin(start + 1.7 * i));
const shapes = { image: [4, 20, 20, 16], filter: [3, 3, 16, 40], a: [2, 130, 70], b: [70, 150], long: [3, 5000] };
type Tensors = Record<keyof typeof shapes, tf.Tensor>;

const cases: Record<string, (tensors: Tensors) => tf.Tensor> = {
  'matrices of several tiles, batched': ({ a, b }) => tf.matMul(a, b),
  'transposed matrices': ({ a, b }) => tf.matMul(b, a, true, true),
  'a convolution with bias and activation': ({ image, filter }) =>
    tf.relu(tf.add(tf.conv2d(image as tf.Tensor4D, filter as tf.Tensor4D, 1, 'same'), tf.linspace(-1, 1, 40))),
  'its gradient by the filter': ({ image, filter }) =>
    tf.grad((f: tf.Tensor) => tf.sum(tf.square(tf.conv2d(image as tf.Tensor4D, f as tf.Tensor4D, 1, 'same'))))(filter),
  'its gradient by the image, with strides': ({ image, filter }) =>
    tf.grad((x: tf.Tensor) => tf.sum(tf.square(tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 2, 'same'))))(image),
  'max pooling': ({ image }) => tf.maxPool(image as tf.Tensor4D, 3, 2, 'same'),
  "max pooling's gradient, with equal elements": ({ image }) =>
    tf.grad((x: tf.Tensor) => tf.sum(tf.square(tf.maxPool(x as tf.Tensor4D, 3, 2, 'same'))))(
      tf.round(tf.mul(image, 2)),
    ),
  'a sum of many elements': ({ image }) => tf.sum(image),
  'sums over pixels for each channel': ({ image }) => tf.sum(image, [0, 1, 2]),
  'sums of long rows': ({ long }) => tf.logSumExp(long, 1),
};

describe.skipIf(missing !== undefined)(`fast kernels in WGSL${missing === undefined ? '' : ` (${missing})`}`, () => {
  const computed: Record<string, ArrayLike<number>> = {};
  const wanted: Record<string, ArrayLike<number>> = {};

  beforeAll(async () => {
    await withSoftwareAdapter(loadWebGpu);
    const inputs = Object.fromEntries(
      Object.entries(shapes).map(([name, shape]) => [name, { shape, dtype: 'float32' as const }]),
    );
    const values = Object.fromEntries(
      Object.entries(shapes).map(([name, shape], at) => [name, wave(tf.util.sizeFromShape(shape), at)]),
    );
    const run = (tensors: Record<string, tf.Tensor>) =>
      Object.fromEntries(Object.entries(cases).map(([name, f]) => [name, f(tensors as Tensors)]));
    const program = await createProgram({ variables: {}, entryPoints: { all: { inputs, run } } });
    Object.assign(computed, await program.run('all', values));
    // The same again: nothing is added in an order that changes.
    expect(await program.run('all', values)).toEqual(computed);
    program.dispose();
    await tf.setBackend('cpu');
    const tensors = Object.entries(shapes).map(([name, shape]) => [name, tf.tensor(values[name]!, shape)]);
    for (const [name, result] of Object.entries(run(Object.fromEntries(tensors)))) wanted[name] = result.dataSync();
    await tf.setBackend('wgsl');
  }, 600_000);

  test.each(Object.keys(cases))('%s', (name) => {
    expect(computed[name]!.length).toBe(wanted[name]!.length);
    const scale = Math.max(...Array.from(wanted[name]!, Math.abs));
    for (let index = 0; index < wanted[name]!.length; index++) {
      const [value, expected] = [computed[name]![index]!, wanted[name]![index]!];
      expect(Math.abs(value - expected), `${name}[${index}] is ${value}; expected ${expected}`).toBeLessThan(
        2e-5 * (1 + scale),
      );
    }
  });

  test('Adam over ten updates', async () => {
    const train = async () => {
      const make = (shape: number[]) => tf.tidy(() => tf.variable(tf.fill(shape, 0.5), false));
      const variables = {
        p: make([70, 3]),
        m: make([70, 3]),
        v: make([70, 3]),
        updates: tf.variable(tf.scalar(0), false),
      };
      const { p, m, v, updates } = variables;
      const program = await createProgram({
        variables,
        entryPoints: {
          learn: {
            inputs: { g: { shape: [70, 3], dtype: 'float32' } },
            run({ g }) {
              adamUpdate({
                parameters: { p },
                gradients: { p: g! },
                firstMoments: { p: m },
                secondMoments: { p: v },
                updates,
                learningRate: 0.01,
                epsilon: 1.5e-4,
              });
              return {};
            },
          },
        },
      });
      for (let update = 0; update < 10; update++) await program.run('learn', { g: wave(210, update) });
      const read = await program.readVariables();
      program.dispose();
      return read;
    };
    const ours = await train();
    await tf.setBackend('cpu');
    const plain = await train();
    await tf.setBackend('wgsl');
    for (const name of ['p', 'm', 'v'] as const) {
      for (const [index, value] of ours[name]!.data.entries()) expect(value).toBeCloseTo(plain[name]!.data[index]!, 5);
    }
  }, 600_000);
});

describe('what is fused', () => {
  const plan = (build: (b: WgslStepBuilder) => Node[]): Plan => {
    const b = new WgslStepBuilder();
    const outputs = new Map(build(b).map((node, index) => [`out${index}`, node]));
    return planStep({ variables: new Map(), inputs: new Map(), assigned: new Map(), outputs }, 8);
  };
  const f32 = (b: WgslStepBuilder, shape: number[]) => b.argument({ shape, type: 'f32' });
  const window = {
    strides: [1, 1],
    padding: [
      [1, 1],
      [1, 1],
    ],
    dilations: [1, 1],
  } as const;

  test('bias, activation and its mask join the convolution; a mean is one kernel with what it is the mean of', () => {
    const conv = plan((b) => {
      const x = b.conv2d(f32(b, [8, 20, 20, 16]), f32(b, [3, 3, 16, 32]), window);
      const y = b.binary('add', x, f32(b, [32]));
      return [b.binary('maximum', y, b.scalar(0)), b.compare('GT', y, b.scalar(0))];
    });
    expect(conv.dispatches.length).toBe(1);
    const mean = plan((b) => {
      const x = f32(b, [300]);
      return [b.binary('divide', b.reduce('add', b.binary('multiply', x, x), [0], 0), b.scalar(300))];
    });
    expect(mean.dispatches.length).toBe(1);
  });

  test('no axis of a dispatch has more workgroups than WebGPU allows: large batches of images, many small matrices', () => {
    const tall = plan((b) => [b.conv2d(f32(b, [512, 84, 84, 4]), f32(b, [3, 3, 4, 16]), window)]);
    const many = plan((b) => [b.matMul(f32(b, [70_000, 4, 8]), f32(b, [70_000, 8, 4]), false, false)]);
    for (const { dispatches } of [tall, many]) {
      for (const { workgroups } of dispatches) expect(Math.max(...workgroups)).toBeLessThanOrEqual(65_535);
    }
  });

  test('no kernel binds more than the device can: sums and concatenations of many are put together in parts', () => {
    const many = plan((b) => {
      const parts = Array.from({ length: 40 }, (_, index) => f32(b, [index + 1]));
      const sums = parts.map((part) => b.reduce('add', part, [0], 0));
      return [b.concatenate(parts, 0), sums.reduce((a, c) => b.binary('add', a, c))];
    });
    for (const { places } of many.dispatches) expect(places.length).toBeLessThanOrEqual(8);
  });

  test('memory of what is no longer read is used again', () => {
    const chain = plan((b) => {
      let x = f32(b, [64, 64]);
      for (let layer = 0; layer < 8; layer++) x = b.matMul(x, x, false, false);
      return [x];
    });
    expect(chain.workingBytes.length).toBeLessThanOrEqual(3);
  });

  test('a variable is written in place unless its old value is read by a later kernel', () => {
    const assign = (isReadLater: boolean): Plan => {
      const b = new WgslStepBuilder();
      const w = f32(b, [4096]);
      const assigned = new Map([['w', b.binary('add', w, b.scalar(1))]]);
      const outputs = new Map(isReadLater ? [['sum', b.reduce('add', w, [0], 0)]] : []);
      return planStep({ variables: new Map([['w', w]]), inputs: new Map(), assigned, outputs }, 8);
    };
    expect(assign(false)).toMatchObject({ copies: [], workingBytes: [] });
    expect(assign(true).copies).toMatchObject([{ to: { kind: 'variable', name: 'w' }, byteLength: 4 * 4096 }]);
  });
});
