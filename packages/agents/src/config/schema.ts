// The settings of an agent: kind, bounds, default and meaning of every value, alternatives by type, and where a value applies. The defaults are the official
// DQN's (Dopamine's jax/agents/dqn/configs/dqn.gin and the defaults of its classes) on Atari. Checks, overrides, help texts and JSON Schema come from here.
import { type Applicability, type GroupSetting, type Setting, setting, type UnionSetting } from '@moe-rl/core';
import { NETWORK_SETTINGS } from '../networks/settings.ts';
import { listAgentVariants } from '../variants/index.ts';

const isNoisy: Applicability = { path: 'network.noisy', in: [true] };
const isMixture: Applicability = { path: 'network.moe.router.type', notIn: ['none'] };
const isSparseMixture: Applicability = { path: 'network.moe.router.type', notIn: ['none', 'soft'] };
const isRouter = (type: string): Applicability => ({ path: 'network.moe.router.type', in: [type] });
const hasAtoms: Applicability = { path: 'agent.atoms', above: 1 };

/** Agent steps and updates that no run exceeds. */
const MOST = 1e12;
const periods = (doc: string, standard: number, minimum = 1) =>
  setting.integer(doc, standard, { minimum, maximum: MOST });
const weight = (doc: string, applies?: Applicability) =>
  setting.atLeastZero(doc, 0, { maximum: 1e6, ...(applies === undefined ? {} : { applies }) });

const agent = setting.group({
  /** Read when used, because others may register more. */
  get variant(): Setting {
    return setting.choice('Learning rule; switches: what doubleQ, atoms and the coefficients say', 'switches', [
      ...listAgentVariants(),
    ]);
  },
  discountFactor: setting.share('gamma', 0.99),
  updateHorizon: setting.integer('n of n-step returns', 1, { maximum: 1000 }),
  minReplayHistoryAgentSteps: periods('Transitions to exceed before learning starts', 20_000, 0),
  updatePeriodAgentSteps: periods('Agent steps between updates', 4),
  updatesPerPeriod: setting.integer('Updates at each of those', 1, { maximum: 10_000 }),
  targetUpdatePeriodAgentSteps: periods('Agent steps between copies to the target network', 8000),
  batchSize: setting.integer('Transitions per update', 32, { maximum: 65_536 }),
  epsilonTrain: setting.share('Final exploration rate in training', 0.01, {
    applies: { path: 'agent.epsilonSchedule', notIn: ['zero'] },
  }),
  epsilonEvaluate: setting.share('Exploration rate in evaluation', 0.001),
  epsilonDecayPeriodAgentSteps: setting.integer('Agent steps over which epsilon falls', 250_000, {
    maximum: MOST,
    applies: { path: 'agent.epsilonSchedule', in: ['linear'] },
  }),
  epsilonSchedule: setting.choice('How epsilon falls in training', 'linear', ['linear', 'constant', 'zero']),
  doubleQ: setting.boolean('Double DQN targets', false),
  atoms: setting.integer('Atoms of the value distribution; 1: plain values', 1, { maximum: 10_000 }),
  minimumValue: setting.number('Smallest value of the distribution', -10, { applies: hasAtoms }),
  maximumValue: setting.number('Largest value of the distribution', 10, { applies: hasAtoms }),
  error: setting.choice('Error of plain values', 'mse', ['mse', 'huber'], {
    applies: { path: 'agent.atoms', in: [1] },
  }),
  rewardClip: setting.atLeastZero('Rewards are cut to within plus or minus this; 0: not at all', 1),
  dataAugmentation: setting.boolean("DrQ's random shifts and intensity noise", false),
  perSampleNoise: setting.boolean('Noise for each sample of the online loss', false, { applies: isNoisy }),
  expertNoiseInEvaluation: setting.boolean('Experts stay noisy in evaluation', true, {
    applies: { all: [isNoisy, isMixture] },
  }),
  conservativeCoefficient: weight("Weight of CQL's penalty"),
  coadaptationCoefficient: weight("Weight of DR3's penalty"),
});

const rate = {
  learningRate: setting.positive('Learning rate', 6.25e-5, { maximum: 1000 }),
  annealUpdates: setting.integer('Updates over which the learning rate falls to 0; 0: never', 0, {
    minimum: 0,
    maximum: MOST,
  }),
  weightDecay: setting.atLeastZero('Decoupled weight decay', 0, { maximum: 1000 }),
};
/** At 1 a moment would never change. */
const decay = (doc: string, standard: number) =>
  setting.number(doc, standard, { minimum: 0, maximum: 1, isMaximumOpen: true });
const OPTIMIZERS: UnionSetting['variants'] = {
  adam: {
    doc: 'Adam (Kingma and Ba 2015), as optax',
    fields: {
      ...rate,
      beta1: decay("First moment's decay", 0.9),
      beta2: decay("Second moment's decay", 0.999),
      epsilon: setting.atLeastZero('Outside the square root', 1.5e-4, { maximum: 1 }),
    },
  },
  rmsprop: {
    doc: 'RMSProp, as optax',
    fields: {
      ...rate,
      beta2: decay('Decay of the mean square', 0.999),
      epsilon: setting.atLeastZero('Inside the square root', 1.5e-4, { maximum: 1 }),
      centered: setting.boolean('Divide by the standard deviation of the gradient', false),
    },
  },
  sgd: { doc: 'Gradient descent', fields: rate },
};

