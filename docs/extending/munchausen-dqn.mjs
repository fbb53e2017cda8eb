// A learning rule: Munchausen DQN (Vieillard et al. 2020, equation 2) is DQN with another target. The reward gets a share of the taken action's log-probability
// under a softmax policy, and the next state counts with that policy's soft value. `moe-rl train --module docs/extending/munchausen-dqn.mjs --set agent.variant=munchausen-dqn`.
import { bellmanTargets, DQN, selectActions } from '@moe-rl/agents';
import * as tf from '@tensorflow/tfjs-core';

const TEMPERATURE = 0.03; // tau
const SHARE = 0.9; // alpha
const LOWEST = -1; // l0

const logPolicy = (values) => tf.logSoftmax(tf.div(values, TEMPERATURE));

export function register({ variants }) {
  variants.register({
    ...DQN,
    name: 'munchausen-dqn',
    description: 'Munchausen DQN: the reward gets a share of the log-policy (Vieillard et al. 2020)',
    target({ rewards, discounts, actions, target, nextTarget }) {
      const taken = tf.mul(selectActions(logPolicy(target.values), actions), TEMPERATURE);
      const bonus = tf.mul(tf.clipByValue(taken, LOWEST, 0), SHARE);
      const next = logPolicy(nextTarget.values);
      const softValues = tf.sum(tf.mul(tf.exp(next), tf.sub(nextTarget.values, tf.mul(next, TEMPERATURE))), 1);
      return bellmanTargets(tf.add(rewards, bonus), discounts, softValues);
    },
  });
}
