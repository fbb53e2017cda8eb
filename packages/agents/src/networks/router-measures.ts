// What a router did with a batch, as numbers for logs, reduced in the graph. Metric tags are the keys; `load` becomes `expert/load/0`, `expert/load/1`, ...
import type { ExpertChoice, MoeOutput, Routing } from '@moe-rl/moe-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';

/** Scalars by tag, and each expert's share `[E]`, which sums to 1. */
export interface RouterMeasures {
  readonly load: Tensor;
  readonly [tag: `router/${string}`]: Tensor;
}

/** Of any mixture, by what it routes. */
export function routerMeasures({ routing, dispatchWeights, combineWeights }: MoeOutput<Tensor>): RouterMeasures {
  return routing === undefined ? softRouterMeasures(dispatchWeights!, combineWeights!) : sparseRouterMeasures(routing);
}

/**
 * Of soft routing: each expert's share of the combine weight; the mean entropy of a slot's weights over tokens (at most ln T), and of a token's weights
 * over slots (at most ln S), in nats.
 * @param dispatch `[B, T, E, P]`, sums to 1 over T
 * @param combine `[B, T, E, P]`, sums to 1 over E and P
 */
export function softRouterMeasures(dispatch: Tensor, combine: Tensor): RouterMeasures {
  return {
    load: tf.mean(tf.sum(combine, 3), [0, 1]),
    'router/dispatchEntropy': tf.mean(entropy(dispatch, [1])),
    'router/combineEntropy': tf.mean(entropy(combine, [2, 3])),
  };
}

/**
 * Of sparse routing: each expert's share of the choices that were made, dropped ones included (where experts choose: of the places they filled); the mean
 * entropy of a token's probabilities, in nats; the share of tokens that no expert worked on.
 */
export function sparseRouterMeasures({ assignment, probabilities }: Routing<Tensor>): RouterMeasures {
  const [, tokenCount, expertCount] = probabilities.shape as [number, number, number];
  const shares = tf.div(probabilities, tf.maximum(tf.sum(probabilities, 2, true), 1e-30));
  const isPlaced =
    assignment.kind === 'token-choice'
      ? tf.max(assignment.kept, 2)
      : tf.minimum(tf.sum(takenTokens(assignment, tokenCount), [1, 2]), 1);
  const counts =
    assignment.kind === 'token-choice'
      ? tf.sum(tf.mul(oneHot(assignment.experts, expertCount), tf.expandDims(assignment.wanted, 3)), [0, 1, 2])
      : tf.sum(takenTokens(assignment, tokenCount), [0, 2, 3]);
  return {
    load: tf.div(counts, tf.maximum(tf.sum(counts), 1)),
    'router/entropy': tf.mean(entropy(shares, [2])),
    'router/droppedTokenFraction': tf.sub(1, tf.mean(isPlaced)),
  };
}

/**
 * Which experts each token has `[B, T, E]`, ones and zeros: those that it chose, dropped ones included; where experts choose, those that took it; of soft routing
 * the one with the largest share of the token.
 */
export function routerChoices({ routing, combineWeights }: MoeOutput<Tensor>): Tensor {
  if (routing === undefined) {
    const shares = tf.sum(combineWeights!, 3);
    return oneHot(tf.argMax(shares, 2), shares.shape[2]!);
  }
  const { assignment, probabilities } = routing;
  const [, tokenCount, expertCount] = probabilities.shape as [number, number, number];
  if (assignment.kind === 'token-choice')
    return tf.minimum(
      tf.sum(tf.mul(oneHot(assignment.experts, expertCount), tf.expandDims(assignment.wanted, 3)), 2),
      1,
    );
  return tf.transpose(tf.minimum(tf.sum(takenTokens(assignment, tokenCount), 2), 1), [0, 2, 1]);
}

/** Which token stands in each place `[B, E, C, T]`, where experts choose: rows of places without one are all zeros. */
function takenTokens({ tokens, used }: ExpertChoice<Tensor>, tokenCount: number): Tensor {
  const taken = oneHot(tokens, tokenCount);
  return used === undefined ? taken : tf.mul(taken, tf.expandDims(used, 3));
}

/** `-sum p log p` over some axes; 0 log 0 = 0. */
function entropy(probabilities: Tensor, axes: number[]): Tensor {
  return tf.neg(tf.sum(tf.mul(probabilities, tf.log(tf.maximum(probabilities, 1e-30))), axes));
}

/** One-hot rows of integers of any shape. */
function oneHot(indices: Tensor, depth: number): Tensor {
  // tf.oneHot wants a depth of at least 2.
  if (depth === 1) return tf.ones([...indices.shape, 1]);
  return tf.cast(tf.oneHot(tf.cast(indices, 'int32') as tf.Tensor1D, depth), 'float32');
}
