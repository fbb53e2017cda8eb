// The "table network" that the official statistics were run on: its parameters are the logits and features themselves. Per-sample gradients of the
// categorical loss, and from them the official "empirical NTK", which also adds the Gram matrices of the network's outputs.
import {
  categoricalCrossEntropy,
  categoricalTargets,
  empiricalNeuralTangentKernel,
  selectActionDistributions,
} from '../../../packages/agents/src/index.ts';
import { expectedValues } from '../../../packages/encoders/src/index.ts';
import { materialize } from '../vectors.mjs';

export function tableNetworkKernel(tf, { config, inputs }) {
  return tf.tidy(() => {
    const tensor = (name, dtype = 'float32') => {
      const { shape, data } = materialize(inputs[name]);
      return tf.tensor(dtype === 'int32' ? Int32Array.from(data) : Float32Array.from(data), shape, dtype);
    };
    const [online, onlineNext, targetNext] = ['online', 'online_next', 'target_next'].map((name) => tensor(name));
    const support = tensor('support');
    const supportValues = support.dataSync();
    const [minimum, maximum] = [supportValues[0], supportValues[supportValues.length - 1]];
    const rewards = tensor('rewards');
    const discounts = tf.mul(tf.sub(1, tensor('terminals')), config.cumulative_gamma);
    const actions = tensor('actions', 'int32');
    const features = tensor('features');
    const [B, A, N] = online.shape;
    const probabilitiesNext = tf.softmax(targetNext, 2);
    const chosen = tf.argMax(
      config.double_dqn ? expectedValues(onlineNext, support) : expectedValues(targetNext, support),
      1,
    );
    const targets = categoricalTargets(
      rewards,
      discounts,
      selectActionDistributions(probabilitiesNext, chosen),
      support,
      minimum,
      maximum,
    );
    const lossOf = (logits) => categoricalCrossEntropy(selectActionDistributions(logits, actions), targets);
    const losses = lossOf(online).dataSync();
    // A sample's loss depends on its own logits only, so the summed loss's gradient holds every per-sample gradient.
    const gradients = tf
      .grad((logits) => tf.sum(lossOf(logits)))(online)
      .dataSync();
    const perSample = new Float64Array(B * B * A * N);
    for (let sample = 0; sample < B; sample++) {
      for (let index = 0; index < A * N; index++) {
        perSample[sample * B * A * N + sample * A * N + index] = gradients[sample * A * N + index];
      }
    }
    const pure = empiricalNeuralTangentKernel({ shape: [B, B * A * N], data: perSample });
    const probabilities = tf.softmax(online, 2);
    const q = expectedValues(online, support);
    const kernel = { shape: [B, B], data: Float64Array.from(pure.data) };
    for (const output of [q, features, online, probabilities]) {
      const gram = empiricalNeuralTangentKernel({ shape: [B, output.size / B], data: output.dataSync() });
      for (let index = 0; index < kernel.data.length; index++) kernel.data[index] += gram.data[index];
    }
    const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = (values) => mean(values.map((value) => (value - mean(values)) ** 2));
    const qValues = Array.from(q.dataSync());
    const squares = (x) => Array.from(x.dataSync()).reduce((sum, value) => sum + value * value, 0);
    return {
      kernel,
      metrics: {
        lossMean: mean(Array.from(losses)),
        lossVariance: variance(Array.from(losses)),
        qMean: mean(qValues),
        qStandardDeviation: Math.sqrt(variance(qValues)),
        parameterNorm: squares(online) + squares(onlineNext) + squares(features),
        pureDiagonalMean: mean(Array.from({ length: B }, (_, index) => pure.data[index * B + index])),
      },
    };
  });
}
