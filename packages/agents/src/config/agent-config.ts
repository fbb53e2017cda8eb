// The whole configuration of an agent, as plain JSON: what a preset is, what a run folder keeps, what `--set agent.batchSize=64` changes.
import type { NetworkConfig } from '../networks/config.ts';

/** How the agent explores, learns and values. Official names (Dopamine) in brackets where they differ. */
export interface LearningConfig {
  /**
   * Learning rule (target, loss, penalties) by name: one of `listAgentVariants()`. `switches`: the one that `doubleQ`, `atoms` and the coefficients of the
   * penalties make up.
   */
  readonly variant: string;
  /** gamma */
  readonly discountFactor: number;
  /** n of n-step returns. */
  readonly updateHorizon: number;
  /** Transitions that must be exceeded before learning starts (strictly, as in the official code) [min_replay_history]. */
  readonly minReplayHistoryAgentSteps: number;
  /** Agent steps between updates [update_period]. */
  readonly updatePeriodAgentSteps: number;
  /** Updates at each of those [num_updates_per_train_step]. */
  readonly updatesPerPeriod: number;
  /** Agent steps between copies of the online network to the target network [target_update_period]. */
  readonly targetUpdatePeriodAgentSteps: number;
  readonly batchSize: number;
  /** Final exploration rate in training; absent with the schedule `zero`. */
  readonly epsilonTrain?: number;
  /** Exploration rate in evaluation. */
  readonly epsilonEvaluate: number;
  /** With the schedule `linear`: agent steps over which epsilon falls from 1, after `minReplayHistoryAgentSteps`. */
  readonly epsilonDecayPeriodAgentSteps?: number;
  /** `linear`: as above. `constant`: always `epsilonTrain` [identity_epsilon]. `zero`: no random actions in training, which noisy networks use. */
  readonly epsilonSchedule: 'linear' | 'constant' | 'zero';
  /** Double DQN: the online network chooses, the target network values. */
  readonly doubleQ: boolean;
  /** Z, atoms of the value distribution; 1: plain values [num_atoms]. */
  readonly atoms: number;
  /** With several atoms: smallest and largest value of the distribution [vmin, vmax]. */
  readonly minimumValue?: number;
  readonly maximumValue?: number;
  /** With one atom: error of plain values; categorical agents use the cross-entropy. */
  readonly error?: 'mse' | 'huber';
  /** Rewards are cut to within plus or minus this; 0: not at all. */
  readonly rewardClip: number;
  /** DrQ's random shift by up to 4 pixels and intensity noise, on states and next states. */
  readonly dataAugmentation: boolean;
  /** Noisy networks: the online loss draws noise for each sample (the official MoE agents) instead of once for the batch. */
  readonly perSampleNoise?: boolean;
  /** Noisy networks with a mixture: experts stay noisy in evaluation (official behaviour; the head never does). */
  readonly expertNoiseInEvaluation?: boolean;
  /** Weight of CQL's penalty `logsumexp_a Q - Q(a)`; 0: none. */
  readonly conservativeCoefficient: number;
  /** Weight of DR3's co-adaptation penalty `|phi(s) . phi(s')|`; 0: none. */
  readonly coadaptationCoefficient: number;
}

interface OptimizerBase {
  readonly learningRate: number;
  /** Updates over which the learning rate falls linearly to 0; 0: never. */
  readonly annealUpdates: number;
  /** Decoupled weight decay (AdamW): each update also takes `learningRate * weightDecay` of the parameters away. */
  readonly weightDecay: number;
}

export interface AdamConfig extends OptimizerBase {
  readonly type: 'adam';
  /** First moment's decay. */
  readonly beta1: number;
  /** Second moment's decay. */
  readonly beta2: number;
  /** Outside the square root. */
  readonly epsilon: number;
}

export interface RmsPropConfig extends OptimizerBase {
  readonly type: 'rmsprop';
  /** Decay of the mean square, as in the official code. */
  readonly beta2: number;
  /** Inside the square root. */
  readonly epsilon: number;
  /** Divides by the standard deviation of the gradient. */
  readonly centered: boolean;
}

export interface SgdConfig extends OptimizerBase {
  readonly type: 'sgd';
}

export type OptimizerConfig = AdamConfig | RmsPropConfig | SgdConfig;

interface ReplayBase {
  /** Slots of the buffer. */
  readonly capacity: number;
  /** Last transitions of an episode cut by a time limit: `bootstrap` from the last observation, or `discard` them. */
  readonly truncation: 'bootstrap' | 'discard';
}

