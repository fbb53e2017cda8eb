// The form of a configuration: kind, bounds and meaning of every value. Validation, text overrides and help all come from it; its type follows
// `AgentConfig`, so the two can't drift apart.
import { encoderTypes } from '../networks/encoders.ts';
import { listAgentVariants } from '../variants/index.ts';
import type { AgentConfig } from './agent-config.ts';

interface NumberField {
  readonly kind: 'number' | 'integer';
  readonly minimum?: number;
  readonly maximum?: number;
  /** True: the minimum itself is not allowed. */
  readonly isOpen?: boolean;
}
interface ChoiceField<T extends string = string> {
  readonly kind: 'choice';
  readonly choices: readonly T[];
}
interface BooleanField {
  readonly kind: 'boolean';
}
interface NumbersField {
  readonly kind: 'numbers';
}
export type Field = (NumberField | ChoiceField | BooleanField | NumbersField) & { readonly doc: string };

// Tuples keep unions whole: a field of type 'a' | 'b' is one choice between both.
type FieldFor<T> = ([T] extends [boolean]
  ? BooleanField
  : [T] extends [number]
    ? NumberField
    : [T] extends [string]
      ? ChoiceField<T>
      : NumbersField) & { readonly doc: string };

type SchemaFor<T> = {
  readonly [K in keyof T]: T[K] extends readonly number[]
    ? FieldFor<T[K]>
    : T[K] extends object
      ? SchemaFor<T[K]>
      : FieldFor<T[K]>;
};

export type SchemaNode = Field | { readonly [key: string]: SchemaNode };

const count = (doc: string, minimum = 1) => ({ kind: 'integer', minimum, doc }) as const;
const positive = (doc: string) => ({ kind: 'number', minimum: 0, isOpen: true, doc }) as const;
const atLeastZero = (doc: string) => ({ kind: 'number', minimum: 0, doc }) as const;
const share = (doc: string) => ({ kind: 'number', minimum: 0, maximum: 1, doc }) as const;
const number = (doc: string) => ({ kind: 'number', doc }) as const;
const flag = (doc: string) => ({ kind: 'boolean', doc }) as const;
const choice = <const T extends string>(choices: readonly T[], doc: string) =>
  ({ kind: 'choice', choices, doc }) as const;
/** A choice that others may add to: what there is now. */
const openChoice = (list: () => readonly string[], doc: string) =>
  ({
    kind: 'choice',
    get choices() {
      return list();
    },
    doc,
  }) as const;
const numbers = (doc: string) => ({ kind: 'numbers', doc }) as const;

const optimizer = {
  type: choice(['adam', 'rmsprop', 'sgd'], 'Optimizer'),
  learningRate: positive('Learning rate'),
  beta1: share("Adam's first moment decay"),
  beta2: share("Adam's second moment decay; RMSProp's decay"),
  epsilon: atLeastZero('Outside the square root in Adam, inside in RMSProp'),
  centered: flag('RMSProp: divide by the standard deviation of the gradient'),
  annealUpdates: count('Updates over which the learning rate falls to 0; 0: never', 0),
  weightDecay: atLeastZero('Decoupled weight decay'),
} as const;

