// What the learning step is fed with: the batch from the replay, and fresh random numbers.
import type { TypedArray } from '@moe-rl/core';
import type { ReplaySample } from '@moe-rl/replay';
import type { AgentConfig } from '../config/agent-config.ts';
import { drawAugmentation } from './augmentation.ts';
import { needsLoadNoise } from './loss.ts';
import { drawSeed } from './noise.ts';
import type { Streams } from './streams.ts';

/** Inputs by the names of `updateStepInputs`. */
export function learningInputs(config: AgentConfig, batch: ReplaySample, streams: Streams): Record<string, TypedArray> {
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
  if (agent.dataAugmentation) {
    for (const name of ['state', 'next']) {
      const draws = drawAugmentation(streams.augmentation, agent.batchSize);
      inputs[`${name}Offsets`] = draws.offsets;
      inputs[`${name}Intensities`] = draws.intensities;
    }
  }
  return inputs;
}
