// What every router produces, and the two ways to say which token goes to which expert.
import { InvalidArgumentError, requireFinite, requireInteger, requireOneOf } from '@moe-rl/core';
import type { TensorOps } from '@moe-rl/tensor-ops';

/** Tokens choose: up to K experts for each token. */
export interface TokenChoice<Tensor> {
  readonly kind: 'token-choice';
  /** E */
  readonly numExperts: number;
  /** C: slots per expert and sample */
  readonly capacity: number;
  /** Chosen experts [B, T, K]; integers. */
  readonly experts: Tensor;
  /** Place of the token in its expert's buffer [B, T, K], counted on past the capacity. */
  readonly positions: Tensor;
  /** 1 for choices that are carried out [B, T, K]; 0 for those dropped (buffer full) or not wanted by the router. */
  readonly kept: Tensor;
  /** Weight of each expert's output in the token's output [B, T, K]; 0 where not kept. Gradients reach the router through it. */
  readonly weights: Tensor;
  /** 1 for choices that the router wanted, dropped ones included [B, T, K]. */
  readonly wanted: Tensor;
}

/** Experts choose: C tokens for each expert. */
export interface ExpertChoice<Tensor> {
  readonly kind: 'expert-choice';
  /** E */
  readonly numExperts: number;
  /** C: tokens per expert and sample */
  readonly capacity: number;
  /** Chosen tokens [B, E, C]; integers. */
  readonly tokens: Tensor;
  /** Weight of the expert's output in the token's output [B, E, C]. */
  readonly weights: Tensor;
}

/** Which tokens each expert works on. Any dispatcher carries out any assignment. */
export type Assignment<Tensor> = TokenChoice<Tensor> | ExpertChoice<Tensor>;

/** What a router returns. */
export interface Routing<Tensor> {
  readonly assignment: Assignment<Tensor>;
  /** What the router was given [B, T, E]. */
  readonly logits: Tensor;
  /** Scores of the experts for each token [B, T, E], before anything was chosen or dropped. What auxiliary losses are made of. */
  readonly probabilities: Tensor;
}

/** Things that change from call to call; which of them a router needs is said there. Random numbers come from outside, so that a step can be recorded. */
export interface RouterInputs<Tensor> {
  /** Standard normal numbers [B, T, E]. */
  readonly normalNoise?: Tensor | undefined;
  /** Numbers uniform in (0, 1): [B, T, E], or [B, T] for 'gshard-top-2'. */
  readonly uniformNoise?: Tensor | undefined;
  /** Second projection of the tokens [B, T, E], whose softplus scales the noise of 'noisy-top-k'. */
  readonly noiseLogits?: Tensor | undefined;
  /** Added to the scores of 'deepseek' for choosing [E]. */
  readonly bias?: Tensor | undefined;
  /** Id of each token [B, T]; integers. For 'hash'. */
  readonly tokenIds?: Tensor | undefined;
  /** Scores of the distilled router [B, T, E], for 'stable' in its second stage. */
  readonly distilledLogits?: Tensor | undefined;
  /** Temperature of 'dense-to-sparse'. */
  readonly temperature?: Tensor | number | undefined;
  /** False: routers choose as they do in evaluation (no noise, no forced balance). Default true. */
  readonly isTraining?: boolean | undefined;
}

/** Maps gate logits to an assignment. */
export interface Router {
  readonly type: string;
  /** True when choosing reads logits back to the host, which a recorded graph can't. */
  readonly runsOnHost: boolean;
  /** @param logits [B, T, E] */
  route<Tensor>(ops: TensorOps<Tensor>, logits: Tensor, inputs: RouterInputs<Tensor>): Routing<Tensor>;
}

/** How many slots an expert has per sample. */
export interface CapacityConfig {
  /** C itself. */
  readonly capacity?: number;
  /** C = T * capacityFactor * (K where the router counts choices) / E, rounded. */
  readonly capacityFactor?: number;
  /** Default 'ceil'. */
  readonly capacityRounding?: 'ceil' | 'floor';
  /** C is rounded up to a multiple of this. Default 1. */
  readonly capacityMultipleOf?: number;
}

/**
 * Capacity C of each expert.
 * @param share tokens per expert if they were spread evenly: T * K / E
 * @throws InvalidArgumentError when it comes out below 1
 */
export function capacityOf(config: CapacityConfig, share: number, defaultFactor: number): number {
  if (config.capacity !== undefined) return requireInteger('capacity', config.capacity, 1);
  const factor = requireFinite('capacityFactor', config.capacityFactor ?? defaultFactor, 0);
  const rounding = requireOneOf('capacityRounding', config.capacityRounding ?? 'ceil', ['ceil', 'floor']);
  const multiple = requireInteger('capacityMultipleOf', config.capacityMultipleOf ?? 1, 1);
  const capacity = Math.ceil(Math[rounding](share * factor) / multiple) * multiple;
  if (capacity < 1) {
    throw new InvalidArgumentError(
      `capacityFactor is ${factor}: capacity ${capacity}; expected at least 1 slot per expert`,
    );
  }
  return capacity;
}

