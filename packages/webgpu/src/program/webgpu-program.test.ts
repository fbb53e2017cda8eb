// Programs on a WebGPU device: state stays on it, runs keep their order, a resumed program goes on as the first, and what is refused.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { MissingDependencyError } from '@moe-rl/core';
import { adamUpdate, createProgram, lossAndGradients, randomNormal, randomUniform } from '@moe-rl/tfjs-graph';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { openDevice } from '../device/open.ts';
import { DeviceError, TracingError } from '../index.ts';
import { loadWebGpu } from '../load.ts';
import { missing, withSoftwareAdapter } from '../testing/software-adapter.ts';
import type { WebGpuProgram } from './webgpu-program.ts';

describe.skipIf(missing !== undefined)(`programs on WebGPU${missing === undefined ? '' : ` (${missing})`}`, () => {
  beforeAll(() => withSoftwareAdapter(loadWebGpu), 600_000);

  function regression() {
    const zeros = (shape: number[], trainable = true) => tf.tidy(() => tf.variable(tf.zeros(shape), trainable));
    const variables = {
      w: zeros([2, 1]),
      m: zeros([2, 1], false),
      v: zeros([2, 1], false),
      copy: zeros([2, 1], false),
      updates: zeros([], false),
    };
    const { w, m, v, copy, updates } = variables;
    return {
      variables,
      entryPoints: {
        learn: {
          inputs: {
            x: { shape: [4, 2], dtype: 'uint8' as const },
            y: { shape: [4, 1], dtype: 'float32' as const },
          },
          run({ x, y }: Record<string, tf.Tensor>) {
            const { loss, gradients } = lossAndGradients({ w }, () => ({
              loss: tf.mean(tf.square(tf.sub(tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D), y!))),
            }));
            const slots = { firstMoments: { w: m }, secondMoments: { w: v }, updates };
            adamUpdate({ parameters: { w }, gradients, ...slots, learningRate: 0.1 });
            return { loss };
          },
        },
        sync: {
          run() {
            copy.assign(tf.clone(w));
            return { done: tf.scalar(1) };
          },
        },
        swap: {
          run() {
            const old = tf.clone(w);
            w.assign(tf.clone(copy));
            copy.assign(old);
            return { before: old };
          },
        },
        noise: {
          inputs: { seed: { shape: [2], dtype: 'int32' as const } },
          run: ({ seed }: Record<string, tf.Tensor>) => ({
            normal: randomNormal([3], seed!),
            uniform: randomUniform([2, 300], seed!),
          }),
        },
      },
    };
  }

  const x = Uint8Array.of(1, 0, 0, 1, 1, 1, 2, 1);
  const y = Float32Array.of(3, -1, 2, 5);

  test('a step trains, its state stays on the device, and a copy does not follow', async () => {
    const tensors = tf.memory().numTensors;
    const program = await createProgram(regression());
    expect(program.isRecorded).toBe(true);
    const losses: number[] = [];
    for (let update = 0; update < 60; update++) losses.push((await program.run('learn', { x, y })).loss![0]!);
    expect(losses[0]).toBeCloseTo((9 + 1 + 4 + 25) / 4, 5);
    expect(losses.at(-1)).toBeLessThan(0.1);
    await program.run('sync');
    const { w, copy, updates } = await program.readVariables();
    expect(copy!.data).toEqual(w!.data);
    expect(updates!.data[0]).toBe(60);
    await program.run('learn', { x, y });
    expect((await program.readVariables(['copy'])).copy!.data).toEqual(w!.data);
    program.dispose();
    expect(tf.memory().numTensors).toBe(tensors);
  });

  test('Adam with everything before it: one kernel writes parameter and moments over the old ones', async () => {
    const program = (await createProgram(regression())) as unknown as WebGpuProgram<string>;
    // The errors, the gradient by a product, the scalars of the schedule and the loss; Adam is one of them.
    expect(program.dispatchCount('learn')).toBeLessThanOrEqual(6);
    program.dispose();
  });

  test('two variables that swap their values, and an output that is a value from before', async () => {
    const program = await createProgram(regression());
    await program.writeVariables({
      w: { shape: [2, 1], data: Float32Array.of(1, 2) },
      copy: { shape: [2, 1], data: Float32Array.of(3, 4) },
    });
    expect((await program.run('swap')).before).toEqual(Float32Array.of(1, 2));
    const { w, copy } = await program.readVariables(['w', 'copy']);
    expect([w!.data, copy!.data]).toEqual([Float32Array.of(3, 4), Float32Array.of(1, 2)]);
    program.dispose();
  });

  test('written variables are what the next step starts from: a resumed program goes on as the first', async () => {
    const [first, second] = [await createProgram(regression()), await createProgram(regression())];
    for (let update = 0; update < 5; update++) await first.run('learn', { x, y });
    await second.writeVariables(await first.readVariables());
    for (let update = 0; update < 5; update++) {
      expect(await second.run('learn', { x, y })).toEqual(await first.run('learn', { x, y }));
    }
    first.dispose();
    second.dispose();
  });

  test('steps that are started without waiting run in their order, also before the kernels are compiled', async () => {
    const [together, apart] = [await createProgram(regression()), await createProgram(regression())];
    const started = Array.from({ length: 4 }, () => together.run('learn', { x, y }));
    const read = together.readVariables(['updates']);
    const losses = (await Promise.all(started)).map(({ loss }) => loss![0]);
    expect((await read).updates!.data[0]).toBe(4);
    for (const loss of losses) expect((await apart.run('learn', { x, y })).loss![0]).toBe(loss);
    together.dispose();
    apart.dispose();
  });

  test("random numbers are TensorFlow's own draws for the seed", async () => {
    const program = await createProgram(regression());
    const { normal, uniform } = await program.run('noise', { seed: Int32Array.of(1, 2) });
    // StatelessRandomNormal of TensorFlow 2.21 for shape [3] and seed [1, 2].
    for (const [index, value] of [0.5441101, 0.2073803, 0.0735643].entries()) {
      expect(normal![index]).toBeCloseTo(value, 5);
    }
    expect(Array.from(uniform!).reduce((sum, value) => sum + value, 0) / 600).toBeCloseTo(0.5, 1);
    expect(uniform!.every((value) => value >= 0 && value < 1)).toBe(true);
    program.dispose();
  });

  describe('refusals', () => {
    const make = (run: (inputs: Record<string, tf.Tensor>) => Record<string, tf.Tensor>) =>
      createProgram({
        variables: {},
        entryPoints: { step: { inputs: { x: { shape: [2, 3], dtype: 'float32' } }, run } },
      });

    test('a tensor read in mid-step and an operation that is lacking are named with the place', async () => {
      const program = make(({ x }) => ({ y: tf.scalar(tf.sum(x!).dataSync()[0]!) }));
      await expect(program).rejects.toThrow(TracingError);
      await expect(program).rejects.toThrow(/entry point "step" reads a tensor .*webgpu-program\.test\.ts/);
      await expect(make(({ x }) => ({ y: tf.unique(tf.reshape(x!, [6])).values }))).rejects.toThrow(
        /entry point "step" uses the operation Unique .* the backend "wgsl" lacks: the size of its result depends/,
      );
    });

    test('a shape other than the traced one, an unknown entry point, the mode "eager", and use after dispose', async () => {
      const program = await make(({ x }) => ({ y: tf.sum(x!) }));
      await expect(program.run('step', { x: new Float32Array(5) })).rejects.toThrow(/x.* has 5 values; expected .* 6/);
      await expect(program.run('other' as 'step')).rejects.toThrow(/no entry point "other"/);
      program.dispose();
      await expect(program.run('step', { x: new Float32Array(6) })).rejects.toThrow(/disposed/);
      await expect(createProgram({ variables: {}, entryPoints: {}, mode: 'eager' })).rejects.toThrow(/mode is "eager"/);
    });

    test('commands that the device does not take, which it drops without a word', async () => {
      const { device } = await loadWebGpu();
      const program = await createProgram(regression());
      const create = device.createCommandEncoder.bind(device);
      const refuseOne = () => {
        device.createCommandEncoder = () => {
          device.createCommandEncoder = create;
          const encoder = create();
          const begin = encoder.beginComputePass.bind(encoder);
          encoder.beginComputePass = () => {
            const pass = begin();
            const dispatch = pass.dispatchWorkgroups.bind(pass);
            pass.dispatchWorkgroups = () => dispatch(70_000, 1, 1);
            return pass;
          };
          return encoder;
        };
      };
      // The second try is looked at as the first was.
      for (let attempt = 0; attempt < 2; attempt++) {
        refuseOne();
        await expect(program.run('learn', { x, y })).rejects.toThrow(
          /^entry point "learn": the device refuses its run: /,
        );
      }
      // Nothing came of it, and the next run is as the first.
      expect((await program.run('learn', { x, y })).loss).toBeCloseTo(9.75, 5);
      program.dispose();
    });

    test('a tensor larger than the device binds', async () => {
      const { device } = await loadWebGpu();
      const elements = device.limits.maxStorageBufferBindingSize / 4 + 1;
      const program = createProgram({
        variables: {},
        entryPoints: {
          step: { inputs: { x: { shape: [elements], dtype: 'float32' } }, run: ({ x }) => ({ y: tf.sum(x!) }) },
        },
      });
      await expect(program).rejects.toThrow(DeviceError);
      await expect(program).rejects.toThrow(/this device binds at most/);
    });
  });
});

