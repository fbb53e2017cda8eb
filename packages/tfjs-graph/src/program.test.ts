import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { createProgram, type Program, type ProgramOutputs, randomNormal, randomUniform } from './index.ts';
import { createBatch, createEntryPoints, createVariables, loadNative, makeVariable } from './testing/small-agent.ts';

let obstacle: string | undefined;
beforeAll(async () => {
  obstacle = await loadNative();
}, 600_000);

function makeAgent(mode: 'eager' | 'recorded') {
  const variables = createVariables();
  return createProgram({ variables, entryPoints: createEntryPoints(variables), mode });
}

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 2e-5): void {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < actual.length; i++) {
    expect(Math.abs(actual[i]! - expected[i]!)).toBeLessThanOrEqual(tolerance * (1 + Math.abs(expected[i]!)));
  }
}

async function train(agent: Program<'learn' | 'act' | 'syncTarget'>, updates: number): Promise<ProgramOutputs[]> {
  const results: ProgramOutputs[] = [];
  for (let i = 0; i < updates; i++) {
    results.push(await agent.run('learn', createBatch(i)));
    if (i % 10 === 9) await agent.run('syncTarget');
  }
  return results;
}

describe('a recorded program', () => {
  it('gives the eager program’s losses, errors, variables and actions over 60 updates', async ({ skip }) => {
    skip(obstacle !== undefined, obstacle);
    const eager = await makeAgent('eager');
    const recorded = await makeAgent('recorded');
    expect([eager.isRecorded, recorded.isRecorded]).toEqual([false, true]);
    const expected = await train(eager, 60);
    const actual = await train(recorded, 60);
    for (const [index, { loss, errors }] of expected.entries()) {
      expectClose(actual[index]!.loss!, loss!);
      expectClose(actual[index]!.errors!, errors!);
    }
    const [left, right] = [await eager.readVariables(), await recorded.readVariables()];
    expect(Object.keys(right)).toEqual(Object.keys(left));
    for (const [name, { shape, data }] of Object.entries(left)) {
      expect(right[name]!.shape).toEqual(shape);
      expectClose(right[name]!.data, data, 2e-4);
    }
    expect([...right.updates!.data]).toEqual([60]);
    const frames = createBatch(99).frames.slice(0, 128);
    const [action, same] = [await eager.run('act', { frames }), await recorded.run('act', { frames })];
    expect([...same.action!]).toEqual([...action.action!]);
    expectClose(same.values!, action.values!, 2e-4);
    eager.dispose();
    recorded.dispose();
  });

  it('leaves the variables as they were when it is created', async ({ skip }) => {
    skip(obstacle !== undefined, obstacle);
    const before = createVariables();
    const agent = await makeAgent('recorded');
    for (const [name, { data }] of Object.entries(await agent.readVariables())) {
      expect([...data]).toEqual([...before[name]!.dataSync()]);
    }
    tf.dispose(before);
    agent.dispose();
  });

  it('copies the target network: later updates don’t change it', async ({ skip }) => {
    skip(obstacle !== undefined, obstacle);
    const agent = await makeAgent('recorded');
    await train(agent, 3);
    await agent.run('syncTarget');
    const synced = (await agent.readVariables(['online/Dense_0/kernel']))['online/Dense_0/kernel']!.data;
    await train(agent, 3);
    const { 'online/Dense_0/kernel': online, 'target/Dense_0/kernel': target } = await agent.readVariables();
    expect([...target!.data]).toEqual([...synced]);
    expect([...online!.data]).not.toEqual([...synced]);
    agent.dispose();
  });

  it('resumes from what was read', async ({ skip }) => {
    skip(obstacle !== undefined, obstacle);
    const [agent, other] = [await makeAgent('recorded'), await makeAgent('recorded')];
    await train(agent, 7);
    await other.writeVariables(await agent.readVariables());
    const [left, right] = [await train(agent, 5), await train(other, 5)];
    for (const [index, { loss }] of left.entries()) expectClose(right[index]!.loss!, loss!);
    agent.dispose();
    other.dispose();
  });

  it('never writes into, or keeps, arrays that it was given', async ({ skip }) => {
    skip(obstacle !== undefined, obstacle);
    const value = makeVariable(() => tf.zeros([2]));
    const program = await createProgram({
      variables: { value },
      entryPoints: {
        set: {
          inputs: { x: { shape: [2], dtype: 'float32' } },
          run({ x }) {
            value.assign(x!);
            return {};
          },
        },
        addOne: {
          run() {
            value.assign(tf.add(value, 1));
            return { value };
          },
        },
      },
    });
    const given = Float32Array.of(1, 2);
    await program.writeVariables({ value: { shape: [2], data: given } });
    await program.run('addOne');
    given.fill(50);
    expect([...(await program.readVariables()).value!.data]).toEqual([2, 3]);
    const fed = Float32Array.of(5, 6);
    await program.run('set', { x: fed });
    fed.fill(70);
    expect([...(await program.run('addOne')).value!]).toEqual([6, 7]);
    expect([...fed]).toEqual([70, 70]);
    program.dispose();
  });

  it('keeps the number of tensors over 500 runs', async ({ skip }) => {
    skip(obstacle !== undefined, obstacle);
    const before = tf.memory().numTensors;
    const agent = await makeAgent('recorded');
    await agent.run('learn', createBatch(0));
    const tensors = tf.memory().numTensors;
    const backend = tf.backend() as unknown as { binding: { getNumOfTensors(): number } };
    const handles = backend.binding.getNumOfTensors();
    for (let i = 0; i < 500; i++) await agent.run('learn', createBatch(i % 5));
    expect(tf.memory().numTensors).toBe(tensors);
    expect(backend.binding.getNumOfTensors()).toBe(handles);
    agent.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('draws the eager numbers for a seed, and others for another seed', async ({ skip }) => {
    skip(obstacle !== undefined, obstacle);
    const entryPoints = {
      draw: {
        inputs: { seed: { shape: [2], dtype: 'int32' as const } },
        run: ({ seed }: Record<string, tf.Tensor>) => ({
          normal: randomNormal([1000], seed!),
          uniform: randomUniform([2, 500], seed!),
        }),
      },
    };
    const eager = await createProgram({ variables: {}, entryPoints, mode: 'eager' });
    const recorded = await createProgram({ variables: {}, entryPoints, mode: 'recorded' });
    const seed = Int32Array.of(5, -7);
    const left = await eager.run('draw', { seed });
    expect(await recorded.run('draw', { seed })).toEqual(left);
    expect(await recorded.run('draw', { seed })).toEqual(left);
    expect(await recorded.run('draw', { seed: Int32Array.of(5, -6) })).not.toEqual(left);
    const mean = Array.from(left.normal!).reduce((sum, value) => sum + value, 0) / 1000;
    expect(Math.abs(mean)).toBeLessThan(0.15);
    expect(Math.min(...left.uniform!)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...left.uniform!)).toBeLessThan(1);
    eager.dispose();
    recorded.dispose();
  });

  it('keeps constants and tensors from outside, of every element type', async ({ skip }) => {
    skip(obstacle !== undefined, obstacle);
    const support = tf.tensor1d([1, 2, 3]);
    const flags = makeVariable(() => tf.tensor1d([true, false, true], 'bool'));
    const program = await createProgram({
      variables: { flags },
      entryPoints: {
        run: {
          run() {
            const kept = tf.where(flags, support, tf.fill([3], 9));
            const constant = tf.tensor1d([10, 20, 30], 'int32');
            flags.assign(tf.logicalNot(flags));
            return { kept, constant, none: tf.zeros([0]), big: tf.mul(tf.ones([300, 300]), 2) };
          },
        },
      },
    });
    const first = await program.run('run');
    expect([...first.kept!]).toEqual([1, 9, 3]);
    expect([...first.constant!]).toEqual([10, 20, 30]);
    expect(first.none!).toHaveLength(0);
    expect(first.big!.every((value) => value === 2)).toBe(true);
    expect([...(await program.run('run')).kept!]).toEqual([9, 2, 9]);
    support.dispose();
    program.dispose();
  });
});

describe('a step that can’t be recorded', () => {
  const cases: Record<string, { run: () => Record<string, tf.Tensor>; message: RegExp }> = {
    'reads values back': {
      run: () => ({ x: tf.scalar(tf.add(tf.ones([2]), 1).dataSync()[0]!) }),
      message: /"step" reads a tensor's values/,
    },
    'draws in JavaScript': {
      run: () => ({ x: tf.randomNormal([2]) }),
      message: /draws random numbers in JavaScript/,
    },
    'creates variables': {
      run: () => ({ x: tf.variable(tf.ones([2]), false, 'late') }),
      message: /creates the variable late/,
    },
    'reads a variable of another program': {
      run: () => ({ x: tf.add(stranger!, 1) }),
      message: /reads the variable stranger .*not in the program/,
    },
    'assigns a variable of another program': {
      run: () => {
        stranger!.assign(tf.ones([2]));
        return {};
      },
      message: /assigns the variable stranger/,
    },
    'returns no tensors': {
      run: () => ({ x: 5 as unknown as tf.Tensor }),
      message: /returned something else/,
    },
  };
  let stranger: tf.Variable | undefined;
  for (const [title, { run, message }] of Object.entries(cases)) {
    it(`is refused: ${title}`, async ({ skip }) => {
      skip(obstacle !== undefined, obstacle);
      stranger = makeVariable(() => tf.zeros([2]), false, 'stranger');
      const before = tf.memory().numTensors;
      const random = Math.random;
      const value = makeVariable(() => tf.zeros([2]));
      await expect(createProgram({ variables: { value }, entryPoints: { step: { run } } })).rejects.toThrow(message);
      expect(Math.random).toBe(random);
      value.dispose();
      expect(tf.memory().numTensors).toBe(before);
      stranger.dispose();
      // The backend works on.
      expect([...tf.add(tf.tensor1d([1]), 1).dataSync()]).toEqual([2]);
    });
  }
});

describe.each(['eager', 'recorded'] as const)('inputs of a program (%s)', (mode) => {
  it('are checked by name, type and length', async ({ skip }) => {
    skip(obstacle !== undefined, obstacle);
    const agent = await makeAgent(mode);
    const { frames, actions, rewards } = createBatch(0);
    const cases: [Record<string, Uint8Array | Int32Array | Float32Array>, RegExp][] = [
      [{ frames, actions }, /input "rewards" of learn is missing; expected a Float32Array of 4 values/],
      [{ frames, actions, rewards, extra: rewards }, /learn has no input "extra"/],
      [
        { frames: Float32Array.from(frames), actions, rewards },
        /input "frames" of learn is a Float32Array; expected a Uint8Array/,
      ],
      [{ frames, actions: actions.slice(1), rewards }, /input "actions" of learn has 3 values/],
    ];
    for (const [inputs, message] of cases) {
      await expect(agent.run('learn', inputs)).rejects.toMatchObject({
        code: 'SHAPE',
        message: expect.stringMatching(message),
      });
    }
    await expect(agent.run('lern' as 'learn')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(agent.readVariables(['nothing'])).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(agent.writeVariables({ updates: { shape: [1], data: Int32Array.of(1) } })).rejects.toMatchObject({
      code: 'SHAPE',
    });
    agent.dispose();
    agent.dispose();
    await expect(agent.run('syncTarget')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});