export interface PrioritizedReplayConfig extends ReplayBase {
  readonly sampling: 'prioritized';
  /** Transitions are drawn in proportion to `priority ^ priorityExponent`; the official priorities are square roots already. */
  readonly priorityExponent: number;
  /** Exponent of the importance weights. */
  readonly importanceExponent: number;
  /** One draw per equal part of the total priority, or independent draws. */
  readonly draws: 'stratified' | 'independent';
}

export interface UniformReplayConfig extends ReplayBase {
  readonly sampling: 'uniform';
}

export type ReplayConfig = UniformReplayConfig | PrioritizedReplayConfig;

/** Weights of losses on the routers (0: none, the default of all agents). Soft MoE's router has none of these problems; `topK` does. */
export interface AuxiliaryLossesConfig {
  /** Squared coefficient of variation of the summed router probabilities (Shazeer et al. 2017). */
  readonly importance: number;
  /** E sum_e(share of tokens with e as best expert x mean probability of e) (Switch, GShard). */
  readonly loadBalance: number;
  /** Squared coefficient of variation of the mean probability that a token stays with an expert under other noise (V-MoE). */
  readonly load: number;
  /** mean (logsumexp of the router's logits)^2 (ST-MoE). */
  readonly routerZ: number;
  /**
   * 1 - entropy of the best experts' counts / log E, as the official code has it. Counting has no gradient, so this one teaches nothing: it is there to get
   * the official losses.
   */
  readonly entropy: number;
  /** Of router `deepseek`: balance within each sample (DeepSeek-V3). */
  readonly sequenceBalance: number;
  /** Of router `stable`: balance of its first stage, and the distillation of its second router. Its schedule brings both by itself. */
  readonly stableBalance: number;
  readonly distillation: number;
  /** Of routers `dense-to-sparse` and `dynmole`. */
  readonly denseToSparseBalance: number;
  readonly dynMoleBalance: number;
}

interface MaskConfig {
  /** Final share of zeros among all masked kernels. */
  readonly sparsity: number;
  /** `erk`: per layer by Erdos-Renyi-Kernel; `uniform`: the same everywhere. */
  readonly distribution: 'erk' | 'uniform';
}

interface ChangingMaskConfig extends MaskConfig {
  /** Updates between changes of the masks. */
  readonly updatePeriodUpdates: number;
  /** Update after which masks stay. Pruning is at its final sparsity then: the first change at or after it is the last. */
  readonly endUpdates: number;
}

/** Gradual magnitude pruning. */
export interface PruningConfig extends ChangingMaskConfig {
  readonly method: 'pruning';
  /** Update at which pruning starts. */
  readonly startUpdates: number;
}

/** Masks that drop and regrow: at random (SET) or by the gradient (RigL). */
export interface DropAndGrowConfig extends ChangingMaskConfig {
  readonly method: 'set' | 'rigl';
  /** Share of active weights dropped at the first change (cosine-annealed to 0 at `endUpdates`). */
  readonly dropFraction: number;
}

/** Random masks that never change. */
export interface StaticMaskConfig extends MaskConfig {
  readonly method: 'static';
}

/** Sparse-training baselines (arXiv 2206.10369, 2402.12479). `static`: random fixed masks. */
export type SparsityConfig = { readonly method: 'none' } | StaticMaskConfig | PruningConfig | DropAndGrowConfig;

export interface StatisticsConfig {
  /** Updates between measurements of the network (dormant units, effective rank, router metrics); 0: never. */
  readonly periodUpdates: number;
  /** With every measurement, routes one batch that stays the same: how the routers' choices change, and how near they are to the last. */
  readonly followsRouters: boolean;
}

/** What a preset says about the environment; agents don't read it, trainers do. */
export interface EnvironmentDefaults {
  /** ALE's sticky actions. */
  readonly repeatActionProbability: number;
  /** A lost life ends the episode in training. */
  readonly terminalOnLifeLoss: boolean;
  /** Episodes are cut after this many agent steps. */
  readonly maxEpisodeAgentSteps: number;
  /** Length of the published run. */
  readonly trainingAgentSteps: number;
}

/** `shared`: routers are moved by the optimizer of everything else. */
export type RouterOptimizerConfig = { readonly type: 'shared' } | OptimizerConfig;

/** An agent, from network to replay. */
export interface AgentConfig {
  readonly network: NetworkConfig;
  readonly agent: LearningConfig;
  readonly optimizer: OptimizerConfig;
  /** Optimizer of the routers' parameters; absent without a mixture. */
  readonly routerOptimizer?: RouterOptimizerConfig;
  readonly replay: ReplayConfig;
  /** Absent without a mixture. */
  readonly auxiliaryLosses?: AuxiliaryLossesConfig;
  readonly sparsity: SparsityConfig;
  readonly statistics: StatisticsConfig;
  readonly environment: EnvironmentDefaults;
}