const replay: UnionSetting = {
  kind: 'union',
  doc: 'How batches are drawn',
  discriminator: 'sampling',
  default: 'uniform',
  common: {
    // Twenty times the literature's; a million transitions of Atari take 7 GB.
    capacity: setting.integer('Slots of the replay buffer', 1_000_000, { maximum: 20_000_000 }),
    truncation: setting.choice('Last transitions of an episode cut by a time limit', 'bootstrap', [
      'bootstrap',
      'discard',
    ]),
  },
  variants: {
    uniform: { doc: 'All alike', fields: {} },
    prioritized: {
      doc: 'By priority (Schaul et al. 2016)',
      fields: {
        priorityExponent: setting.atLeastZero('Exponent of priorities', 1, { maximum: 100 }),
        importanceExponent: setting.atLeastZero('Exponent of importance weights', 0.5, { maximum: 100 }),
        draws: setting.choice('How they are drawn', 'stratified', ['stratified', 'independent']),
      },
    },
  },
};

const masks = {
  sparsity: setting.number('Final share of zeros', 0.9, { minimum: 0, maximum: 0.9999 }),
  distribution: setting.choice('Sparsity per layer', 'erk', ['erk', 'uniform']),
};
const changing = {
  ...masks,
  updatePeriodUpdates: periods('Updates between changes of the masks', 5000),
  endUpdates: periods('Update after which masks stay; pruning: the first change from there on is the last', 2_000_000),
};
const dropAndGrow = {
  ...changing,
  dropFraction: setting.share('Share of active weights dropped at the first change', 0.3),
};
const sparsity: UnionSetting = {
  kind: 'union',
  doc: 'Sparse-training method',
  discriminator: 'method',
  default: 'none',
  variants: {
    none: { doc: 'Dense', fields: {} },
    pruning: {
      doc: 'Gradual magnitude pruning (Zhu and Gupta 2017)',
      fields: { ...changing, startUpdates: periods('Update at which pruning starts', 500_000, 0) },
    },
    static: { doc: 'Random fixed masks', fields: masks },
    set: { doc: 'Masks that drop small weights and regrow at random (Mocanu et al. 2018)', fields: dropAndGrow },
    rigl: { doc: 'Masks that drop small weights and regrow by the gradient (Evci et al. 2020)', fields: dropAndGrow },
  },
};

/** Every setting of an agent's configuration. */
export const AGENT_SETTINGS: GroupSetting = setting.group({
  network: NETWORK_SETTINGS,
  agent,
  optimizer: { kind: 'union', doc: 'Optimizer', discriminator: 'type', default: 'adam', variants: OPTIMIZERS },
  routerOptimizer: {
    kind: 'union',
    doc: 'Optimizer of the routers; shared: that of everything else',
    discriminator: 'type',
    default: 'shared',
    variants: { shared: { doc: 'That of everything else', fields: {} }, ...OPTIMIZERS },
    applies: isMixture,
  },
  replay,
  auxiliaryLosses: setting.group(
    {
      importance: weight('Weight of the importance loss'),
      loadBalance: weight('Weight of the load-balancing loss of Switch and GShard'),
      load: weight('Weight of the load loss of V-MoE'),
      routerZ: weight('Weight of the router z-loss'),
      entropy: weight('Weight of the official entropy loss, which has no gradient'),
      sequenceBalance: weight('Weight of the sequence balance loss of DeepSeekMoE', isRouter('deepseek')),
      stableBalance: weight('Weight of the balance loss of StableMoE', isRouter('stable')),
      distillation: weight('Weight of the distillation loss of StableMoE', isRouter('stable')),
      denseToSparseBalance: weight('Weight of the balance loss of EvoMoE', isRouter('dense-to-sparse')),
      dynMoleBalance: weight('Weight of the balance loss of DynMoLE', isRouter('dynmole')),
    },
    isSparseMixture,
  ),
  sparsity,
  statistics: setting.group({
    periodUpdates: periods('Updates between measurements of the network; 0: never', 0, 0),
    followsRouters: setting.boolean(
      'With every measurement, follows what routers choose for one batch: change rate, utilization, saturation',
      false,
      { applies: { all: [isMixture, { path: './periodUpdates', notIn: [0] }] } },
    ),
  }),
  environment: setting.group({
    repeatActionProbability: setting.share('Sticky actions', 0.25),
    terminalOnLifeLoss: setting.boolean('A lost life ends the episode in training', false),
    maxEpisodeAgentSteps: periods('Episodes are cut after this many agent steps', 27_000),
    trainingAgentSteps: periods('Length of the published run', 50_000_000),
  }),
});
