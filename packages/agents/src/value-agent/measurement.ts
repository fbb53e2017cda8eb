// The `measure` entry point: runs the online network on a batch and brings back what the statistics need, reduced in the graph where it is large.
import { sliceFrames } from '@moe-rl/encoders';
import type { EntryPoint, ProgramOutputs } from '@moe-rl/tfjs-graph';
import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import type { AgentConfig } from '../config/agent-config.ts';
import type { MoeRecord } from '../networks/moe.ts';
import type { RouterMeasures } from '../networks/router-measures.ts';
import { featureStatistics, redoDormantFraction } from '../statistics/index.ts';
import { evaluationRouting, type LossConfig, routingInputs } from './loss.ts';
import { drawNoise, SEED_INPUT } from './noise.ts';

/** Makes the entry point. */
export function createMeasurement(
  step: Pick<LossConfig, 'config' | 'network' | 'online' | 'windowLength' | 'stage'>,
): EntryPoint {
  const { config, network, online, windowLength } = step;
  const { batchSize } = config.agent;
  const { frameShape, stackSize, dtype } = network.input.observationSpec;
  return {
    inputs: {
      frames: { shape: [batchSize, windowLength, ...frameShape], dtype },
      ...(config.network.noisy ? { noiseSeed: SEED_INPUT } : {}),
      ...routingInputs(network, 'always'),
    },
    run: ({ frames, noiseSeed, routingSeed }) => {
      const states = sliceFrames(frames!, 0, stackSize);
      const noise = noiseSeed ? { noise: drawNoise(network.noiseSizes, 1, noiseSeed) } : {};
      const output = network.apply(online, states, {
        ...noise,
        routing: evaluationRouting(step, batchSize, routingSeed),
      });
      const { features, hidden, mixtures } = output;
      const results: Record<string, Tensor> = {
        features: tf.clone(features),
        // Mean |activation| of each neuron: of the dense layer `[N]`, or of all experts `[E, H]`, over the batch and the slots.
        neurons: mixtures.length === 0 ? tf.mean(tf.abs(hidden!), 0) : neuronsOf(mixtures),
      };
      for (const tag of Object.keys(mixtures[0]?.measures ?? {}) as (keyof RouterMeasures)[]) {
        results[tag] = tf.div(tf.addN(mixtures.map(({ measures }) => measures[tag]!)), mixtures.length);
      }
      return results;
    },
  };
}

/** Mean |activation| of every expert's neurons over the batch, of all mixtures. Slots that hold no token have activations too, which do not count. */
function neuronsOf(mixtures: readonly MoeRecord[]): Tensor {
  return tf.concat(
    mixtures.map(({ expertsHidden, slotsUsed }) =>
      tf.mean(tf.mul(tf.abs(expertsHidden), tf.expandDims(slotsUsed, 3)), [0, 2]),
    ),
  );
}

/** Metrics by tag, of what the entry point returned. Several mixtures count as one: shares and entropies are means over them. */
export function summarizeMeasurement(config: AgentConfig, outputs: ProgramOutputs): Record<string, number> {
  const { batchSize } = config.agent;
  const { features, neurons, load = [], ...scalars } = outputs as Record<string, Float32Array>;
  const statistics = featureStatistics({ shape: [batchSize, features!.length / batchSize], data: features! });
  const metrics: Record<string, number> = {
    'network/dormantFraction': redoDormantFraction(neurons!, 0),
    'network/featureNorm': statistics.meanNorm,
    'network/effectiveRank': statistics.effectiveRank['0.01']!,
  };
  for (const [tag, value] of Object.entries(scalars)) metrics[tag] = value[0]!;
  for (const [expert, share] of load.entries()) metrics[`expert/load/${expert}`] = share;
  return metrics;
}
