// The metrics that runs log: tag, unit and meaning, defined once, open to others. An agent may log a tag that nobody registered: the run says so once, so
// that a typing error can't make a silent new curve. Tags are `noun/measure`; `*` stands for one more part: an expert's index, or the name of one
// of several losses.
import { didYouMean, InvalidArgumentError } from '@moe-rl/core';

export interface MetricDefinition {
  /** Unit as shown beside the number; empty for pure numbers. */
  readonly unit: string;
  readonly description: string;
  /** True when the value depends on the machine and the hour, not on the run's seed: left out of comparisons of two runs. */
  readonly isTiming?: boolean;
}

const BUILT_IN: Readonly<Record<string, MetricDefinition>> = {
  'episode/return': { unit: 'points', description: 'Sum of the unclipped rewards of one episode' },
  'episode/lengthAgentSteps': { unit: 'agent steps', description: 'Agent steps of one episode' },
  'episode/count': { unit: 'episodes', description: 'Training episodes ended so far' },
  'train/meanReturn': { unit: 'points', description: 'Mean return of the last 100 training episodes' },
  'train/loss': { unit: '', description: 'Mean loss of the updates since the last row' },
  'train/tdLoss': { unit: '', description: 'Mean temporal difference loss since the last row' },
  'train/auxiliaryLoss': { unit: '', description: 'Mean of the weighted router losses together since the last row' },
  'train/auxiliaryLoss/*': { unit: '', description: 'Mean of one weighted router loss since the last row' },
  'train/penalty/*': { unit: '', description: 'Mean of a penalty, before its coefficient, since the last row' },
  'train/designedReward': {
    unit: 'points',
    description: 'Mean reward that was learned from, where it is not the true one, over the steps with an update',
  },
  'reward/programFailures': {
    unit: 'failures',
    description: 'Failures of a reward program that the run has gone on over',
  },
  'train/epsilon': { unit: '', description: 'Probability of a random action' },
  'train/updates': { unit: 'updates', description: 'Gradient updates so far' },
  'train/meanQ': { unit: 'points', description: 'Mean value of the chosen actions in the batches' },
  'train/maxQ': { unit: 'points', description: 'Mean of the largest action value in the batches' },
  'train/meanTarget': { unit: 'points', description: 'Mean of the bootstrap targets' },
  'train/gradientNorm': { unit: '', description: 'Global L2 norm of the gradient' },
  'train/learningRate': { unit: '', description: 'Learning rate of the optimizer' },
  'replay/transitions': { unit: 'transitions', description: 'Transitions in the replay memory that can be sampled' },
  'router/entropy': { unit: 'nats', description: 'Sparse: mean entropy of a token’s router probabilities' },
  'router/dispatchEntropy': {
    unit: 'nats',
    description: 'Soft: mean entropy of a slot’s dispatch weights over tokens',
  },
  'router/combineEntropy': { unit: 'nats', description: 'Soft: mean entropy of a token’s combine weights over slots' },
  'router/droppedTokenFraction': { unit: '', description: 'Sparse: share of tokens without a place in any expert' },
  'router/changeRate': {
    unit: '',
    description: 'Share of the routers’ choices for the probe batch that were not made at the measurement before',
  },
  'router/keptFromFirst': {
    unit: '',
    description: 'Share of the routers’ first choices for the probe batch that are made now, too',
  },
  'router/saturation': {
    unit: '',
    description:
      'Share of the routers’ choices for the probe batch that are those of the end of training, too; logged when it has ended',
  },
  'router/utilization': {
    unit: '',
    description: 'Jain’s index of the experts’ choices for the probe batch: 1 for all alike, 1 / experts for one',
  },
  'expert/load/*': {
    unit: '',
    description: 'Share of the combine weight (soft) or of the tokens assigned (sparse) that one expert gets',
  },
  'network/dormantFraction': {
    unit: '',
    description:
      'Share of neurons (of the experts, or of the dense layer before the head) that are 0 over a whole batch',
  },
  'network/effectiveRank': { unit: '', description: 'Effective rank of the features' },
  'network/featureNorm': { unit: '', description: 'Mean l2 norm of the feature vectors' },
  'evaluation/return': { unit: 'points', description: 'Mean return of the episodes of one evaluation during training' },
  'evaluation/standardError': {
    unit: 'points',
    description: 'Standard error of that mean over its episodes; null for one episode',
  },
  'evaluation/episodes': { unit: 'episodes', description: 'Episodes of that evaluation' },
  'evaluation/truncatedEpisodes': { unit: 'episodes', description: 'Episodes of it that a time limit cut' },
  'speed/agentStepsPerSecond': {
    unit: '1/s',
    description: 'Agent steps per second since the last row',
    isTiming: true,
  },
  'speed/updatesPerSecond': { unit: '1/s', description: 'Updates per second since the last row', isTiming: true },
  'time/elapsedSeconds': {
    unit: 's',
    description: 'Time spent training, without the pauses between resumes',
    isTiming: true,
  },
  'process/residentBytes': { unit: 'B', description: 'Memory of the process', isTiming: true },
  'process/tensorCount': { unit: 'tensors', description: 'Tensors alive in the tensor library', isTiming: true },
};

const definitions = new Map<string, MetricDefinition>(Object.entries(BUILT_IN));

/** The definition of a tag, if it has one. */
export function findMetric(tag: string): MetricDefinition | undefined {
  const pattern = tag.startsWith('expert/') ? /\/\d+$/ : /\/[^/]+$/;
  return definitions.get(tag) ?? definitions.get(tag.replace(pattern, '/*'));
}

/**
 * The definition of a tag.
 * @throws InvalidArgumentError for a tag that is not registered.
 */
export function metricDefinition(tag: string): MetricDefinition {
  const definition = findMetric(tag);
  if (definition === undefined) {
    throw new InvalidArgumentError(`unknown metric tag "${tag}"${didYouMean(tag, definitions.keys())}`);
  }
  return definition;
}

/**
 * Adds a metric; the same definition again is no error.
 * @throws InvalidArgumentError for a tag that is taken, or not of the form `noun/measure`, and for a definition without unit or description
 */
export function registerMetric(tag: string, definition: MetricDefinition): void {
  if (!/^[\w.-]+(\/[\w.*-]+)+$/.test(tag)) {
    throw new InvalidArgumentError(
      `metric tag is ${JSON.stringify(tag)}; expected noun/measure, for instance my/tdErrorMax`,
    );
  }
  if (typeof definition?.unit !== 'string' || typeof definition.description !== 'string') {
    throw new InvalidArgumentError(`metric "${tag}": expected { unit, description }`);
  }
  const known = definitions.get(tag);
  if (known !== undefined && JSON.stringify(known) !== JSON.stringify(definition)) {
    throw new InvalidArgumentError(`the metric tag "${tag}" is taken: ${known.description}`);
  }
  definitions.set(tag, definition);
}

/** Tags registered now, for the documentation and the tests. */
export function metricTags(): readonly string[] {
  return [...definitions.keys()];
}
