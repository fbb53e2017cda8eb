// The contract of a router: gate logits in, an assignment out. Random numbers come from outside, so that a step can be recorded.
import { InvalidArgumentError, requireInteger } from '@moe-rl/core';
import type { TensorOps } from '@moe-rl/tensor-ops';
import type { Assignment } from './assignment.ts';

/** What a router returns. */
export interface Routing<Tensor> {
  readonly assignment: Assignment<Tensor>;
  /** What the router was given [B, T, E]. */
  readonly logits: Tensor;
  /** Scores of the experts for each token [B, T, E], before anything was chosen or dropped. What auxiliary losses are made of. */
  readonly probabilities: Tensor;
  /** 1 for tokens, 0 for padding [B, T]; left out: all are tokens. */
  readonly tokenMask?: Tensor | undefined;
  /** Logits with the noise that decided [B, T, E], where the router adds some, and the standard deviation of that noise. */
  readonly noisyLogits?: Tensor | undefined;
  readonly noiseScale?: Tensor | undefined;
  /** Scores of a router that is distilled from this one [B, T, E]. */
  readonly distilledLogits?: Tensor | undefined;
}

/** Things that change from call to call; a router says in `inputs` which of them it needs. */
export interface RouterInputs<Tensor> {
  /** Standard normal numbers [B, T, E]. */
  readonly normalNoise?: Tensor | undefined;
  /** Numbers uniform in (0, 1): [B, T, E], or [B, T] for 'gshard-top-2'. */
  readonly uniformNoise?: Tensor | undefined;
  /** Numbers uniform in (0, 1) [B, T, D], for routers that jitter what they see. */
  readonly jitterNoise?: Tensor | undefined;
  /** Second projection of the tokens [B, T, E], whose softplus scales the noise of 'noisy-top-k'. */
  readonly noiseLogits?: Tensor | undefined;
  /** Added to the scores of 'deepseek' for choosing [E]. */
  readonly bias?: Tensor | undefined;
  /** Id of each token [B, T]; integers. For 'hash'. */
  readonly tokenIds?: Tensor | undefined;
  /** Scores of the distilled router [B, T, E], for 'stable'. */
  readonly distilledLogits?: Tensor | undefined;
  /** Temperature of 'dense-to-sparse'. */
  readonly temperature?: Tensor | number | undefined;
  /** 1 for tokens, 0 for padding [B, T]. Padding takes no slot, gets zeros, and counts nowhere. Left out: all are tokens. */
  readonly tokenMask?: Tensor | undefined;
  /** Stage of a course of training, for 'dense-to-sparse' (shared, sparsify, hard) and 'stable' (distill, frozen). Left out: sparsify, distill. */
  readonly stage?: string | undefined;
  /** False: routers choose as they do in evaluation (no noise, no forced balance). Default true. */
  readonly isTraining?: boolean | undefined;
}

/** When something happens: in no call, in training, or always. */
export type RouterPhase = 'never' | 'training' | 'always';

/** One random or given input that a router needs. */
export interface RouterInputSpec {
  readonly name: 'normalNoise' | 'uniformNoise' | 'jitterNoise' | 'tokenIds';
  /** Standard normal, uniform in (0, 1), or data of the caller's (integers). */
  readonly distribution: 'normal' | 'uniform' | 'given';
  /** Axes of its shape. */
  readonly axes: readonly ('B' | 'T' | 'E' | 'D')[];
  readonly phase: 'training' | 'always';
}

/** Maps gate logits to an assignment. */
export interface Router {
  readonly type: string;
  /** When choosing reads logits back to the host, which a recorded graph can't. Left out: never. */
  readonly runsOnHost?: RouterPhase;
  /** What `route` needs besides the logits. Left out: nothing. */
  readonly inputs?: readonly RouterInputSpec[];
  /** eps: in training the layer multiplies what the gate sees by numbers uniform within 1 - eps to 1 + eps (`inputs.jitterNoise`). Default 0. */
  readonly inputJitter?: number | undefined;
  /** @param logits [B, T, E] */
  route<Tensor>(ops: TensorOps<Tensor>, logits: Tensor, inputs: RouterInputs<Tensor>): Routing<Tensor>;
}

/** Number of samples, tokens and experts of logits [B, T, E]. */
export function logitSizes<Tensor>(ops: TensorOps<Tensor>, logits: Tensor): { B: number; T: number; E: number } {
  const [B = 0, T = 0, E = 0] = ops.shape(logits);
  return { B, T, E };
}

/**
 * K: the option, checked against the number of experts, or its default, which fewer experts lower.
 * @throws InvalidArgumentError naming k, its value and the bound
 */
export function requireK(k: number | undefined, numExperts: number, standard: number): number {
  return k === undefined ? Math.min(standard, numExperts) : requireInteger('k', k, 1, numExperts);
}

/** An input that a router can't do without. @throws InvalidArgumentError naming it */
export function requireInput<Value>(router: string, name: string, value: Value | undefined): Value {
  if (value === undefined)
    throw new InvalidArgumentError(`inputs.${name} is undefined; expected a tensor for router "${router}"`);
  return value;
}
