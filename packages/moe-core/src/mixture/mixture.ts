// The contract of a mixture: what a network, an agent or a trainer needs to use any Mixture-of-Experts layer without knowing which. Soft MoE and every
// sparse router implement it; one of your own joins through the registry (registry.ts).
import { InvalidArgumentError, type Rng } from '@moe-rl/core';
import type { Shape, TensorOps } from '@moe-rl/tensor-ops';
import type { ExpertNoise } from '../expert.ts';
import type { InitialParameters, ParameterSpec, Parameters } from '../parameters.ts';
import type { RouterInputs, RouterPhase, Routing } from '../router.ts';

/** Sizes that the network around a mixture gives it; everything else is in the mixture's own options. */
export interface MixtureSizes {
  /** E */
  readonly numExperts: number;
  /** T: tokens per sample. */
  readonly numTokens: number;
  /** D: size of a token. */
  readonly tokenSize: number;
  /** H: width of each expert's hidden layer. */
  readonly hiddenSize: number;
  /** Factorized Gaussian noise on the experts' first layer. Default false. */
  readonly isNoisy?: boolean;
  /** Put before every parameter name. Default 'params/'. */
  readonly scope?: string;
}

/**
 * What changes from call to call. `Mixture.inputs` lists which random and given ones are needed. `stage` is `MixtureStage.name`, by default the first, and a
 * constant of a recorded step: record one per stage.
 */
export interface MixtureInputs<Tensor> extends RouterInputs<Tensor> {
  /** One draw of noise for noisy experts. Without it they use their mean weights (evaluation). */
  readonly expertNoise?: ExpertNoise<Tensor> | undefined;
  /**
   * Experts of your own, for instance with noise per sample. Gets the slots [E, B, C, D] (unused ones are zeros) and returns outputs of the same
   * shape and hidden activations [E, B, C, H]. Sparse mixtures without a capacity then have C = T.
   */
  readonly experts?: ((slots: Tensor) => { readonly output: Tensor; readonly hidden: Tensor }) | undefined;
}

/** Result of a mixture. All but `output` is computed when first read; read it within the same `tidy`. */
export interface MoeOutput<Tensor> {
  /** [B, T, D] */
  readonly output: Tensor;
  /** Logits of the router [B, T, E]; Soft MoE: the largest slot logit of each expert. */
  readonly routerLogits: Tensor;
  /** The router's scores as it uses them [B, T, E]. Rows need not sum to 1 (sigmoid scores, one softmax per prototype, Soft MoE's means). */
  readonly routerProbabilities: Tensor;
  /** The scores as a distribution over experts [B, T, E]: rows sum to 1, those of padding to 0. */
  readonly expertShares: Tensor;
  /** Chosen experts of each token [B, T, K]; integers. Where experts choose, and in Soft MoE, the one with the largest share. */
  readonly topExperts: Tensor;
  /** Share of all choices that fall on each expert [E], before any is dropped: for k = 1 the share of tokens. Sums to 1. */
  readonly expertLoad: Tensor;
  /** Share of wanted choices that found the expert full; scalar. */
  readonly droppedFraction: Tensor;
  /** Share of tokens that no expert works on; scalar. */
  readonly unroutedFraction: Tensor;
  /** Hidden activations of the experts, after the ReLU [B, E, C, H]. */
  readonly expertsHidden: Tensor;
  /** 1 where a slot holds something [B, E, C]: unused slots have hidden activations too, which say nothing. */
  readonly slotsUsed: Tensor;
  /** The router's own result; undefined for Soft MoE, which chooses nothing. */
  readonly routing: Routing<Tensor> | undefined;
  /** Weights of soft slots over tokens, and of tokens over soft slots [B, T, E, P]; undefined where a router chooses. */
  readonly dispatchWeights: Tensor | undefined;
  readonly combineWeights: Tensor | undefined;
  readonly tokenMask: Tensor | undefined;
}

/** An auxiliary loss: one value per sample [B], without a weight. */
export type AuxiliaryLoss = <Tensor>(ops: TensorOps<Tensor>, output: MoeOutput<Tensor>) => Tensor;

/** Whether an auxiliary loss fits a mixture: the loss, or the reason why not. */
export type AuxiliaryLossOffer =
  | { readonly loss: AuxiliaryLoss; readonly refused?: undefined }
  | { readonly loss?: undefined; readonly refused: string };

