// Expert choice (Zhou et al., 2022): every expert takes its C best tokens, so load is balanced by construction and a token may get 0 to E experts.
import { requireInteger } from '@moe-rl/core';
import { type CapacityConfig, capacityOf, logitSizes, type Router } from '@moe-rl/moe-core';
import type { TensorOps } from '@moe-rl/tensor-ops';
import { cappedChoiceOfFew, cappedExpertChoice } from '../host/capped-choice.ts';

/** Options of 'expert-choice'. */
export interface ExpertChoiceConfig extends CapacityConfig {
  /**
   * b: no token gets more experts than this. The best such choice, found on the host; the capacity that follows from a factor is lowered to what the
   * cap leaves. Default: no cap.
   */
  readonly maxExpertsPerToken?: number;
}

/** Softmax over experts, top C tokens per expert, weights = those probabilities. C = floor(T * capacityFactor / E), from 1 to T, factor 2. */
export function expertChoiceRouter(config: ExpertChoiceConfig = {}): Router {
  const cap = config.maxExpertsPerToken;
  return {
    type: 'expert-choice',
    runsOnHost: cap === undefined ? 'never' : 'always',
    route(ops, logits, inputs) {
      const { B, T, E } = logitSizes(ops, logits);
      const { tokenMask } = inputs;
      let capacity = capacityOf({ capacityRounding: 'floor', ...config }, { numTokens: T, numExperts: E }, 2);
      const probabilities = ops.softmax(logits, -1);
      const byExpert = ops.transpose(probabilities, [0, 2, 1]);
      if (cap !== undefined) {
        requireInteger('maxExpertsPerToken', cap, 1, E);
        if (config.capacity === undefined) capacity = Math.max(1, Math.min(capacity, Math.floor((T * cap) / E)));
        const chosen = chooseOnHost(ops, byExpert, tokenMask, capacity, cap, config.capacity !== undefined);
        const tokens = ops.toInteger(ops.tensor(chosen, [B, E, capacity]));
        const weights = ops.sum(ops.multiply(ops.oneHot(tokens, T), ops.reshape(byExpert, [B, E, 1, T])), [3]);
        const used = ops.greaterEqual(ops.toFloat(tokens), ops.fill([], 0));
        const assignment = { kind: 'expert-choice', numExperts: E, capacity, tokens, weights, used } as const;
        return { assignment, logits, probabilities };
      }
      const rest = { kind: 'expert-choice', numExperts: E, capacity } as const;
      if (tokenMask === undefined) {
        const { indices, values } = ops.topK(byExpert, capacity);
        return { assignment: { ...rest, tokens: indices, weights: values }, logits, probabilities };
      }
      // Padding scores below every token; a place that it gets all the same stays empty.
      const everywhere = ops.add(ops.reshape(tokenMask, [B, 1, T]), ops.fill([B, E, T], 0));
      const { indices, values } = ops.topK(ops.where(everywhere, byExpert, ops.fill([B, E, T], -1)), capacity);
      const used = ops.greaterEqual(values, ops.fill([], 0));
      const nothing = ops.fill([B, E, capacity], 0);
      const tokens = ops.toInteger(ops.where(used, ops.toFloat(indices), ops.fill([B, E, capacity], -1)));
      return {
        assignment: { ...rest, tokens, weights: ops.where(used, values, nothing), used },
        logits,
        probabilities,
      };
    },
  };
}

/** Chosen tokens [B, E, C] of each sample, -1 for empty places. */
function chooseOnHost<Tensor>(
  ops: TensorOps<Tensor>,
  byExpert: Tensor,
  tokenMask: Tensor | undefined,
  capacity: number,
  cap: number,
  isExact: boolean,
): Float32Array {
  const [B, E, T] = ops.shape(byExpert) as [number, number, number];
  const scores = ops.read(byExpert);
  const isToken = tokenMask && ops.read(tokenMask);
  const chosen = new Float32Array(B * E * capacity);
  for (let sample = 0; sample < B; sample++) {
    const tokens = Array.from({ length: T }, (_, token) => token).filter(
      (token) => isToken?.[sample * T + token] !== 0,
    );
    const n = tokens.length;
    const own = Float64Array.from({ length: E * n }, (_, index) => {
      return scores[(sample * E + Math.floor(index / n)) * T + tokens[index % n]!]!;
    });
    const choose = isExact && n === T ? cappedExpertChoice : cappedChoiceOfFew;
    const places = choose(own, E, n, capacity, cap);
    for (const [index, place] of places.entries()) {
      chosen[sample * E * capacity + index] = place < 0 ? -1 : tokens[place]!;
    }
  }
  return chosen;
}
