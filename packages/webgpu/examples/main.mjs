// The page's program: a network of two layers learns two spirals. The step is traced once and runs as WGSL kernels; what it knows is drawn by a second entry point.
import { adamUpdate, createProgram, lossAndGradients } from '@moe-rl/tfjs-graph';
import { loadWebGpu } from '@moe-rl/webgpu';
import * as tf from '@tensorflow/tfjs';

const BATCH = 128;
const SIDE = 64;
const log = document.getElementById('log');
try {
  await train();
} catch (error) {
  log.textContent = `${error.code ?? error.name}: ${error.message}`;
  document.title = 'failed';
}

async function train() {
  const { deviceName } = await loadWebGpu();
  const sizes = [
    [2, 32],
    [32, 32],
    [32, 1],
  ];
  const make = (value) => Object.fromEntries(sizes.map((size, at) => [`layer${at}`, tf.variable(value(size))]));
  const weights = make((size) => tf.randomNormal(size, 0, 1.5 / Math.sqrt(size[0]), 'float32', 7));
  const [firstMoments, secondMoments] = [make(tf.zeros), make(tf.zeros)];
  const updates = tf.variable(tf.scalar(0));
  const under = (name, group) => Object.fromEntries(Object.entries(group).map(([key, v]) => [`${name}/${key}`, v]));
  // The radius is added in the middle, in place of biases.
  const apply = (x) => {
    const hidden = tf.tanh(tf.matMul(tf.mul(x, 3), weights.layer0));
    return tf.matMul(tf.tanh(tf.add(tf.matMul(hidden, weights.layer1), tf.norm(x, 2, 1, true))), weights.layer2);
  };
  const program = await createProgram({
    variables: { ...under('w', weights), ...under('m', firstMoments), ...under('v', secondMoments), updates },
    entryPoints: {
      learn: {
        inputs: { x: { shape: [BATCH, 2], dtype: 'float32' }, y: { shape: [BATCH, 1], dtype: 'float32' } },
        run({ x, y }) {
          const { loss, gradients } = lossAndGradients(weights, () => ({
            loss: tf.losses.sigmoidCrossEntropy(y, apply(x)),
          }));
          adamUpdate({ parameters: weights, gradients, firstMoments, secondMoments, updates, learningRate: 0.01 });
          return { loss };
        },
      },
      classify: {
        inputs: { x: { shape: [SIDE * SIDE, 2], dtype: 'float32' } },
        run: ({ x }) => ({ probability: tf.sigmoid(apply(x)) }),
      },
    },
  });
  const losses = [];
  for (let update = 0; update < 400; update++) {
    const { x, y } = spirals();
    losses.push((await program.run('learn', { x, y })).loss[0]);
    if (update % 50 === 49)
      log.textContent = `on ${deviceName}: update ${update + 1}, loss ${losses.at(-1).toFixed(3)}`;
  }
  const grid = Float32Array.from({ length: 2 * SIDE * SIDE }, (_, at) => {
    const place = at >> 1;
    return ((at % 2 === 0 ? place % SIDE : Math.floor(place / SIDE)) / (SIDE - 1)) * 2 - 1;
  });
  draw((await program.run('classify', { x: grid })).probability);
  program.dispose();
  globalThis.result = { first: losses[0], last: losses.slice(-20).reduce((sum, loss) => sum + loss, 0) / 20 };
  document.title = 'done';
}

function spirals() {
  const x = new Float32Array(2 * BATCH);
  const y = Float32Array.from({ length: BATCH }, (_, at) => at % 2);
  for (let at = 0; at < BATCH; at++) {
    const radius = Math.random();
    const angle = radius * 3 + y[at] * Math.PI;
    x[2 * at] = radius * Math.cos(angle);
    x[2 * at + 1] = radius * Math.sin(angle);
  }
  return { x, y };
}

function draw(probability) {
  const context = document.getElementById('map').getContext('2d');
  const image = context.createImageData(SIDE, SIDE);
  for (const [at, p] of probability.entries()) image.data.set([255 * p, 80, 255 * (1 - p), 255], 4 * at);
  context.putImageData(image, 0, 0);
}
