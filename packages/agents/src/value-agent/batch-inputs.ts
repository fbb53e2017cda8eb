// What the learning step is fed with: the batch from the replay, and fresh random numbers.
import type { TypedArray } from '@moe-rl/core';
import type { ReplaySample } from '@moe-rl/replay';
import { drawsRouting } from '../networks/routing.ts';
import { drawAugmentation } from './augmentation.ts';
import { type LossConfig, needsLoadNoise } from './loss.ts';
import { drawSeed } from './noise.ts';
import type { Streams } from './streams.ts';

/** Inputs by the names of `updateStepInputs`. */
export function learningInputs(
  step: LossConfig,
  batch: ReplaySample,
  streams: Streams,
  temperature?: number,
): Record<string, TypedArray> {
  const { config } = step;
  const { agent, network, replay } = config;
  const inputs: Record<string, TypedArray> = {
    frames: batch.frames as TypedArray,
    actions: batch.actions,
    rewards: batch.rewards,
    discounts: batch.discounts,
  };
  if (replay.sampling === 'prioritized') inputs.weights = batch.weights;
  if (network.noisy) {
    inputs.onlineNoiseSeed = drawSeed(streams.learnNoise);
    inputs.targetNoiseSeed = drawSeed(streams.learnNoise);
  }
  if (needsLoadNoise(config)) inputs.loadNoiseSeed = drawSeed(streams.loadNoise);
  const { mixtures } = step.network;
  if (drawsRouting(mixtures, 'training')) inputs.routingSeed = drawSeed(streams.routing);
  if (drawsRouting(mixtures, 'always')) inputs.targetRoutingSeed = drawSeed(streams.routing);
  if (temperature !== undefined) inputs.routingTemperature = Float32Array.of(temperature);
  if (agent.dataAugmentation) {
    for (const name of ['state', 'next']) {
      const draws = drawAugmentation(streams.augmentation, agent.batchSize);
      inputs[`${name}Offsets`] = draws.offsets;
      inputs[`${name}Intensities`] = draws.intensities;
    }
  }
  return inputs;
}
