// The official optimizers (optax through Dopamine's create_optimizer): parameters after each of ten updates.
import { createOptimizer } from '../../../packages/agents/src/index.ts';
import { expectAll, materialize } from '../vectors.mjs';

const TOLERANCE = 1e-6;

export default {
  descriptions: ['formula'],
  *checks({ vector, adapters }) {
    for (const adapter of adapters.filter(({ tf }) => tf)) {
      yield {
        name: adapter.name,
        run: async () => {
          await adapter.activate();
          expectAll(optimizerPairs(adapter.tf, vector));
        },
      };
    }
  },
};

/** The steps are given also where nothing anneals. */
function annealUpdatesOf({ anneal_learning_rate: anneals, anneal_steps: steps }) {
  return anneals ? steps : 0;
}

/** `[name, actual, golden, tolerance]` of every step. */
export function optimizerPairs(tf, { config, inputs, outputs }) {
  const start = materialize(inputs.params0);
  const parameter = tf.variable(tf.tensor(Float32Array.from(start.data), start.shape));
  const optimizer = createOptimizer(
    {
      type: config.name,
      learningRate: config.learning_rate,
      beta1: config.beta1,
      beta2: config.beta2,
      epsilon: config.eps,
      centered: config.centered,
      annealUpdates: annealUpdatesOf(config),
      weightDecay: 0,
    },
    { parameter },
  );
  try {
    return inputs.grads.map((golden, step) => {
      const { shape, data } = materialize(golden);
      tf.tidy(() => optimizer.applyGradients({ parameter: tf.tensor(Float32Array.from(data), shape) }));
      const name = `params_after_${String(step + 1).padStart(2, '0')}`;
      return [name, { shape: parameter.shape, data: parameter.dataSync().slice() }, outputs[name], TOLERANCE];
    });
  } finally {
    for (const variable of [parameter, ...Object.values(optimizer.variables)]) variable.dispose();
  }
}
