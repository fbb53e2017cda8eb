// The expert of both papers: a two-layer MLP that keeps the token's width, `W2 relu(W1 x + b1) + b2`, for all experts at once.
// Parameters carry a leading expert axis E; slots of all samples are batched into one product per layer, so the cost is two batched matmuls.
import type { Rng } from '@moe-rl/core';
import type { TensorOps } from '@moe-rl/tensor-ops';
import { uniform, xavierUniform } from './initializers.ts';
import { lazyRecord } from './lazy.ts';
import { type InitialParameters, type ParameterSpec, type Parameters, parameter, requireShape } from './parameters.ts';
import { slotsFromExperts, slotsToExperts } from './tokens.ts';

/** Sizes of the stacked experts. */
export interface ExpertConfig {
  /** E */
  readonly numExperts: number;
  /** D */
  readonly tokenSize: number;
  /** H, width of the hidden layer */
  readonly hiddenSize: number;
  /** Factorized Gaussian noise on the first layer (Fortunato et al., 2017), as the official code has it for Rainbow. Default false. */
  readonly isNoisy?: boolean;
}

/** One draw of standard normal noise, shared by all experts and slots. */
export interface ExpertNoise<Tensor> {
  /** [D] */
  readonly input: Tensor;
  /** [H] */
  readonly output: Tensor;
}

/** What the experts made of their slots. */
export interface ExpertOutput<Tensor> {
  /** [E, N, D] */
  readonly output: Tensor;
  /** relu activations [E, N, H] */
  readonly hidden: Tensor;
}

/** The experts' parameters. `scope` is put before every name, for instance `params/ExpertModel_0/`. */
export function expertParameterSpecs(config: ExpertConfig, scope: string): ParameterSpec[] {
  const { numExperts: E, tokenSize: D, hiddenSize: H } = config;
  const specs = (
    kernel: string,
    bias: string,
    suffix: string,
    inputs: number,
    outputs: number,
  ): [string, number[]][] => [
    [kernel + suffix, [E, inputs, outputs]],
    [bias + suffix, [E, outputs]],
  ];
  const first = (config.isNoisy ? ['_mu', '_sigma'] : ['']).flatMap((suffix) =>
    specs('net/kernel', 'net/bias', suffix, D, H),
  );
  return [...first, ...specs('Dense_0/kernel', 'Dense_0/bias', '', H, D)].map(([name, shape]) => ({
    name: scope + name,
    shape,
    isTrainable: true,
    role: 'expert' as const,
  }));
}

/** Draws the experts' parameters: kernels Xavier uniform per expert, biases 0; noisy layers mu uniform within 1/sqrt(D), sigma 0.1/sqrt(D). */
export function initExperts(rng: Rng, config: ExpertConfig, scope: string): InitialParameters {
  const { tokenSize: D, hiddenSize: H } = config;
  return Object.fromEntries(
    expertParameterSpecs(config, scope).map(({ name, shape }) => {
      const count = shape.reduce((a, b) => a * b, 1);
      let data = new Float32Array(count);
      if (name.endsWith('_mu')) data = uniform(rng, count, 1 / Math.sqrt(D)) as typeof data;
      else if (name.endsWith('_sigma')) data.fill(0.1 / Math.sqrt(D));
      else if (name.endsWith('kernel')) data = xavierUniform(rng, count, D, H) as typeof data;
      return [name, { shape, data }];
    }),
  );
}

/**
 * Applies expert e to its slots `slots[e]`.
 * @param slots [E, N, D], N = slots of all samples of one expert
 * @param noise given: one noise draw on the first layer; left out: the noisy layer's mean (evaluation)
 * @throws ShapeError when a parameter or `slots` has another shape than `config` says
 */
export function applyExperts<Tensor>(
  ops: TensorOps<Tensor>,
  parameters: Parameters<Tensor>,
  slots: Tensor,
  config: ExpertConfig,
  scope: string,
  noise?: ExpertNoise<Tensor>,
): ExpertOutput<Tensor> {
  requireShape(ops, 'slots', slots, [config.numExperts, -1, config.tokenSize]);
  const { kernel, bias, outputKernel, outputBias } = expertWeights(ops, parameters, config, scope, noise);
  const hidden = ops.relu(ops.add(ops.matmul(slots, kernel), bias));
  return { output: ops.add(ops.matmul(hidden, outputKernel), outputBias), hidden };
}

/**
 * Applies each expert to its slots of every sample, as they lie in the samples.
 * @param slots [B, E*P, D]: slots e*P to e*P + P of each sample are expert e's
 * @returns output [B, E*P, D]; hidden [E, B*P, H] as `applyExperts` gives it, computed when it is read
 * @throws ShapeError when a parameter or `slots` has another shape than `config` says
 */