/** Every value of an agent's configuration. */
export const AGENT_CONFIG_SCHEMA = {
  network: {
    encoder: {
      type: openChoice(encoderTypes, 'Encoder of the observation'),
      widthScale: positive('Multiplies the numbers of filters'),
      hiddenUnits: numbers("Widths of the perceptron's layers"),
      minimumValues: numbers('Smallest value of each number of a vector observation; empty: not rescaled'),
      maximumValues: numbers('Largest value of each number of a vector observation; empty: not rescaled'),
      inputDivisor: atLeastZero('Observations are divided by this; 0: 255 for bytes, 1 for others'),
    },
    tokens: {
      type: choice(['perConv', 'perFeat', 'perSamp', 'perPatch', 'averagePool', 'shuffled'], 'What a token is'),
      embeddingSize: count('Token width of perPatch; 0: the number of channels', 0),
      patchSize: count('Side of a patch'),
      shuffleSeed: count('Seed of the permutation of shuffled', 0),
    },
    moe: {
      type: choice(['none', 'softMoe', 'topK'], 'Mixture layer'),
      experts: count('Number of experts'),
      expertHiddenUnits: count("Width of an expert's hidden layer"),
      selectedExperts: count('Experts per token of topK'),
      capacityFactor: positive('Slots or capacity per expert: ceil(tokens x factor / experts)'),
      placement: choice(['penultimate', 'final', 'both'], 'Which layer the mixture replaces'),
      isNormalized: flag('Soft MoE: l2-normalize tokens and slot parameters'),
      initialScale: positive('With isNormalized: first value of the learned scale of the logits'),
      phi: choice(['learned', 'fixed-random'], 'Soft MoE: slot parameters'),
      routing: choice(['soft', 'expert-choice'], 'Soft MoE: slots average tokens, or hold one each'),
      tokensPerSlot: count('Soft MoE: tokens that a slot averages; 0: all', 0),
      slotsPerToken: count('Soft MoE: slots that a token averages; 0: all', 0),
      slotsPerExpert: count('Soft MoE: slots per expert; 0: by the capacity factor', 0),
    },
    hiddenUnits: count('Width of the dense layer before the head'),
    scaleHiddenUnitsByExperts: flag('Multiply that width by the number of experts'),
    denseInput: choice(['flattened', 'tokenSum', 'tokenMean', 'globalAveragePool'], 'What that dense layer sees'),
    extraLinearLayer: flag('Another dense layer after the mixture'),
    extraLinearUnits: count('Its width'),
    dueling: flag('Separate advantage and value streams'),
    noisy: flag('Noisy layers'),
    naming: choice(['dqn', 'rainbow'], 'Parameter names of the official DQN or Rainbow networks'),
  },
  agent: {
    variant: openChoice(listAgentVariants, 'Learning rule; switches: by doubleQ, atoms and the coefficients'),
    discountFactor: share('gamma'),
    updateHorizon: count('n of n-step returns'),
    minReplayHistoryAgentSteps: count('Transitions to exceed before learning starts', 0),
    updatePeriodAgentSteps: count('Agent steps between updates'),
    updatesPerPeriod: count('Updates at each of those'),
    targetUpdatePeriodAgentSteps: count('Agent steps between copies to the target network'),
    batchSize: count('Transitions per update'),
    epsilonTrain: share('Final exploration rate in training'),
    epsilonEvaluate: share('Exploration rate in evaluation'),
    epsilonDecayPeriodAgentSteps: count('Agent steps over which epsilon falls'),
    epsilonSchedule: choice(['linear', 'constant', 'zero'], 'How epsilon falls in training'),
    doubleQ: flag('Double DQN targets'),
    atoms: count('Atoms of the value distribution; 1: plain values'),
    minimumValue: number('Smallest value of the distribution'),
    maximumValue: number('Largest value of the distribution'),
    error: choice(['mse', 'huber'], 'Error of plain values'),
    rewardClip: atLeastZero('Rewards are cut to within plus or minus this; 0: not at all'),
    dataAugmentation: flag("DrQ's random shifts and intensity noise"),
    perSampleNoise: flag('Noise for each sample of the online loss'),
    expertNoiseInEvaluation: flag('Experts stay noisy in evaluation'),
    conservativeCoefficient: atLeastZero("Weight of CQL's penalty"),
    coadaptationCoefficient: atLeastZero("Weight of DR3's penalty"),
  },
  optimizer,
  routerOptimizer: { isSeparate: flag('Routers have an optimizer of their own'), ...optimizer },
  replay: {
    capacity: count('Slots of the replay buffer'),
    sampling: choice(['uniform', 'prioritized'], 'How batches are drawn'),
    priorityExponent: atLeastZero('Exponent of priorities'),
    importanceExponent: atLeastZero('Exponent of importance weights'),
    draws: choice(['stratified', 'independent'], 'Prioritized draws'),
    truncation: choice(['bootstrap', 'discard'], 'Last transitions of an episode cut by a time limit'),
  },
  auxiliaryLosses: {
    importance: atLeastZero('Weight of the importance loss'),
    loadBalance: atLeastZero('Weight of the load-balancing loss of Switch and GShard'),
    load: atLeastZero('Weight of the load loss of V-MoE'),
    routerZ: atLeastZero('Weight of the router z-loss'),
    entropy: atLeastZero('Weight of the official entropy loss, which has no gradient'),
  },
  sparsity: {
    method: choice(['none', 'pruning', 'static', 'set', 'rigl'], 'Sparse-training method'),
    sparsity: { kind: 'number', minimum: 0, maximum: 0.9999, doc: 'Final share of zeros' },
    distribution: choice(['erk', 'uniform'], 'Sparsity per layer'),
    updatePeriodUpdates: count('Updates between changes of the masks'),
    startUpdates: count('Update at which pruning starts', 0),
    endUpdates: count('Update after which masks stay'),
    dropFraction: share('Share of active weights dropped at the first change'),
  },
  statistics: { periodUpdates: count('Updates between measurements of the network; 0: never', 0) },
  environment: {
    repeatActionProbability: share('Sticky actions'),
    terminalOnLifeLoss: flag('A lost life ends the episode in training'),
    maxEpisodeAgentSteps: count('Episodes are cut after this many agent steps'),
    trainingAgentSteps: count('Length of the published run'),
  },
} as const satisfies SchemaFor<AgentConfig>;
