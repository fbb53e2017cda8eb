// Target rules: what the value of an action should be, according to each paper.
import { expectedValues } from '@moe-rl/encoders';
import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import {
  bellmanTargets,
  categoricalTargets,
  doubleValues,
  greedyValues,
  selectActionDistributions,
} from '../losses/index.ts';
import type { TargetContext } from './variant.ts';

/** DQN (Mnih et al. 2015): `r + discount max_a Q_target(s', a)`. */
export function greedyTarget({ rewards, discounts, nextTarget }: TargetContext): Tensor {
  return bellmanTargets(rewards, discounts, greedyValues(nextTarget.values));
}

/** Double DQN (van Hasselt et al. 2016): the online network chooses the action, the target network values it. */
export function doubleTarget({ rewards, discounts, nextTarget, nextOnline }: TargetContext): Tensor {
  return bellmanTargets(rewards, discounts, doubleValues(nextOnline.values, nextTarget.values));
}

/** C51 (Bellemare et al. 2017): the distribution of the action that the target network thinks best, moved, shrunk and projected. */
export function categoricalGreedyTarget(context: TargetContext): Tensor {
  const probabilities = tf.softmax(context.nextTarget.values, 2);
  return projectChoice(context, probabilities, tf.sum(tf.mul(probabilities, context.support!), 2));
}

/** Rainbow (Hessel et al. 2018): as C51, of the action that the online network thinks best. */
export function categoricalDoubleTarget(context: TargetContext): Tensor {
  const probabilities = tf.softmax(context.nextTarget.values, 2);
  return projectChoice(context, probabilities, expectedValues(context.nextOnline.values, context.support!));
}

/** `probabilities` `[B, A, Z]` of the best action by `chooser` `[B, A]`, projected: `[B, Z]`. */
function projectChoice(context: TargetContext, probabilities: Tensor, chooser: Tensor): Tensor {
  const { rewards, discounts, support, config } = context;
  const chosen = selectActionDistributions(probabilities, tf.argMax(chooser, 1));
  return categoricalTargets(rewards, discounts, chosen, support!, config.minimumValue!, config.maximumValue!);
}
