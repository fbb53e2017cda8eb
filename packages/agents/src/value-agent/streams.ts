// Random streams of an agent. Acting, evaluating, learning and measuring never share one: one may draw more often without changing the others.
import type { Rng } from '@moe-rl/core';

const NAMES = ['explore', 'actNoise', 'learnNoise', 'augmentation', 'sparsity', 'measure'] as const;

export type StreamName = (typeof NAMES)[number];
export type Streams = Readonly<Record<StreamName, Rng>>;

/** Forks one stream per consumer. */
export function createStreams(root: Rng): Streams {
  return Object.fromEntries(NAMES.map((name) => [name, root.fork(name)])) as unknown as Streams;
}
