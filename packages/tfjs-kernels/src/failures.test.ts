// What goes wrong inside kernels ends with a typed error, on every thread, and the backend works on.

import { ShapeError } from '@moe-rl/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { KernelTrapError, OutOfMemoryError } from './errors.ts';
import { useWasmBackend } from './node.ts';
import { kernelModule, type WasmBackend } from './wasm/module.ts';

beforeAll(async () => {
  await useWasmBackend({ threadCount: 2 });
});

const FAR_OUTSIDE = 0x7fff0000;
const size = 96;

/** A matrix product through the kernel itself; `stray` moves where it goes wrong. */
function multiply(
  { out = 0, scratchStride = 0 }: { out?: number; scratchStride?: number },
  rowsPerProduct = size,
): void {
  const module = kernelModule(tf.backend());
  const batch = 64;
  const [a, b, c, scratch] = module.scratch(
    batch * size * size * 4,
    size * size * 4,
    batch * size * size * 4,
    2 * (module.exports.gemmScratchBytes(size, size) + 128),
  );
  const matrix = size * size * 4;
  module.run(
    'gemm',
    [a, b, c + out, matrix, 0, matrix, rowsPerProduct, size, size, 0, 0, 0, 0, 0],
    { total: batch, multiple: 1, operations: 1e9 },
    scratch,
    scratchStride || (module.exports.gemmScratchBytes(size, size) + 127) & ~127,
  );
}

function expectHealthy(): void {
  tf.tidy(() => {
    const product = tf.matMul(tf.ones([300, 200]), tf.ones([200, 300]));
    expect(product.dataSync().every((value) => value === 200)).toBe(true);
  });
}

describe('a kernel that reaches outside its memory', () => {
  it('on the calling thread, alone or among others, is an error', () => {
    const module = kernelModule(tf.backend());
    expect(module.threadCount).toBe(2);
    expect(() => multiply({ out: FAR_OUTSIDE })).toThrow(KernelTrapError);
    expect(() => module.run('reluGradient', [FAR_OUTSIDE, 0, 0], { total: 8, multiple: 4, operations: 8 })).toThrow(
      /kernel reluGradient failed: .*out of bounds/,
    );
    expectHealthy();
  });

  it('on another thread is an error too, not a wait without end', () => {
    // The second thread's scratch, and only that, lies outside.
    let failures = 0;
    for (let attempt = 0; attempt < 200 && failures < 3; attempt++) {
      try {
        multiply({ scratchStride: FAR_OUTSIDE });
      } catch (error) {
        expect(error).toBeInstanceOf(KernelTrapError);
        expect(error).toMatchObject({ code: 'KERNEL_TRAP', kernelName: 'gemm' });
        expect((error as Error).message).toBe('kernel gemm failed on its thread 1');
        failures++;
      }
    }
    expect(failures).toBe(3);
    for (let i = 0; i < 20; i++) expectHealthy();
  });
});

describe('memory that is used up', () => {
  it('is an error, and the backend works on', () => {
    const { wasm } = tf.backend() as unknown as WasmBackend;
    for (const bytes of [2 ** 32 - 4096, 2 ** 32 + 16, 2 ** 40]) {
      expect(() => wasm._malloc(bytes)).toThrow(OutOfMemoryError);
    }
    expect(() => kernelModule(tf.backend()).scratch(2 ** 32 - 4096)).toThrow(/has no 429\d+ bytes left/);
    // Upstream's kernels allocate their results in the same way.
    const before = tf.memory().numTensors;
    const blocks: number[] = [];
    expect(() => {
      for (let i = 0; i < 5; i++) blocks.push(wasm._malloc(2 ** 30));
    }).toThrow(OutOfMemoryError);
    expect(() => tf.tidy(() => tf.fill([2 ** 28], 1))).toThrow(OutOfMemoryError);
    for (const block of blocks) wasm._free(block);
    expect(tf.memory().numTensors).toBe(before);
    expectHealthy();
  });
});

it('errors of shapes keep their type', () => {
  expect(() => tf.tidy(() => tf.unsortedSegmentSum(tf.ones([2]), tf.tensor1d([0], 'int32'), 1))).toThrow(ShapeError);
});
