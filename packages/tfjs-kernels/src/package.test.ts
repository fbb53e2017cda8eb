// Registration, the op x backend table, the errors, the leak guard, the Adam step, and that the checked-in module is what assembly/ gives.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  adamStep,
  formatOpBackendTable,
  MissingKernelError,
  opBackendTable,
  registerTrainingKernels,
  requireTrainingOps,
  TensorLeakError,
  TRAINING_OPS,
  withLeakGuard,
} from './index.ts';
import { useWasmBackend } from './node.ts';
import { expectSameOnBothBackends, randomTensor } from './test-support.ts';

describe('before registration', () => {
  it('the wasm backend is not loaded yet, and the error says what to import', () => {
    expect(() => requireTrainingOps('wasm')).toThrow(/"wasm" has no kernels; import its package/);
    expect(opBackendTable(['wasm'])[0]!.backends.wasm).toBe('not loaded');
  });

  it('upstream lacks the filter gradient and the error names it', async () => {
    await import('@tensorflow/tfjs-backend-wasm');
    const missing = (() => {
      try {
        requireTrainingOps('wasm');
      } catch (error) {
        return error as MissingKernelError;
      }
      return undefined;
    })();
    expect(missing).toBeInstanceOf(MissingKernelError);
    expect(missing!.code).toBe('MISSING_KERNEL');
    expect(missing!.backendName).toBe('wasm');
    expect(missing!.kernelNames).toEqual(expect.arrayContaining(['Conv2DBackpropFilter', 'UnsortedSegmentSum']));
    expect(missing!.message).toMatch(
      /lacks the kernels Conv2DBackpropFilter, UnsortedSegmentSum.*call registerTrainingKernels\(\) first/,
    );
  });
});

describe('after registration', () => {
  beforeAll(async () => {
    const first = await useWasmBackend();
    expect(first.added).toEqual(expect.arrayContaining(['Conv2DBackpropFilter', 'UnsortedSegmentSum']));
    expect(first.replaced).toContain('BatchMatMul');
  });

  it('a second registration changes nothing', async () => {
    expect(registerTrainingKernels()).toEqual({ added: [], replaced: [], gradients: [] });
    expect((await useWasmBackend()).added).toEqual([]);
  });

  it('the wasm and the cpu backend have every operation', () => {
    requireTrainingOps('wasm');
    requireTrainingOps('cpu');
    const rows = opBackendTable(['cpu', 'wasm', 'webgpu']);
    expect(rows.map((row) => row.op)).toEqual(TRAINING_OPS);
    expect(rows.find((row) => row.op === 'Conv2DBackpropFilter')).toMatchObject({
      gradient: 'none',
      backends: { cpu: 'available', wasm: 'moe-rl', webgpu: 'not loaded' },
    });
    expect(rows.every((row) => row.gradient !== 'missing')).toBe(true);
    expect(formatOpBackendTable(rows).split('\n')).toHaveLength(rows.length + 2);
  });

  it('a missing kernel is named', () => {
    expect(() => requireTrainingOps('cpu', ['Relu', 'NoSuchOp'])).toThrow(/"cpu" lacks the kernels NoSuchOp/);
  });

  it('leaves no process-wide handlers behind', () => {
    for (const event of ['unhandledRejection', 'uncaughtException'] as const) {
      const texts = process.listeners(event as never).map((handler) => String(handler));
      expect(texts.filter((text) => text.includes('ExitStatus') || /throw reason/.test(text))).toEqual([]);
    }
  });
});

describe('withLeakGuard', () => {
  it('passes results through; returned tensors are no leak', () => {
    expect(withLeakGuard(() => tf.tidy(() => tf.sum(tf.ones([3])).dataSync()[0]))).toBe(3);
    const { kept } = withLeakGuard(() => ({ kept: [tf.ones([2])] }));
    kept[0]!.dispose();
  });

  it('counts what is left behind', () => {
    const leaked: tf.Tensor[] = [];
    const leak = () => {
      leaked.push(tf.ones([2]), tf.ones([3]));
    };
    expect(() => withLeakGuard(leak, { name: 'learn' })).toThrow(TensorLeakError);
    expect(() => withLeakGuard(leak, { name: 'learn' })).toThrow(/learn left 2 tensors behind/);
    expect(() => withLeakGuard(leak, { allowedTensors: 2 })).not.toThrow();
    tf.dispose(leaked);
  });

  it('awaits asynchronous functions', async () => {
    const leaked: tf.Tensor[] = [];
    const failure = await withLeakGuard(async () => {
      await Promise.resolve();
      leaked.push(tf.ones([2]));
    }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'TENSOR_LEAK', tensorCount: 1 });
    tf.dispose(leaked);
  });
});

describe('adamStep', () => {
  it('is the same on both backends, fused and composed, with a size that is no multiple of 4', async () => {
    await expectSameOnBothBackends(() => {
      let [value, first, second] = [randomTensor([3, 7]), tf.zeros([3, 7]), tf.zeros([3, 7])];
      for (let updateCount = 1; updateCount <= 5; updateCount++) {
        const config = { learningRate: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-3, updateCount };
        const step = adamStep(value, first, second, randomTensor([3, 7], updateCount), config);
        [value, first, second] = [step.value, step.firstMoment, step.secondMoment];
      }
      return [value, first, second];
    }, 1e-6);
  });

  it('its first step moves each parameter by the learning rate against its gradient', async () => {
    const { value } = tf.tidy(() => {
      const config = { learningRate: 0.5, beta1: 0.9, beta2: 0.999, epsilon: 0, updateCount: 1 };
      return adamStep(tf.zeros([2]), tf.zeros([2]), tf.zeros([2]), tf.tensor1d([3, -0.2]), config);
    });
    const [a, b] = value.dataSync();
    expect(a).toBeCloseTo(-0.5, 5);
    expect(b).toBeCloseTo(0.5, 5);
    value.dispose();
  });
});

it('adamStep refuses tensors of other shapes than the parameter’s', () => {
  const [value, other] = [tf.ones([2, 3]), tf.ones([3, 2])];
  const config = { learningRate: 1, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, updateCount: 1 };
  expect(() => adamStep(value, value, value, other, config)).toThrow(/gradient is float32 \[3,2\]; expected .*\[2,3\]/);
  tf.dispose([value, other]);
});

it('the checked-in module is what assembly/ compiles to', () => {
  const script = fileURLToPath(new URL('../scripts/build-wasm.mjs', import.meta.url));
  const { status, stderr } = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' });
  expect(status, stderr).toBe(0);
});