/** One input of `MixtureInputs` that the caller has to provide. */
export interface MixtureInputSpec {
  readonly name: 'normalNoise' | 'uniformNoise' | 'jitterNoise' | 'tokenIds';
  /** Standard normal, uniform in (0, 1), or data of the caller's (integers). */
  readonly distribution: 'normal' | 'uniform' | 'given';
  readonly phase: 'training' | 'always';
  shape(batchSize: number): Shape;
}

/** Where a mixture stands in its own course of training. */
export interface MixtureStage {
  readonly name: string;
  /** Numbers for `MixtureInputs` at this moment. They change from update to update: feed them, don't bake them into a recorded step. */
  readonly inputs: { readonly temperature?: number };
  /** Names of parameters that get no update in this stage. */
  readonly frozen: readonly string[];
  /** Auxiliary losses that belong to this stage, with their published weights. */
  readonly losses: Readonly<Record<string, number>>;
}

/** The course of a mixture over training: EvoMoE's and StableMoE's stages. */
export interface MixtureSchedule {
  /** Names of all stages, in order. */
  readonly stages: readonly string[];
  /** Updates of a whole course, after which nothing changes any more. */
  readonly totalUpdates: number;
  /** The stage after so many updates. */
  advance(updates: number): MixtureStage;
  /**
   * What entering `stage` does to parameters, on the host: EvoMoE spawns its experts from one. Returns only those that change, by name; start their
   * optimizer state anew.
   */
  enter(stage: string, rng: Rng, parameters: InitialParameters): InitialParameters;
}

/** A Mixture-of-Experts layer of any kind. */
export interface Mixture {
  /** Name of its kind, as in `{ type: 'deepseek' }`. */
  readonly type: string;
  readonly sizes: MixtureSizes;
  /** All parameters; `role` says whose they are. Those of role 'state' are changed by `updateState` only. */
  readonly parameters: readonly ParameterSpec[];
  /** Draws first values. */
  initialize(rng: Rng): InitialParameters;
  /** @param tokens [B, T, D]; samples never mix */
  apply<Tensor>(
    ops: TensorOps<Tensor>,
    parameters: Parameters<Tensor>,
    tokens: Tensor,
    inputs?: MixtureInputs<Tensor>,
  ): MoeOutput<Tensor>;
  /** Random numbers and data that `apply` needs. */
  readonly inputs: readonly MixtureInputSpec[];
  /** When `apply` reads logits back to the host, which a recorded step can't. */
  readonly runsOnHost: RouterPhase;
  /** All auxiliary losses by name: offered, or refused with the reason. */
  readonly auxiliaryLosses: Readonly<Record<string, AuxiliaryLossOffer>>;
  /** New values of the parameters of role 'state' after a training step; undefined: there are none. */
  readonly updateState:
    | (<Tensor>(
        ops: TensorOps<Tensor>,
        parameters: Parameters<Tensor>,
        output: MoeOutput<Tensor>,
      ) => Record<string, Tensor>)
    | undefined;
  /** Stages of training; undefined: there is one, and nothing changes. */
  readonly schedule: MixtureSchedule | undefined;
  /** What this configuration silently can't do, in sentences that name it (a router that gets no gradient). */
  readonly warnings: readonly string[];
}

/**
 * The auxiliary loss called `name`.
 * @throws InvalidArgumentError with the reason when it doesn't fit the mixture, or with the names that do
 */
export function auxiliaryLossOf(mixture: Mixture, name: string): AuxiliaryLoss {
  const { auxiliaryLosses, type } = mixture;
  const offer = Object.hasOwn(auxiliaryLosses, name) ? auxiliaryLosses[name] : undefined;
  if (offer?.loss) return offer.loss;
  const offered = Object.keys(auxiliaryLosses).filter((each) => auxiliaryLosses[each]!.loss);
  const expected = offered.length === 0 ? 'it has none' : `expected one of ${offered.join(', ')}`;
  throw new InvalidArgumentError(
    offer
      ? `auxiliary loss "${name}" doesn't fit router "${type}": ${offer.refused}; ${expected}`
      : `auxiliary loss ${JSON.stringify(name)} is unknown; for router "${type}" ${expected}`,
  );
}
