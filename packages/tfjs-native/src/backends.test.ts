import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { explainBackends, type LoadBackendOutput, loadBackend } from './index.ts';

describe('explainBackends', () => {
  it('gives every backend one sentence and marks exactly one as used', () => {
    const rows = explainBackends();
    expect(rows.map((row) => row.name)).toEqual(['tensorflow', 'tensorflow', 'tensorflow', 'webgpu', 'wasm', 'cpu']);
    expect(rows.filter((row) => row.state === 'used')).toHaveLength(1);
    for (const row of rows) expect(row.reason.length).toBeGreaterThan(10);
  });
});

describe('loadBackend', () => {
  it('refuses an unknown name', async () => {
    await expect(loadBackend({ backend: 'cuda' as 'cpu' })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('refuses a thread count that is no positive integer', async () => {
    await expect(loadBackend({ backend: 'cpu', threads: 0 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('loads cpu, with gradients', async () => {
    const { name } = await loadBackend({ backend: 'cpu' });
    expect(name).toBe('cpu');
    expect(tf.getBackend()).toBe('cpu');
    const gradient = tf.grad((x) => tf.sum(tf.relu(x as tf.Tensor1D)))(tf.tensor1d([1, -1, 2]));
    expect([...gradient.dataSync()]).toEqual([1, 0, 1]);
  });
});

describe('the native TensorFlow', () => {
  let native: LoadBackendOutput | undefined;
  let reason = '';
  beforeAll(async () => {
    try {
      native = await loadBackend({ backend: 'tensorflow' });
    } catch (error) {
      if (process.env.MOE_RL_REQUIRE_NATIVE === '1') throw error;
      reason = String(error);
    }
  }, 600_000);

  it('shares the caller’s tfjs-core: tensors, gradients, chained methods', ({ skip }) => {
    skip(native === undefined, reason);
    expect(tf.getBackend()).toBe('tensorflow');
    expect(native?.tf).toBe(tf);
    const image = tf.ones([1, 4, 4, 1]) as tf.Tensor4D;
    const filter = tf.variable(tf.ones([3, 3, 1, 1])) as tf.Variable<tf.Rank.R4>;
    const { value, grads } = tf.variableGrads(() => tf.sum(tf.conv2d(image, filter, 1, 'valid')) as tf.Scalar);
    expect(value.dataSync()[0]).toBe(36);
    expect([...grads[filter.name]!.dataSync()]).toEqual(new Array(9).fill(4));
    expect([...tf.tensor1d([1, 2]).add(1).dataSync()]).toEqual([2, 3]);
  });

  it('runs the kernels that need what Node 23 removed from util', ({ skip }) => {
    skip(native === undefined, reason);
    const { values } = tf.topk(tf.tensor1d([1, 5, 3]), 2);
    expect([...values.dataSync()]).toEqual([5, 3]);
  });

  it('frees what is disposed', ({ skip }) => {
    skip(native === undefined, reason);
    const before = tf.memory().numTensors;
    for (let i = 0; i < 10; i++) tf.tidy(() => tf.matMul(tf.ones([8, 8]), tf.ones([8, 8])).dataSync());
    expect(tf.memory().numTensors).toBe(before);
  });

  it('is returned again, and refuses a thread count that comes too late', async ({ skip }) => {
    skip(native === undefined, reason);
    expect(await loadBackend({ backend: 'tensorflow' })).toBe(native);
    await expect(loadBackend({ backend: 'tensorflow', threads: 7 })).rejects.toThrow(/first load/);
  });

  it('is returned again, and keeps its thread count, when another one was loaded in between', async ({ skip }) => {
    skip(native === undefined, reason);
    const cpu = await loadBackend({ backend: 'cpu' });
    expect(explainBackends()[0]).toMatchObject({ name: 'cpu', state: 'used' });
    await expect(loadBackend({ backend: 'tensorflow', threads: 7 })).rejects.toThrow(/first load/);
    expect(await loadBackend({ backend: 'tensorflow' })).toBe(native);
    expect(tf.getBackend()).toBe('tensorflow');
    expect(await loadBackend({ backend: 'cpu', threads: 2 })).toBe(cpu);
    await loadBackend({ backend: 'tensorflow' });
  });

  it('is what explainBackends calls used', ({ skip }) => {
    skip(native === undefined, reason);
    expect(explainBackends()[0]).toMatchObject({ name: 'tensorflow', state: 'used' });
    expect(explainBackends()[0]?.source).toMatch(/^TensorFlow \d+\.\d+/);
  });
});