describe('what is missing', () => {
  // The program that it starts reads the sources.
  const isDist = process.env.MOE_RL_TEST_TARGET === 'dist';
  test.skipIf(missing !== undefined || isDist)('no adapter: a typed error that says what to do', () => {
    const program = `import(${JSON.stringify(fileURLToPath(new URL('../device/open.ts', import.meta.url)))}).then(({ openDevice }) => openDevice()).catch((error) => console.log(error.code, error.message))`;
    const environment = { ...process.env, VK_ICD_FILENAMES: '/nowhere.json', LD_LIBRARY_PATH: '' };
    const { stdout } = spawnSync(process.execPath, ['--conditions=@moe-rl/source', '--no-warnings', '-e', program], {
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      env: environment,
      encoding: 'utf8',
    });
    expect(stdout).toMatch(/WEBGPU_DEVICE WebGPU finds no adapter: expected a GPU with a Vulkan driver/);
  });

  test('no package webgpu: a typed error that names it', async () => {
    await expect(
      openDevice(async () => Promise.reject(Object.assign(new Error('x'), { code: 'ERR_MODULE_NOT_FOUND' }))),
    ).rejects.toThrow(/package webgpu .* is not installed: npm install webgpu/);
    await expect(openDevice(async () => Promise.reject(new Error('bad ELF')))).rejects.toThrow(MissingDependencyError);
  });
});
