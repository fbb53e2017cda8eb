// Random streams of an agent. Acting, evaluating, learning and measuring never share one: one may draw more often without changing the others.
import type { Rng } from '@moe-rl/core';

const NAMES = [
  // Acting in training: random actions, and noise of noisy layers.
  'explore',
  'actNoise',
  // The same in evaluation: however often it happens, training goes on as if it had not.
  'evaluateExplore',
  'evaluateNoise',
  // Noise of `values`, which anybody may ask for.
  'inspect',
  'learnNoise',
  'loadNoise',
  // Random numbers of routers in learning.
  'routing',
  // What entering a stage of the mixtures draws.
  'stages',
  'augmentation',
  'sparsity',
  'measure',
] as const;

export type StreamName = (typeof NAMES)[number];
export type Streams = Readonly<Record<StreamName, Rng>>;

/** Forks one stream per consumer. */
export function createStreams(root: Rng): Streams {
  return Object.fromEntries(NAMES.map((name) => [name, root.fork(name)])) as unknown as Streams;
}
