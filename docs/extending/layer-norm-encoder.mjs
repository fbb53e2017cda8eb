// An encoder, and a preset that uses it: dense layers, each normalised, as in PQN (Gallici et al. 2024). A preset is another one's settings with changes.
// `moe-rl train --module docs/extending/layer-norm-encoder.mjs --game classic-control/cart-pole --preset classic-control-layer-norm`.
import * as tf from '@tensorflow/tfjs-core';

const normalise = (x) => {
  const { mean, variance } = tf.moments(x, 1, true);
  return tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, 1e-6)));
};

/** Everything under `network.encoder` is in `config`; names of parameters begin with `prefix`. */
function layerNormEncoder({ config, observationSpec, prefix, inputScale }) {
  const inputs = observationSpec.frameShape.reduce((product, size) => product * size, observationSpec.stackSize);
  const widths = [inputs, ...config.hiddenUnits];
  const layers = config.hiddenUnits.map((_, layer) => `${prefix}Dense_${layer}`);
  const specs = Object.fromEntries(
    layers.flatMap((name, layer) => [
      [`${name}/kernel`, { shape: [widths[layer], widths[layer + 1]], initializer: { type: 'lecunNormal' } }],
      [`${name}/bias`, { shape: [widths[layer + 1]], initializer: { type: 'zeros' } }],
    ]),
  );
  return {
    specs,
    features: [1, 1, widths.at(-1)],
    apply(parameters, observations) {
      const first = tf.mul(tf.reshape(observations, [-1, inputs]), inputScale);
      return layers.reduce((x, name) => {
        const y = tf.add(tf.matMul(x, parameters[`${name}/kernel`]), parameters[`${name}/bias`]);
        return tf.relu(normalise(y));
      }, first);
    },
  };
}

export function register({ encoders, presets, setting }) {
  const widths = { minimum: 1, maximum: 4096, isInteger: true, maximumLength: 16 };
  encoders.register('layer-norm', layerNormEncoder, {
    hiddenUnits: setting.numbers('Widths of the layers', [128, 128], widths),
  });
  const base = presets.get('classic-control');
  presets.register('classic-control-layer-norm', {
    ...base,
    description: 'classic-control with normalised layers',
    settings: { ...base.settings, network: { ...base.settings.network, encoder: { type: 'layer-norm' } } },
  });
}
