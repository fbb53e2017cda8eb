// Expert choice (Zhou et al., 2022): every expert takes its C best tokens, so load is balanced by construction and a token may get 0 to E experts.
import { requireInteger } from '@moe-rl/core';
import { type CapacityConfig, capacityOf, logitSizes, type Router } from '@moe-rl/moe-core';
import { cappedExpertChoice, type RelaxationConfig } from '../host/capped-choice.ts';

/** Options of 'expert-choice'. */
export interface ExpertChoiceConfig extends CapacityConfig, RelaxationConfig {
  /** b: no token gets more experts than this, also after rounding. Chosen on the host. Default: no cap. */
  readonly maxExpertsPerToken?: number;
}

/** Softmax over experts, top C tokens per expert, weights = those probabilities. C = floor(T * capacityFactor / E), from 1 to T, factor 2. */
export function expertChoiceRouter(config: ExpertChoiceConfig = {}): Router {
  const cap = config.maxExpertsPerToken;
  return {
    type: 'expert-choice',
    runsOnHost: cap === undefined ? 'never' : 'always',
    route(ops, logits, _inputs) {
      const { B, T, E } = logitSizes(ops, logits);
      const wanted = { capacityRounding: 'floor', ...config } as const;
      const isSmall = config.capacity === undefined && (T * (config.capacityFactor ?? 2)) / E < 1;
      const capacity = Math.min(T, isSmall ? 1 : capacityOf(wanted, T / E, 2));
      const probabilities = ops.softmax(logits, -1);
      const byExpert = ops.transpose(probabilities, [0, 2, 1]);
      const rest = { kind: 'expert-choice', numExperts: E, capacity } as const;
      if (cap === undefined) {
        const { indices, values } = ops.topK(byExpert, capacity);
        return { assignment: { ...rest, tokens: indices, weights: values }, logits, probabilities };
      }
      requireInteger('maxExpertsPerToken', cap, 1, E);
      const scores = ops.read(byExpert);
      const chosen = new Float32Array(B * E * capacity);
      for (let sample = 0; sample < B; sample++) {
        const own = scores.subarray(sample * E * T, (sample + 1) * E * T);
        chosen.set(cappedExpertChoice(own, E, T, capacity, cap, config), sample * E * capacity);
      }
      const tokens = ops.toInteger(ops.tensor(chosen, [B, E, capacity]));
      const weights = ops.sum(ops.multiply(ops.oneHot(tokens, T), ops.reshape(byExpert, [B, E, 1, T])), [3]);
      return { assignment: { ...rest, tokens, weights }, logits, probabilities };
    },
  };
}
