// Several seeds as one program beside one after the other: milliseconds in which every one of k agents learns once, in turns.
import { createDqnAgent, createDqnSeeds } from '../dqn-agent.mjs';
import { median } from './measuring.mjs';

/** Rounds of a block. */
const ROUNDS = 3;

/**
 * @param {{ network: string, seeds: number, blocks: number, isTiny: boolean }} config
 * @returns medians in ms: `alone` for one agent's update, `each` and `grouped` for a round of all, by how convolutions are batched (`grouped` not where it is tiny)
 */
export async function measureSeeds({ network, seeds, blocks, isTiny }) {
  const list = Array.from({ length: seeds }, (_, index) => index + 1);
  const alone = await createDqnAgent(network, 'auto', { whats: [], isTiny });
  const each = await createDqnSeeds(network, list, 'each', { isTiny });
  const grouped = isTiny ? undefined : await createDqnSeeds(network, list, 'grouped');
  const sides = {
    alone: (count) => alone.measure('learn', count),
    each: (count) => each.learn(count),
    ...(grouped && { grouped: (count) => grouped.learn(count) }),
  };
  const times = Object.fromEntries(Object.keys(sides).map((name) => [name, []]));
  try {
    // The first block compiles and warms up.
    for (let block = -1; block < blocks; block++) {
      for (const [name, learn] of Object.entries(sides)) {
        const taken = await learn(ROUNDS);
        if (block >= 0) times[name].push(median(taken));
      }
    }
  } finally {
    for (const side of [alone, each, grouped]) side?.stop();
  }
  return Object.fromEntries(Object.entries(times).map(([name, values]) => [name, median(values)]));
}
