// Programs compiled by XLA's CPU plugin: results against tfjs' own kernels, state on the device, and what is refused.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { adamUpdate, createProgram, lossAndGradients, randomNormal } from '@moe-rl/tfjs-graph';
import { TracingError } from '@moe-rl/tfjs-graph/tracing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { PjrtError } from '../errors.ts';
import { type LoadPjrtOutput, loadPjrt } from '../load.ts';
import { loadForTests, missing, temporaryFolder } from '../testing/plugin.ts';
import { ExecutableCache } from './executable-cache.ts';

let pjrt: LoadPjrtOutput;

describe.skipIf(missing !== undefined)('programs over PJRT', () => {
  beforeAll(async () => {
    pjrt = await loadForTests();
  }, 600_000);

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
        noise: {
          inputs: { seed: { shape: [2], dtype: 'int32' as const } },
          run: ({ seed }: Record<string, tf.Tensor>) => ({ values: randomNormal([3], seed!) }),
        },
      },
    };
  }

  const x = Uint8Array.of(1, 0, 0, 1, 1, 1, 2, 1);
  const y = Float32Array.of(3, -1, 2, 5);

  test('a step trains, its state stays on the device, and a copy does not follow', async () => {
    const before = pjrt.client.liveBuffers;
    const tensors = tf.memory().numTensors;
    const program = await createProgram(regression());
    expect(program.isRecorded).toBe(true);
    expect(pjrt.client.liveBuffers).toBe(before + 5);
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
    expect(pjrt.client.liveBuffers).toBe(before + 5);
    program.dispose();
    expect(pjrt.client.liveBuffers).toBe(before);
    expect(tf.memory().numTensors).toBe(tensors);
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

  test('steps that are started without waiting run in their order', async () => {
    const [together, apart] = [await createProgram(regression()), await createProgram(regression())];
    const started = Array.from({ length: 4 }, () => together.run('learn', { x, y }));
    const losses = (await Promise.all(started)).map(({ loss }) => loss![0]);
    for (const loss of losses) expect((await apart.run('learn', { x, y })).loss![0]).toBe(loss);
    together.dispose();
    apart.dispose();
  });

  test("random numbers are TensorFlow's own draws for the seed", async () => {
    const program = await createProgram(regression());
    // StatelessRandomNormal of TensorFlow 2.21 for shape [3] and seed [1, 2].
    const { values } = await program.run('noise', { seed: Int32Array.of(1, 2) });
    for (const [index, value] of [0.5441101, 0.2073803, 0.0735643].entries())
      expect(values![index]).toBeCloseTo(value, 5);
    program.dispose();
  });

  describe('refusals', () => {
    const make = (run: (inputs: Record<string, tf.Tensor>) => Record<string, tf.Tensor>) =>
      createProgram({
        variables: {},
        entryPoints: { step: { inputs: { x: { shape: [2, 3], dtype: 'float32' } }, run } },
      });

    test('a tensor read in mid-step is named with the entry point and the place', async () => {
      const program = make(({ x }) => ({ y: tf.scalar(tf.sum(x!).dataSync()[0]!) }));
      await expect(program).rejects.toThrow(TracingError);
      await expect(program).rejects.toThrow(
        /entry point "step" reads a tensor .*pjrt-program\.test\.ts.*Return it as a result/,
      );
    });

    test('an operation that is lacking is named with what to use', async () => {
      await expect(make(({ x }) => ({ y: tf.unique(tf.reshape(x!, [6])).values }))).rejects.toThrow(
        /entry point "step" uses the operation Unique \(in .*pjrt-program\.test\.ts.*lacks: the size of its result depends/,
      );
    });

    test('random numbers of JavaScript and variables of others', async () => {
      await expect(make(() => ({ y: tf.scalar(Math.random()) }))).rejects.toThrow(/draws random numbers in JavaScript/);
      await expect(make(({ x }) => ({ y: tf.variable(x!) }))).rejects.toThrow(/creates the variable/);
    });

    test('a shape other than the traced one, a missing input and an unknown entry point', async () => {
      const program = await make(({ x }) => ({ y: tf.sum(x!) }));
      await expect(program.run('step', { x: new Float32Array(5) })).rejects.toThrow(/x.* has 5 values; expected .* 6/);
      await expect(program.run('step', {})).rejects.toThrow(/x.* is missing/);
      await expect(program.run('other' as 'step')).rejects.toThrow(/no entry point "other"/);
      program.dispose();
      await expect(program.run('step', { x: new Float32Array(6) })).rejects.toThrow(/disposed/);
    });

    test('the mode "eager", and another plugin in the same process', async () => {
      await expect(createProgram({ variables: {}, entryPoints: {}, mode: 'eager' })).rejects.toThrow(/mode is "eager"/);
      await expect(loadPjrt({ plugin: process.execPath })).rejects.toThrow(/keeps what it loaded first/);
    });

    test.each([
      { device: 'cuda' },
      { precision: 'highest' },
      { threads: 7 },
      { xlaOptions: { xla_cpu_enable_fast_math: true } },
      { cacheFolder: null },
    ] as const)('other settings in the same process: %j', async (other) => {
      const { plugin } = pjrt;
      await expect(loadPjrt({ plugin, ...other })).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: expect.stringMatching(/device "cpu", precision "default", threads 2, xlaOptions \{\}, cacheFolder "/),
      });
    });

    test('not the same settings, nor none', async () => {
      expect(await loadPjrt({ threads: 2, xlaOptions: {} })).toBe(pjrt);
      expect(await loadPjrt()).toBe(pjrt);
    });
  });

  test('compiled steps are kept on the disk; one that was cut short is named and compiled anew', async () => {
    const folder = temporaryFolder();
    const said: string[] = [];
    const make = () =>
      new ExecutableCache({
        client: pjrt.client,
        folder,
        pluginKey: 'key',
        options: {},
        report: (message) => said.push(message),
      });
    const spec = {
      text: 'module @t {\nfunc.func public @main(%a: tensor<2xf32>) -> tensor<2xf32> {\n%0 = stablehlo.add %a, %a : tensor<2xf32>\nreturn %0 : tensor<2xf32>\n}\n}\n',
      arguments: [{ shape: [2], type: 'f32' as const }],
      donated: [],
      results: [{ shape: [2], type: 'f32' as const }],
    };
    const run = async (cache: ExecutableCache) => {
      const executable = await cache.executable(spec);
      const input = pjrt.client.upload(Float32Array.of(1, 2), spec.arguments[0]!);
      const [output] = executable.execute([input]);
      expect(Array.from(output!.readSync())).toEqual([2, 4]);
      for (const buffer of [input, output!]) buffer.free();
      executable.free();
      return cache.compiledCount;
    };
    expect(await run(make())).toBe(1);
    expect(await run(make())).toBe(0);
    const [file] = readdirSync(folder).filter((name) => name.endsWith('.pjrt'));
    const path = join(folder, file!);
    writeFileSync(path, readFileSync(path).subarray(0, 400));
    expect(await run(make())).toBe(1);
    expect(said.join()).toMatch(/400 bytes\) is cut short or damaged.*compiled anew/);
    expect(await run(make())).toBe(0);
  });

  test("the compiler's own message comes with its code", async () => {
    const broken = pjrt.client.compile({ text: 'module {', arguments: [], donated: [], results: [] });
    await expect(broken).rejects.toThrow(PjrtError);
    await expect(broken).rejects.toMatchObject({ code: 'PJRT', call: 'PJRT_Client_Compile' });
  });
});
