// What a forward pass costs: the same on every backend, whichever operations carry it, and the products written out.
import { createNetwork, getPreset } from '@moe-rl/agents';
import { describe, expect, it } from 'vitest';
import { networkFlops } from './network-cost.ts';

const input = { observationSpec: { frameShape: [84, 84], stackSize: 4, dtype: 'uint8' }, actionCount: 6 } as const;
/** Positions and channels of the encoder's output. */
const [T, D] = [121, 64];

describe('operations of a forward pass', () => {
  it.each(['auto', 'cpu'] as const)(
    'of Soft MoE are those of its dispatch, experts and combine (%s)',
    async (backend) => {
      const { encoder } = getPreset('dqn').network;
      const { moe, ...others } = getPreset('dqn-soft-moe').network;
      // Another width for each backend: networks of one configuration are counted once.
      const H = backend === 'cpu' ? 24 : 32;
      const network = createNetwork({ ...others, encoder, moe: { ...moe, experts: 2, expertHiddenUnits: H } }, input);
      const flops = Object.fromEntries(
        (await networkFlops(network, { backend, threads: 1 })).map((block) => [block.block, block.flops]),
      );
      const S = flops.experts! / (4 * D * H);
      expect(S).toBeGreaterThanOrEqual(2);
      expect(Number.isInteger(S)).toBe(true);
      expect(flops).toMatchObject({ router: 3 * 2 * T * S * D, head: 2 * T * D * 6 });
      expect(Object.keys(flops)).toEqual(['encoder', 'router', 'experts', 'head']);
    },
  );
});
