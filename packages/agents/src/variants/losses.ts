// Loss rules and penalties of the variants, over the pure functions in `../losses`.
import type { Tensor } from '@tensorflow/tfjs-core';
import {
  categoricalCrossEntropy,
  conservativePenalty,
  errorOfType,
  featureCoadaptation,
  selectActionDistributions,
  selectActions,
} from '../losses/index.ts';
import type { LossContext, Penalty } from './variant.ts';

/** The error of `agent.error` (squared or Huber's) between the taken action's value and its target. */
export function valueError({ config, online, actions, targets }: LossContext): Tensor {
  return errorOfType(config.error!, selectActions(online.values, actions), targets);
}

/** The cross-entropy between the taken action's distribution and its target. */
export function crossEntropyLoss({ online, actions, targets }: LossContext): Tensor {
  return categoricalCrossEntropy(selectActionDistributions(online.values, actions), targets);
}

/** CQL (Kumar et al. 2020): `logsumexp_a Q(s, a) - Q(s, a_data)`, of expected values where there are distributions. */
export const CONSERVATIVE: Penalty = {
  name: 'conservative',
  coefficient: (config) => config.conservativeCoefficient,
  value: ({ values, actions }) => conservativePenalty(values, actions),
};

/** DR3 (Kumar et al. 2022): `|phi(s) . phi(s')|`, also at terminals. As in the official code the gradient flows through both feature vectors. */
export const COADAPTATION: Penalty = {
  name: 'coadaptation',
  coefficient: (config) => config.coadaptationCoefficient,
  value: ({ online, nextOnline }) => featureCoadaptation(online.features, nextOnline.features),
};