/** Number of tokens and experts of logits [B, T, E]. */
export function logitSizes<Tensor>(ops: TensorOps<Tensor>, logits: Tensor): { B: number; T: number; E: number } {
  const [B = 0, T = 0, E = 0] = ops.shape(logits);
  return { B, T, E };
}

/** Checks `k` against the number of experts. @throws InvalidArgumentError naming k, its value and the bound */
export function requireK(k: number, numExperts: number): number {
  return requireInteger('k', k, 1, numExperts);
}

/** An input that a router can't do without. @throws InvalidArgumentError naming it */
export function requireInput<Value>(router: string, name: string, value: Value | undefined): Value {
  if (value === undefined)
    throw new InvalidArgumentError(`inputs.${name} is undefined; expected a tensor for router "${router}"`);
  return value;
}

/** Options of `assignTokens`. */
interface AssignOptions<Tensor> {
  readonly numExperts: number;
  /** Left out: every choice gets a slot, C = T. */
  readonly capacity?: number | undefined;
  /** 1 for choices to carry out [B, T, K]. Left out: all. */
  readonly wanted?: Tensor | undefined;
  /** Tokens with a higher value [B, T] get their slots first. Left out: in token order. */
  readonly priority?: Tensor | undefined;
}

/** Gives each choice a slot: all first choices before all second ones, tokens in order; choices past the capacity are dropped. */
export function assignTokens<Tensor>(
  ops: TensorOps<Tensor>,
  experts: Tensor,
  weights: Tensor,
  options: AssignOptions<Tensor>,
): TokenChoice<Tensor> {
  const { numExperts: E } = options;
  const [B, T, K] = ops.shape(experts) as [number, number, number];
  const wanted = options.wanted ?? ops.fill([B, T, K], 1);
  const rest = { kind: 'token-choice', numExperts: E, experts, wanted } as const;
  if (options.capacity === undefined) {
    // Slot t of every expert is token t's: no counting needed.
    const rows = ops.tensor(
      Float32Array.from({ length: T }, (_, token) => token),
      [1, T, 1],
    );
    const positions = ops.add(rows, ops.fill([B, T, K], 0));
    return { ...rest, capacity: T, positions, kept: wanted, weights: ops.multiply(weights, wanted) };
  }
  const order = options.priority && sortingMatrix(ops, options.priority);
  let mask = ops.multiply(ops.oneHot(experts, E), ops.reshape(wanted, [B, T, K, 1]));
  if (order) mask = ops.reshape(ops.matmul(order, ops.reshape(mask, [B, T, K * E])), [B, T, K, E]);
  const byChoice = ops.reshape(K === 1 ? mask : ops.transpose(mask, [0, 2, 1, 3]), [B, K * T, E]);
  const before = ops.cumulativeSum(byChoice, 1, true);
  let positions = ops.reshape(ops.sum(ops.multiply(byChoice, before), [2]), [B, K, T]);
  positions = K === 1 ? ops.reshape(positions, [B, T, 1]) : ops.transpose(positions, [0, 2, 1]);
  if (order) positions = ops.matmul(order, positions, true);
  const isFull = ops.greaterEqual(positions, ops.fill([], options.capacity));
  const kept = ops.subtract(wanted, ops.multiply(wanted, isFull));
  return { ...rest, capacity: options.capacity, positions, kept, weights: ops.multiply(weights, kept) };
}

/** The permutation matrix [B, T, T] that sorts tokens by descending value; equal ones keep their order. */
function sortingMatrix<Tensor>(ops: TensorOps<Tensor>, values: Tensor): Tensor {
  const T = ops.shape(values)[1]!;
  return ops.oneHot(ops.topK(values, T).indices, T);
}

/** Weight of every expert in every token [B, T, E]: the assignment without its slots. */
export function combineMatrix<Tensor>(
  ops: TensorOps<Tensor>,
  assignment: Assignment<Tensor>,
  numTokens: number,
): Tensor {
  if (assignment.kind === 'token-choice') {
    const [B, T, K] = ops.shape(assignment.weights) as [number, number, number];
    const mask = ops.oneHot(assignment.experts, assignment.numExperts);
    return ops.sum(ops.multiply(mask, ops.reshape(assignment.weights, [B, T, K, 1])), [2]);
  }
  const [B, E, C] = ops.shape(assignment.weights) as [number, number, number];
  const mask = ops.oneHot(assignment.tokens, numTokens);
  const byExpert = ops.sum(ops.multiply(mask, ops.reshape(assignment.weights, [B, E, C, 1])), [2]);
  return ops.transpose(byExpert, [0, 2, 1]);
}
