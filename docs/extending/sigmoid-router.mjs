// A router: every token takes the k experts with the largest sigmoid scores, nothing is dropped.
// `moe-rl train --module docs/extending/sigmoid-router.mjs --preset dqn-impala --set network.moe.router.type=sigmoid-top-k`.
import { assignTokens } from '@moe-rl/moe-core';

const sigmoidRouter = ({ k }) => ({
  type: 'sigmoid-top-k',
  /** @param logits [B, T, E] */
  route(ops, logits, { tokenMask }) {
    const probabilities = ops.sigmoid(logits);
    const { indices, values } = ops.topK(probabilities, k);
    const assignment = assignTokens(ops, indices, values, { numExperts: ops.shape(logits)[2], tokenMask });
    return { assignment, logits, probabilities, tokenMask };
  },
});

export function register({ routers, setting }) {
  routers.register({
    type: 'sigmoid-top-k',
    description: 'The k experts with the largest sigmoid scores',
    options: { k: setting.integer('Experts per token', 2) },
    create: ({ k = 2 }) => sigmoidRouter({ k }),
  });
}
