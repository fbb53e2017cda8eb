// Routers by name: what `network.moe.router` takes. Soft MoE and all sparse routers are there; `registerRouter` (of @moe-rl/top-k-moe) and `registerMixture`
// (of @moe-rl/moe-core) add others.
import type { UnionSetting, UnionVariant } from '@moe-rl/core';
import { mixtureDefinition, mixtureTypes, registerMixture } from '@moe-rl/moe-core';
import { softMixture } from '@moe-rl/soft-moe';
import { topKMixtures } from '@moe-rl/top-k-moe';

registerMixture(softMixture, ...topKMixtures);

/** The setting `network.moe.router`. Its variants are read at each use, because others may register more. */
export function routerSettings(): UnionSetting {
  return {
    kind: 'union',
    doc: 'Router of the mixture',
    discriminator: 'type',
    default: 'none',
    get variants(): Readonly<Record<string, UnionVariant>> {
      const types = mixtureTypes().map((type) => {
        const { description, options } = mixtureDefinition(type);
        return [type, { doc: description, fields: options }] as const;
      });
      return { none: { doc: "No mixture: the baseline's dense layer", fields: {} }, ...Object.fromEntries(types) };
    },
  };
}
