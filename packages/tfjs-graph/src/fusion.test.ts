// Which control edges a recorded step has, and that TensorFlow's optimizer gets through a residual network.

import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { adamUpdate } from './adam.ts';
import type { TensorFlowBackend } from './binding.ts';
import { guideFusion } from './fusion.ts';
import type { GraphNode } from './graph-definition.ts';
import { GraphRecorder, type GraphVariable } from './graph-recorder.ts';
import { createProgram, type EntryPoint, lossAndGradients, registerNativeGradients } from './index.ts';
import { recordEntryPoint } from './recorder.ts';
import { loadNative, makeVariable } from './testing/small-agent.ts';

let obstacle: string | undefined;
beforeAll(async () => {
  obstacle = await loadNative();
}, 600_000);

const size = [2, 4, 4, 3] as const;

/** A residual network of two convolutions, and its update. */
function residual(): { variables: Record<string, tf.Variable>; learn: EntryPoint } {
  const make = (shape: number[], factor: number) =>
    makeVariable(() => tf.mul(tf.sin(tf.reshape(tf.range(0, tf.util.sizeFromShape(shape)), shape)), factor), true);
  const parameters: Record<string, tf.Variable> = {
    k0: make([3, 3, 3, 3], 0.3),
    b0: make([3], 0.1),
    k1: make([3, 3, 3, 3], 0.2),
    b1: make([3], 0.2),
  };
  const moments = (prefix: string) =>
    Object.fromEntries(
      Object.entries(parameters).map(([name, { shape }]) => [`${prefix}${name}`, makeVariable(() => tf.zeros(shape))]),
    );
  const [first, second] = [moments(''), moments('')];
  const updates = makeVariable(() => tf.scalar(0));
  const named = (prefix: string, of: Record<string, tf.Variable>) =>
    Object.fromEntries(Object.entries(of).map(([name, variable]) => [`${prefix}/${name}`, variable]));
  return {
    variables: { ...parameters, ...named('first', first), ...named('second', second), updates },
    learn: {
      inputs: { x: { shape: [...size], dtype: 'float32' } },
      run({ x }) {
        const { loss, gradients } = lossAndGradients(parameters, () => {
          let y = x as tf.Tensor4D;
          for (const layer of ['0', '1']) {
            const biased = tf.add(
              tf.conv2d(tf.relu(y), parameters[`k${layer}`] as tf.Tensor4D, 1, 'same'),
              parameters[`b${layer}`]!,
            );
            y = tf.add(y, biased);
          }
          return { loss: tf.mean(tf.square(tf.relu(y))) };
        });
        adamUpdate({ parameters, gradients, firstMoments: first, secondMoments: second, updates, learningRate: 0.1 });
        return { loss };
      },
    },
  };
}

describe('control edges', () => {
  it('of updates are none that follow from what they depend on, but for reads', ({ skip }) => {
    skip(obstacle !== undefined, obstacle);
    registerNativeGradients();
    const { variables, learn } = residual();
    const recorder = new GraphRecorder();
    const graph = Object.entries(variables).map(
      ([name, variable], index): GraphVariable => ({ name, variable, dtype: 1, resource: `variable/${index}` }),
    );
    const { inputNodes } = recordEntryPoint(
      recorder,
      tf.backend() as TensorFlowBackend,
      'learn',
      'entry0',
      learn,
      graph,
    );
    tf.dispose(Object.values(variables));
    recorder.replaceNodes(guideFusion(recorder.nodes, 'entry0', inputNodes[0]));
    const waits = (op: string) =>
      recorder.nodes
        .filter((node) => node.op === op)
        .map(({ inputs }) => inputs.filter((input) => input.startsWith('^')));
    for (const controls of waits('ResourceApplyAdam')) {
      // The gradient of the layer's input reads the kernel, too, and nothing of the kernel's update depends on it.
      expect(controls.filter((control) => !/ReadVariableOp|Conv2DBackpropInput/.test(control))).toEqual([]);
      expect(controls.filter((control) => /ReadVariableOp/.test(control))).toHaveLength(3);
    }
    // The sum of the first block is read by a relu and by the second sum.
    expect(waits('Relu')).toEqual([[], [`^${inputNodes[0]}`], []]);
  });

  it('are left as they are where nothing follows, and no relu gets one without an input', () => {
    const node = (name: string, op: string, inputs: string[]): GraphNode => ({ name, op, inputs, attributes: {} });
    const nodes = [
      node('a/Conv2D', 'Conv2D', ['a/x']),
      node('a/BiasAdd', 'BiasAdd', ['a/Conv2D']),
      node('a/Add', 'Add', ['a/x', 'a/BiasAdd']),
      node('a/Relu', 'Relu', ['a/Add']),
      node('a/Neg', 'Neg', ['a/Add']),
      node('a/Adam', 'ResourceApplyAdam', ['v', 'a/Conv2D', '^a/Neg', '^b/Other']),
    ];
    expect([...guideFusion(nodes, 'a', undefined).keys()]).toEqual([]);
    expect(guideFusion(nodes, 'a', 'a/x').get('a/Relu')?.inputs).toEqual(['a/Add', '^a/x']);
  });
});

it('a residual network learns recorded as it learns eagerly', async ({ skip }) => {
  skip(obstacle !== undefined, obstacle);
  const x = Float32Array.from({ length: 2 * 4 * 4 * 3 }, (_, index) => Math.cos(index));
  const losses: Record<string, number[]> = {};
  for (const mode of ['recorded', 'eager'] as const) {
    const { variables, learn } = residual();
    const program = await createProgram({ variables, mode, entryPoints: { learn } });
    losses[mode] = [];
    for (let step = 0; step < 10; step++) losses[mode].push((await program.run('learn', { x })).loss![0]!);
    program.dispose();
  }
  for (const [step, loss] of losses.eager!.entries()) expect(losses.recorded![step]).toBeCloseTo(loss, 4);
  expect(losses.eager![9]).toBeLessThan(losses.eager![0]!);
});
