// Measures of a network's health, with the official code's definitions (dopamine labs/moes agents, labs/redo). There are three different "dormant"
// measures in use; each is here under its own name. On the host, in double precision.
import { elementCount, ShapeError } from '@moe-rl/core';
import { gramMatrix, singularValues, symmetricEigenvalues } from './linear-algebra.ts';

/** A tensor on the host. */
export interface HostTensor {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

/** Number of values of `values` above `threshold x the largest` (effective rank srank; official: `sv / max > threshold`). */
export function thresholdRank(values: ArrayLike<number>, threshold: number): number {
  let largest = 0;
  for (let index = 0; index < values.length; index++) largest = Math.max(largest, values[index]!);
  let rank = 0;
  for (let index = 0; index < values.length; index++) if (values[index]! / largest > threshold) rank++;
  return rank;
}

/** Effective rank of features `[B, N]`: singular values above `threshold x the largest`. */
export function effectiveRank(features: HostTensor, threshold = 0.01): number {
  const [rows, columns] = requireMatrix(features);
  return thresholdRank(singularValues(features.data, rows, columns), threshold);
}

/**
 * DQN's dormant share in percent (dqn_moe_agent.train): `s = mean over the batch of |h|`; for experts `[B, E, P, H]` then a mean over the experts;
 * `s / (sum s + 1e-9)`, dormant where it is 0 or less.
 */
export function dormantPercentage(hidden: HostTensor): number {
  const [batch] = hidden.shape;
  const perSample = elementCount(hidden.shape) / batch!;
  const scores = new Float64Array(perSample);
  for (let sample = 0; sample < batch!; sample++) {
    for (let index = 0; index < perSample; index++)
      scores[index]! += Math.abs(hidden.data[sample * perSample + index]!) / batch!;
  }
  return dormantPercentageOfScores({ shape: hidden.shape.slice(1), data: scores });
}

/** As `dormantPercentage`, from `mean over the batch of |h|`: `[N]` or, for experts, `[E, P, H]`. */
export function dormantPercentageOfScores(scores: HostTensor): number {
  const experts = scores.shape.length === 3 ? scores.shape[0]! : 1;
  const size = scores.data.length / experts;
  const mean = new Float64Array(size);
  for (let index = 0; index < scores.data.length; index++) mean[index % size]! += scores.data[index]! / experts;
  const sum = mean.reduce((total, value) => total + value, 0) + 1e-9;
  let dormant = 0;
  for (const value of mean) if (value / sum <= 0) dormant++;
  return (100 * dormant) / size;
}

/** ReDo's score of each unit (Sokar et al. 2023): mean of |activation| over all axes but the last, divided by (mean score + 1e-9). */
export function redoScores(activations: HostTensor): Float64Array {
  const units = activations.shape.at(-1)!;
  const count = activations.data.length / units;
  const scores = new Float64Array(units);
  for (let index = 0; index < activations.data.length; index++)
    scores[index % units]! += Math.abs(activations.data[index]!) / count;
  const mean = scores.reduce((total, value) => total + value, 0) / units + 1e-9;
  return scores.map((value) => value / mean);
}

/** Share of units whose ReDo score is at most `threshold`. */
export function redoDormantFraction(scores: ArrayLike<number>, threshold = 0): number {
  let dormant = 0;
  for (let index = 0; index < scores.length; index++) if (scores[index]! <= threshold) dormant++;
  return dormant / scores.length;
}

/** Statistics of features `[B, N]` (full_rainbow_moe_agent, log_network_statistics). */
export interface FeatureStatistics {
  /** Mean l2 norm of a sample's feature vector. */
  readonly meanNorm: number;
  /** l2 norm of the per-feature variances over the batch, which the official code logs as "feature norm". */
  readonly varianceNorm: number;
  /** Effective rank at each threshold. */
  readonly effectiveRank: Readonly<Record<string, number>>;
  /** Features whose variance over the batch is at most each threshold: nearly constant ones. */
  readonly constantFeatures: Readonly<Record<string, number>>;
}

/** The official thresholds. */
export const STATISTIC_THRESHOLDS: readonly number[] = [0, 0.001, 0.01];

/**
 * Rank, norm and nearly constant columns of a batch of features, `[B, F]`.
 * @throws ShapeError when the features are no matrix
 */
export function featureStatistics(features: HostTensor, thresholds = STATISTIC_THRESHOLDS): FeatureStatistics {
  const [rows, columns] = requireMatrix(features);
  const variances = new Float64Array(columns);
  for (let column = 0; column < columns; column++) {
    let sum = 0;
    for (let row = 0; row < rows; row++) sum += features.data[row * columns + column]!;
    const mean = sum / rows;
    let squares = 0;
    for (let row = 0; row < rows; row++) squares += (features.data[row * columns + column]! - mean) ** 2;
    variances[column] = squares / rows;
  }
  let norms = 0;
  for (let row = 0; row < rows; row++) {
    let squares = 0;
    for (let column = 0; column < columns; column++) squares += features.data[row * columns + column]! ** 2;
    norms += Math.sqrt(squares);
  }
  const values = singularValues(features.data, rows, columns);
  const by = (measure: (threshold: number) => number): Record<string, number> =>
    Object.fromEntries(thresholds.map((threshold) => [String(threshold), measure(threshold)]));
  return {
    meanNorm: norms / rows,
    varianceNorm: Math.sqrt(variances.reduce((sum, value) => sum + value * value, 0)),
    effectiveRank: by((threshold) => thresholdRank(values, threshold)),
    constantFeatures: by((threshold) => variances.filter((variance) => variance <= threshold).length),
  };
}

/** Statistics of a kernel matrix `[B, B]`, such as the empirical neural tangent kernel. */
export interface KernelStatistics {
  readonly diagonalMean: number;
  readonly diagonalStandardDeviation: number;
  readonly offDiagonalMean: number;
  readonly positiveFraction: number;
  readonly negativeFraction: number;
  readonly effectiveRank: Readonly<Record<string, number>>;
}

/** The empirical neural tangent kernel `J J^T` of per-sample gradients `[B, P]`. */
export function empiricalNeuralTangentKernel(gradients: HostTensor): HostTensor {
  const [rows, columns] = requireMatrix(gradients);
  return { shape: [rows, rows], data: gramMatrix(gradients.data, rows, columns) };
}

/**
 * What the kernel of a batch, `[B, B]`, says of how much its samples learn from each other.
 * @throws ShapeError when the kernel is no square matrix
 */
export function kernelStatistics(kernel: HostTensor, thresholds = STATISTIC_THRESHOLDS): KernelStatistics {
  const [n, columns] = requireMatrix(kernel);
  if (n !== columns) throw new ShapeError(`kernel has shape [${kernel.shape}]; expected a square matrix`);
  let diagonal = 0;
  let diagonalSquares = 0;
  let total = 0;
  let positive = 0;
  let negative = 0;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      const value = kernel.data[i * n + j]!;
      total += value;
      if (value > 0) positive++;
      if (value < 0) negative++;
      if (i === j) {
        diagonal += value;
        diagonalSquares += value * value;
      }
    }
  }
  const diagonalMean = diagonal / n;
  const values = symmetricEigenvalues(kernel.data, n).map(Math.abs);
  return {
    diagonalMean,
    diagonalStandardDeviation: Math.sqrt(Math.max(0, diagonalSquares / n - diagonalMean ** 2)),
    offDiagonalMean: n > 1 ? (total - diagonal) / (n * n - n) : 0,
    positiveFraction: positive / (n * n),
    negativeFraction: negative / (n * n),
    effectiveRank: Object.fromEntries(
      thresholds.map((threshold) => [String(threshold), thresholdRank(values, threshold)]),
    ),
  };
}

function requireMatrix(tensor: HostTensor): readonly [number, number] {
  const [rows, columns] = tensor.shape;
  if (tensor.shape.length !== 2 || rows! * columns! !== tensor.data.length) {
    throw new ShapeError(`expected a matrix; got shape [${tensor.shape}] with ${tensor.data.length} values`);
  }
  return [rows!, columns!];
}