export function applyExpertsToSlots<Tensor>(
  ops: TensorOps<Tensor>,
  parameters: Parameters<Tensor>,
  slots: Tensor,
  config: ExpertConfig,
  scope: string,
  noise?: ExpertNoise<Tensor>,
): ExpertOutput<Tensor> {
  const { numExperts: E, tokenSize: D, hiddenSize: H } = config;
  const [B] = ops.shape(slots) as [number];
  const grouped = lazyRecord({
    experts: () => applyExperts(ops, parameters, slotsToExperts(ops, slots, E), config, scope, noise),
  });
  return lazyRecord<ExpertOutput<Tensor>>({
    output: () => {
      if (!ops.slotMlp) return slotsFromExperts(ops, grouped.experts.output, B);
      requireShape(ops, 'slots', slots, [-1, -1, D]);
      const { kernel, outputKernel, ...offsets } = expertWeights(ops, parameters, config, scope, noise);
      const [bias, outputBias] = [ops.reshape(offsets.bias, [E, H]), ops.reshape(offsets.outputBias, [E, D])];
      return ops.slotMlp(slots, { kernel, bias, outputKernel, outputBias });
    },
    hidden: () => grouped.experts.hidden,
  });
}

/** What the experts made of rows. */
export interface ExpertRows<Tensor> {
  /** [N, D]; zeros for rows after the last segment. */
  readonly output: Tensor;
  /** relu activations [N, H] */
  readonly hidden: Tensor;
}

/**
 * Applies each expert to a segment of rows. Costs as much as one MLP on N rows, whatever E.
 * @param rows [N, D], those of expert 0 first, then those of expert 1, ...
 * @param counts rows of each expert [E], integers
 * @throws ShapeError when a parameter or `rows` has another shape than `config` says
 */
export function applyExpertsToRows<Tensor>(
  ops: TensorOps<Tensor>,
  parameters: Parameters<Tensor>,
  rows: Tensor,
  counts: Tensor,
  config: ExpertConfig,
  scope: string,
  noise?: ExpertNoise<Tensor>,
): ExpertRows<Tensor> {
  const { numExperts: E, tokenSize: D, hiddenSize: H } = config;
  requireShape(ops, 'rows', rows, [-1, D]);
  const { kernel, outputKernel, ...offsets } = expertWeights(ops, parameters, config, scope, noise);
  const [bias, outputBias] = [ops.reshape(offsets.bias, [E, H]), ops.reshape(offsets.outputBias, [E, D])];
  const result: ExpertRows<Tensor> = lazyRecord<ExpertRows<Tensor>>({
    output: ops.segmentMlp
      ? () => ops.segmentMlp!(rows, { kernel, bias, outputKernel, outputBias }, counts)
      : () => ops.segmentMatmul(result.hidden, outputKernel, counts, outputBias),
    hidden: () => ops.relu(ops.segmentMatmul(rows, kernel, counts, bias)),
  });
  return result;
}

/** Both layers' weights: kernels [E, D, H] and [E, H, D], biases [E, 1, H] and [E, 1, D]. */
function expertWeights<Tensor>(
  ops: TensorOps<Tensor>,
  parameters: Parameters<Tensor>,
  config: ExpertConfig,
  scope: string,
  noise: ExpertNoise<Tensor> | undefined,
): { kernel: Tensor; bias: Tensor; outputKernel: Tensor; outputBias: Tensor } {
  const { numExperts: E, tokenSize: D, hiddenSize: H } = config;
  const kernel = (name: string, inputs: number, outputs: number): Tensor =>
    parameter(ops, parameters, `${scope}${name}`, [E, inputs, outputs]);
  const offset = (name: string, outputs: number): Tensor =>
    ops.reshape(parameter(ops, parameters, `${scope}${name}`, [E, outputs]), [E, 1, outputs]);
  const suffix = config.isNoisy ? '_mu' : '';
  let weights = kernel(`net/kernel${suffix}`, D, H);
  let bias = offset(`net/bias${suffix}`, H);
  if (config.isNoisy && noise) {
    requireShape(ops, 'noise.input', noise.input, [D]);
    requireShape(ops, 'noise.output', noise.output, [H]);
    const input = ops.reshape(signedRoot(ops, noise.input), [1, D, 1]);
    const output = ops.reshape(signedRoot(ops, noise.output), [1, 1, H]);
    weights = ops.add(weights, ops.multiply(kernel('net/kernel_sigma', D, H), ops.multiply(input, output)));
    bias = ops.add(bias, ops.multiply(offset('net/bias_sigma', H), output));
  }
  return {
    kernel: weights,
    bias,
    outputKernel: kernel('Dense_0/kernel', H, D),
    outputBias: offset('Dense_0/bias', D),
  };
}

/** sign(x) sqrt(|x|), the noise transform of Fortunato et al. (2017). */
function signedRoot<Tensor>(ops: TensorOps<Tensor>, x: Tensor): Tensor {
  const negated = ops.subtract(ops.fill([], 0), x);
  return ops.stopGradient(ops.subtract(ops.sqrt(ops.relu(x)), ops.sqrt(ops.relu(negated))));
}
