// Programs of several seeds as one: each member against the same program alone, whoever takes part, and what is refused.
import { adamUpdate, createProgram, createProgramBatch, lossAndGradients, randomNormal } from '@moe-rl/tfjs-graph';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import type { LoadPjrtOutput } from '../load.ts';
import { loadForTests, missing } from '../testing/plugin.ts';

const SIZE = 3;

/** A small convolutional regression with noise from a seed; `start` is what differs between members. */
function regression(start: number, slope = 0.1) {
  const make = (shape: number[], value: number, trainable = true) =>
    tf.tidy(() =>
      tf.variable(tf.mul(tf.cos(tf.range(0, tf.util.sizeFromShape(shape))).reshape(shape), value), trainable),
    );
  const online = { filter: make([2, 2, 1, 3], start), w: make([12, 2], start / 2) };
  const firstMoments = { filter: make([2, 2, 1, 3], 0, false), w: make([12, 2], 0, false) };
  const secondMoments = { filter: make([2, 2, 1, 3], 0, false), w: make([12, 2], 0, false) };
  const updates = make([], 0, false);
  const copy = make([12, 2], 0, false);
  const variables = {
    filter: online.filter,
    w: online.w,
    'm/filter': firstMoments.filter,
    'm/w': firstMoments.w,
    'v/filter': secondMoments.filter,
    'v/w': secondMoments.w,
    updates,
    copy,
  };
  const image = { shape: [4, 3, 3, 1], dtype: 'uint8' as const };
  const apply = (x: tf.Tensor): tf.Tensor =>
    tf.matMul(
      tf.relu(tf.conv2d(x as tf.Tensor4D, online.filter as unknown as tf.Tensor4D, 1, 'valid')).reshape([4, 12]),
      online.w,
    );
  const entryPoints = {
    learn: {
      inputs: { x: image, seed: { shape: [2], dtype: 'int32' as const } },
      run({ x, seed }: Record<string, tf.Tensor>) {
        const { loss, gradients } = lossAndGradients(online, () => ({
          loss: tf.mean(tf.square(tf.sub(apply(tf.mul(x!, slope)), randomNormal([4, 2], seed!)))),
        }));
        adamUpdate({ parameters: online, gradients, firstMoments, secondMoments, updates, learningRate: 0.05 });
        return { loss };
      },
    },
    act: { inputs: { x: image }, run: ({ x }: Record<string, tf.Tensor>) => ({ values: apply(x!) }) },
    sync: {
      run() {
        copy.assign(tf.clone(online.w) as never);
        return { done: tf.scalar(1) };
      },
    },
  };
  return { variables, entryPoints };
}

const inputsOf = (member: number, turn: number) => ({
  x: Uint8Array.from({ length: 36 }, (_, i) => (i * (member + 3) + turn * 7) % 5),
  seed: Int32Array.of(member, turn),
});

