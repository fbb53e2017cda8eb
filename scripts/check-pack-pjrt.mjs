// Installs @moe-rl/pjrt as users do: packs it (with core and tfjs-graph) with npm, installs the tarballs into an empty project outside the workspace, and trains a
// tf.layers model of somebody else there, from ESM and CommonJS, with no TensorFlow in the process. Needs built packages; fetches the CPU plugin into the cache
// folder (63 MB) where it is not there yet. Skipped by name where there is no plugin. Prints `N passed, N failed`.
import { checkConsumers } from './pack/consumers.mjs';

const PROGRAM = `
import { readFileSync } from 'node:fs';
import { loadPjrt } from '@moe-rl/pjrt';
import { createProgram, lossAndGradients } from '@moe-rl/tfjs-graph';
import * as tf from '@tensorflow/tfjs';
async function main() {
  await loadPjrt({ device: 'cpu' });
  const layers = [tf.layers.dense({ units: 16, activation: 'tanh', inputShape: [2] }), tf.layers.dense({ units: 1 })];
  const model = tf.sequential({ layers });
  const weights = Object.fromEntries(model.trainableWeights.map((weight) => [weight.name, weight.read()]));
  const program = await createProgram({
    variables: weights,
    entryPoints: {
      learn: {
        inputs: { x: { shape: [64, 2], dtype: 'float32' }, y: { shape: [64, 1], dtype: 'float32' } },
        run({ x, y }) {
          const { loss, gradients } = lossAndGradients(weights, () => ({ loss: tf.losses.meanSquaredError(y, model.apply(x)) }));
          for (const [name, weight] of Object.entries(weights)) weight.assign(tf.sub(weight, tf.mul(gradients[name], 0.1)));
          return { loss };
        },
      },
    },
  });
  const losses = [];
  for (let update = 0; update < 200; update++) {
    const x = Float32Array.from({ length: 128 }, (_, i) => Math.sin(update * 128 + i * 7.3));
    const y = Float32Array.from({ length: 64 }, (_, i) => x[2 * i] - 0.5 * x[2 * i + 1]);
    losses.push((await program.run('learn', { x, y })).loss[0]);
  }
  const isWithout = !/libtensorflow/.test(readFileSync('/proc/self/maps', 'utf8'));
  console.log(losses.at(-1) < losses[0] / 10, program.isRecorded, isWithout);
  process.exit(0);
}
main();
`;

if (process.platform === 'linux' && process.arch === 'x64') {
  checkConsumers({
    packages: ['core', 'tfjs-graph', 'pjrt'],
    others: { '@tensorflow/tfjs': '^4.22.0', '@tensorflow/tfjs-core': '^4.22.0' },
    program: PROGRAM,
    expected: 'true true true',
  });
} else {
  console.log(`skipped: there is no CPU plugin for ${process.platform}-${process.arch}`);
  console.log('0 passed, 0 failed');
}
