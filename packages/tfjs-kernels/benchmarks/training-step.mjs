// Times one DQN step and one act on a backend.
//   node --conditions=@moe-rl/source benchmarks/training-step.mjs [--backend wasm|wasm-upstream|cpu] [--networks a,b] [--repeats 5] [--profile]
// `wasm-upstream` is the wasm backend without our kernels; the missing filter gradient is composed there from upstream's own fast
// convolution (batch and channels exchanged), the best that can be had without new kernels. Times of a busy machine are no measurement.
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { registerTrainingKernels } from '@moe-rl/tfjs-kernels';
import { useWasmBackend } from '@moe-rl/tfjs-kernels/node';
import * as tf from '@tensorflow/tfjs-core';
import { createStep, NETWORKS } from './networks.mjs';

const require = createRequire(import.meta.url);
const { values } = parseArgs({
  options: {
    backend: { type: 'string', default: 'wasm' },
    threads: { type: 'string' },
    networks: { type: 'string', default: NETWORKS.join(',') },
    repeats: { type: 'string', default: '5' },
    profile: { type: 'boolean', default: false },
  },
});
const isUpstream = values.backend === 'wasm-upstream';
if (values.backend === 'wasm') {
  const { threadCount } = await useWasmBackend(
    values.threads === undefined ? {} : { threadCount: Number(values.threads) },
  );
  console.error(`${threadCount} threads`);
} else if (isUpstream) await useUpstream();
else {
  require('@tensorflow/tfjs-backend-cpu');
  registerTrainingKernels();
  await tf.setBackend(values.backend);
}

for (const network of values.networks.split(',')) {
  const { learn, act } = createStep(network, !isUpstream);
  let loss = learn();
  const learnMs = [];
  const actMs = [];
  for (let i = 0; i < Number(values.repeats); i++)
    learnMs.push(
      time(() => {
        loss = learn();
      }),
    );
  for (let i = 0; i < 4 * Number(values.repeats); i++) actMs.push(time(act));
  console.log(
    JSON.stringify({
      backend: values.backend,
      network,
      learnMs: median(learnMs),
      actMs: median(actMs),
      fastestLearnMs: round(Math.min(...learnMs)),
      loss,
    }),
  );
  if (values.profile) console.table(profile(learn));
}

function time(f) {
  const start = performance.now();
  f();
  return performance.now() - start;
}

function median(list) {
  return round(list.toSorted((a, b) => a - b)[list.length >> 1]);
}

function round(value) {
  return Math.round(value * 100) / 100;
}

/** Time by kernel; a kernel's time includes that of kernels it calls. */
function profile(f) {
  const total = {};
  const name = tf.getBackend();
  const original = tf.getKernelsForBackend(name);
  const replace = (kernel) => {
    tf.unregisterKernel(kernel.kernelName, name);
    tf.registerKernel(kernel);
  };
  for (const kernel of original) {
    const kernelFunc = (call) => {
      const start = performance.now();
      const result = kernel.kernelFunc(call);
      total[kernel.kernelName] ??= { ms: 0, calls: 0 };
      const row = total[kernel.kernelName];
      row.ms += performance.now() - start;
      row.calls++;
      return result;
    };
    replace({ ...kernel, kernelFunc });
  }
  const ms = time(f);
  for (const kernel of original) replace(kernel);
  const rows = Object.entries(total).sort((a, b) => b[1].ms - a[1].ms);
  return Object.fromEntries([
    ['(step)', { ms: round(ms), calls: 1 }],
    ...rows.slice(0, 16).map(([key, row]) => [key, { ...row, ms: round(row.ms) }]),
  ]);
}

async function useUpstream() {
  const wasm = require('@tensorflow/tfjs-backend-wasm');
  wasm.setWasmPaths(`${dirname(require.resolve('@tensorflow/tfjs-backend-wasm'))}/`);
  tf.registerKernel({
    kernelName: 'Conv2DBackpropFilter',
    backendName: 'wasm',
    kernelFunc: ({ inputs: { x, dy }, attrs: { strides, pad, filterShape } }) =>
      tf.tidy(() => {
        const info = tf.backend_util.computeConv2DInfo(x.shape, filterShape, strides, 1, pad);
        const { top, bottom, left, right } = info.padInfo;
        const images = tf.transpose(
          tf.pad(x, [
            [0, 0],
            [top, bottom],
            [left, right],
            [0, 0],
          ]),
          [3, 1, 2, 0],
        );
        const out = tf.conv2d(images, tf.transpose(dy, [1, 2, 0, 3]), 1, 'valid', 'NHWC', [
          info.strideHeight,
          info.strideWidth,
        ]);
        const [height, width, inChannels, outChannels] = filterShape;
        return tf.transpose(tf.slice(out, [0, 0, 0, 0], [inChannels, height, width, outChannels]), [1, 2, 0, 3]);
      }),
  });
  // Gradients only: the kernels come afterwards off again.
  const upstream = tf.getKernelsForBackend('wasm');
  registerTrainingKernels();
  for (const kernel of tf.getKernelsForBackend('wasm')) tf.unregisterKernel(kernel.kernelName, 'wasm');
  for (const kernel of upstream) tf.registerKernel(kernel);
  await tf.setBackend('wasm');
}