describe.skipIf(missing !== undefined)('a batch of programs', { timeout: 240_000 }, () => {
  let pjrt: LoadPjrtOutput;
  const alone: { losses: number[]; w: ArrayLike<number>; copy: ArrayLike<number>; values: ArrayLike<number> }[] = [];

  beforeAll(async () => {
    pjrt = await loadForTests();
    for (let member = 0; member < SIZE; member++) {
      const program = await createProgram(regression(member + 1));
      const losses: number[] = [];
      for (let turn = 0; turn < 6; turn++) {
        losses.push((await program.run('learn', inputsOf(member, turn))).loss![0]!);
        if (turn === 3) await program.run('sync');
      }
      const { w, copy } = await program.readVariables(['w', 'copy']);
      const { values } = await program.run('act', { x: inputsOf(member, 9).x });
      alone.push({ losses, w: w!.data, copy: copy!.data, values: values! });
      program.dispose();
    }
  }, 600_000);

  const near = (values: ArrayLike<number>, wanted: ArrayLike<number>) => {
    expect(values.length).toBe(wanted.length);
    for (let i = 0; i < wanted.length; i++)
      expect(Math.abs(values[i]! - wanted[i]!)).toBeLessThan(1e-5 * (1 + Math.abs(wanted[i]!)));
  };
  async function train(program: Awaited<ReturnType<typeof member>>, place: number, from = 0, to = 6) {
    const losses: number[] = [];
    for (let turn = from; turn < to; turn++) {
      losses.push((await program.run('learn', inputsOf(place, turn))).loss![0]!);
      if (turn === 3) await program.run('sync');
    }
    return losses;
  }
  const member = (batch: Awaited<ReturnType<typeof createProgramBatch>>, place: number) =>
    batch.createProgram(place, regression(place + 1));

  test.each(['each', 'grouped'] as const)(
    'gives each member what it gets alone (convolutions: %s)',
    async (convolutions) => {
      const buffers = pjrt.client.liveBuffers;
      const tensors = tf.memory().numTensors;
      const batch = await createProgramBatch({ size: SIZE, convolutions });
      const programs = await Promise.all(alone.map((_, place) => member(batch, place)));
      const losses = await Promise.all(programs.map((program, place) => train(program, place)));
      for (const [place, { w, copy, losses: wanted }] of alone.entries()) {
        near(losses[place]!, wanted);
        const state = await programs[place]!.readVariables(['w', 'copy', 'updates']);
        near(state.w!.data, w);
        near(state.copy!.data, copy);
        expect(state.w!.shape).toEqual([12, 2]);
        expect(state.updates!.data[0]).toBe(6);
      }
      const acted = await Promise.all(
        programs.map((program, place) => program.run('act', { x: inputsOf(place, 9).x })),
      );
      for (const [place, { values }] of acted.entries()) near(values!, alone[place]!.values);
      for (const program of programs) program.dispose();
      await new Promise((resolve) => setTimeout(resolve));
      expect(pjrt.client.liveBuffers).toBe(buffers);
      expect(tf.memory().numTensors).toBe(tensors);
    },
  );

  test('computes the same bits whoever takes part: together, alone in it, one after the other, resumed', async () => {
    const together = await createProgramBatch({ size: SIZE });
    const all = await Promise.all(alone.map((_, place) => member(together, place)));
    const losses = await Promise.all(all.map((program, place) => train(program, place)));
    const wanted = await all[1]!.readVariables();
    const wantedOfLast = await all[2]!.readVariables();
    for (const program of all) program.dispose();

    const other = await createProgramBatch({ size: SIZE });
    const [first, one] = [await member(other, 2), await member(other, 1)];
    const early = await train(one, 1, 0, 2);
    const saved = await one.readVariables();
    one.dispose();
    await expect(member(other, 1)).rejects.toThrow(/place 1 of the batch is taken/);
    // What sat out meanwhile is as it was.
    expect(await train(first, 2)).toEqual(losses[2]);
    expect(await first.readVariables()).toEqual(wantedOfLast);
    first.dispose();
    const resumed = await createProgramBatch({ size: SIZE });
    const [late, again] = [await member(resumed, 0), await member(resumed, 1)];
    await again.writeVariables(saved);
    const [rest] = await Promise.all([train(again, 1, 2, 6), train(late, 0, 0, 2).then(() => late.dispose())]);
    expect([...early, ...rest]).toEqual(losses[1]);
    expect(await again.readVariables()).toEqual(wanted);
    again.dispose();
  });

  test('refuses what can’t be batched, by name', async () => {
    await expect(createProgramBatch({ size: 0 })).rejects.toThrow(/size is 0; expected/);
    await expect(createProgramBatch({ size: 2, convolutions: 'some' as 'each' })).rejects.toThrow(
      /convolutions is "some"/,
    );
    const batch = await createProgramBatch({ size: 2 });
    const program = await batch.createProgram(0, regression(1));
    await expect(batch.createProgram(2, regression(1))).rejects.toThrow(/place is 2; expected/);
    await expect(batch.createProgram(0, regression(1))).rejects.toThrow(/place 0 of the batch is taken/);
    await expect(batch.createProgram(1, regression(1, 0.2))).rejects.toThrow(
      /entry point "learn" of the program at place 1 is another function than the first member's/,
    );
    await expect(batch.createProgram(1, { ...regression(1), mode: 'eager' })).rejects.toThrow(/mode is "eager"/);
    await expect(program.run('act', {})).rejects.toThrow(/input "x" of act is missing/);
    program.dispose();
    await expect(program.run('sync')).rejects.toThrow(/was disposed/);
    await expect(batch.createProgram(1, regression(1))).rejects.toThrow(/members are all gone/);
    await tf.setBackend('cpu');
    await expect(createProgramBatch({ size: 2 })).rejects.toThrow(/backend cpu, which runs one program at a time/);
    await tf.setBackend('stablehlo');
  });
});
