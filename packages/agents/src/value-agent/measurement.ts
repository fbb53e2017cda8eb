// The `measure` entry point: runs the online network on a batch and brings back what the statistics need, reduced in the graph where it is large.
import { sliceFrames } from '@moe-rl/encoders';
import type { EntryPoint, ProgramOutputs } from '@moe-rl/tfjs-graph';
import type { Tensor, Variable } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import type { AgentConfig } from '../config/agent-config.ts';
import { mixtureOf } from '../networks/config.ts';
import type { Network } from '../networks/network.ts';
import { dormantPercentageOfScores, featureStatistics } from '../statistics/index.ts';
import { drawNoise, SEED_INPUT } from './noise.ts';

/** Makes the entry point. */
export function createMeasurement(
  config: AgentConfig,
  network: Network,
  online: Readonly<Record<string, Variable>>,
  windowLength: number,
): EntryPoint {
  const { batchSize } = config.agent;
  const { frameShape, stackSize, dtype } = network.input.observationSpec;
  return {
    inputs: {
      frames: { shape: [batchSize, windowLength, ...frameShape], dtype },
      ...(config.network.noisy ? { noiseSeed: SEED_INPUT } : {}),
    },
    run: ({ frames, noiseSeed }) => {
      const states = sliceFrames(frames!, 0, stackSize);
      const noise = noiseSeed ? { noise: drawNoise(network.noiseSizes, 1, noiseSeed) } : {};
      const output = network.apply(online, states, noise);
      const results: Record<string, Tensor> = { features: tf.clone(output.features) };
      const mixture = output.mixtures[0];
      if (mixture === undefined) {
        results.hiddenScores = tf.mean(tf.abs(output.hidden!), 0);
      } else {
        results.hiddenScores = tf.mean(tf.abs(mixture.expertsHidden), 0);
        const shares = mixture.expertShares;
        results.load = tf.mean(shares, [0, 1]);
        results.entropy = tf.mean(tf.neg(tf.sum(tf.mul(shares, tf.log(tf.add(shares, 1e-12))), 2)));
      }
      return results;
    },
  };
}

/** Metrics by tag, of what the entry point returned. */
export function summarizeMeasurement(config: AgentConfig, outputs: ProgramOutputs): Record<string, number> {
  const { batchSize } = config.agent;
  const features = outputs.features as Float32Array;
  const statistics = featureStatistics({ shape: [batchSize, features.length / batchSize], data: features });
  const scores = outputs.hiddenScores as Float32Array;
  const mixture = mixtureOf(config.network.moe);
  const units = mixture?.expertHiddenUnits ?? scores.length;
  const experts = mixture?.experts ?? 1;
  const slots = scores.length / units / experts;
  const metrics: Record<string, number> = {
    'network/dormantFraction':
      dormantPercentageOfScores({ shape: mixture === undefined ? [units] : [experts, slots, units], data: scores }) /
      100,
    'network/featureNorm': statistics.featureNorm,
    'network/effectiveRank': statistics.effectiveRank['0.01']!,
  };
  if (outputs.load !== undefined) {
    const load = outputs.load as Float32Array;
    metrics['router/entropy'] = (outputs.entropy as Float32Array)[0]!;
    for (const [expert, share] of load.entries()) metrics[`expert/load/${expert}`] = share;
  }
  return metrics;
}
