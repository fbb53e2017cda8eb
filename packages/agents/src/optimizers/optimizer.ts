// Optimizers as the official code's `create_optimizer` makes them (optax): Adam with epsilon outside the square root, RMSProp with epsilon inside it and
// without bias correction, SGD. State lives in named variables, so it is saved, restored and recorded like the parameters.
import { ShapeError } from '@moe-rl/core';
import { adamUpdate } from '@moe-rl/tfjs-graph';
import type { Tensor, Variable } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import type { OptimizerConfig } from '../config/agent-config.ts';

export interface Optimizer {
  readonly config: OptimizerConfig;
  /** The optimizer's own variables by name: `updates` and `<slot>/<parameter>`. */
  readonly variables: Readonly<Record<string, Variable>>;
  /** The learning rate of the next update. */
  learningRate(): number | Tensor;
  /**
   * One update of all parameters, in place.
   * @throws ShapeError when a gradient is missing or misshapen
   */
  applyGradients(gradients: Readonly<Record<string, Tensor>>): void;
}

type Slots = Record<string, Variable>;

/** Makes an optimizer of `parameters`. Its variables start at zero. */
export function createOptimizer(config: OptimizerConfig, parameters: Readonly<Record<string, Variable>>): Optimizer {
  const updates = tf.tidy(() => tf.variable(tf.scalar(0), false));
  const variables: Record<string, Variable> = { updates };
  const addSlots = (slot: string): Slots => {
    const slots: Slots = {};
    for (const [name, parameter] of Object.entries(parameters)) {
      slots[name] = tf.tidy(() => tf.variable(tf.zeros(parameter.shape), false));
      variables[`${slot}/${name}`] = slots[name];
    }
    return slots;
  };
  const step = createStep(config, parameters, updates, addSlots);
  return {
    config,
    variables,
    learningRate: () => learningRate(config, updates),
    applyGradients(gradients) {
      for (const [name, { shape }] of Object.entries(parameters)) {
        const gradient = gradients[name];
        if (gradient === undefined) throw new ShapeError(`the gradient of "${name}" is missing`);
        if (gradient.shape.join() !== shape.join()) {
          throw new ShapeError(`the gradient of "${name}" has shape [${gradient.shape}]; expected [${shape}]`);
        }
      }
      tf.tidy(() => {
        const rate = learningRate(config, updates);
        if (config.weightDecay > 0) {
          const keep = tf.sub(1, tf.mul(rate, config.weightDecay));
          for (const parameter of Object.values(parameters)) parameter.assign(tf.mul(parameter, keep));
        }
        step(gradients, rate);
      });
    },
  };
}

/** The rate of this update: constant, or falling linearly to 0 over `annealUpdates` (update numbers from 0). */
function learningRate(config: OptimizerConfig, updates: Variable): number | Tensor {
  if (config.annealUpdates === 0) return config.learningRate;
  const progress = tf.minimum(tf.div(updates, config.annealUpdates), 1);
  return tf.mul(tf.sub(1, progress), config.learningRate);
}

type Step = (gradients: Readonly<Record<string, Tensor>>, rate: number | Tensor) => void;

function createStep(
  config: OptimizerConfig,
  parameters: Readonly<Record<string, Variable>>,
  updates: Variable,
  addSlots: (slot: string) => Slots,
): Step {
  switch (config.type) {
    case 'adam': {
      const { beta1, beta2, epsilon } = config;
      const firstMoments = addSlots('firstMoment');
      const secondMoments = addSlots('secondMoment');
      return (gradients, rate) => {
        adamUpdate({
          parameters,
          gradients,
          firstMoments,
          secondMoments,
          updates,
          learningRate: rate,
          beta1,
          beta2,
          epsilon,
        });
      };
    }
    case 'rmsprop': {
      const { beta2, epsilon } = config;
      const squares = addSlots('meanSquare');
      const means = config.centered ? addSlots('mean') : undefined;
      return (gradients, rate) => {
        updates.assign(tf.add(updates, 1));
        for (const [name, parameter] of Object.entries(parameters)) {
          const gradient = gradients[name]!;
          const square = tf.add(tf.mul(squares[name]!, beta2), tf.mul(tf.square(gradient), 1 - beta2));
          squares[name]!.assign(square);
          let variance: Tensor = square;
          if (means !== undefined) {
            const mean = tf.add(tf.mul(means[name]!, beta2), tf.mul(gradient, 1 - beta2));
            means[name]!.assign(mean);
            variance = tf.sub(square, tf.square(mean));
          }
          parameter.assign(tf.sub(parameter, tf.mul(tf.mul(gradient, tf.rsqrt(tf.add(variance, epsilon))), rate)));
        }
      };
    }
    case 'sgd':
      return (gradients, rate) => {
        updates.assign(tf.add(updates, 1));
        for (const [name, parameter] of Object.entries(parameters)) {
          parameter.assign(tf.sub(parameter, tf.mul(gradients[name]!, rate)));
        }
      };
  }
}
