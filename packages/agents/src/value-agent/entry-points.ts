// The functions that an agent runs over its variables: act, evaluate, learn, copy to the target network, measure. Each becomes one recorded graph where
// the backend can.
import { atomSupport, expectedValues } from '@moe-rl/encoders';
import type { EntryPoint } from '@moe-rl/tfjs-graph';
import * as tf from '@tensorflow/tfjs-core';
import { updateStepInputs } from './loss.ts';
import { createMeasurement } from './measurement.ts';
import { drawNoise, SEED_INPUT } from './noise.ts';
import { createGradientStep, createUpdateStep, type UpdateStepConfig } from './update-step.ts';
import type { AgentVariables } from './variables.ts';

export type EntryName = 'act' | 'evaluate' | 'learn' | 'syncTarget' | 'measure' | 'gradients';

/** The learning step's parts, with all variables. */
export type AgentStep = UpdateStepConfig & AgentVariables;

/** Which layers are noisy when acting: all in training; in evaluation the experts at most (official behaviour). */
export function actingNoise({ config, network }: AgentStep, mode: 'train' | 'evaluate'): 'all' | 'experts' | 'none' {
  if (!config.network.noisy) return 'none';
  if (mode === 'train') return 'all';
  return config.agent.expertNoiseInEvaluation && network.noiseSizes.experts ? 'experts' : 'none';
}

/** Makes the entry points; `evaluate` only for noisy networks (others act the same way), `gradients` only where masks grow by them. */
export function createEntryPoints(step: AgentStep): Record<EntryName, EntryPoint> {
  const { config, network, online, target, masks, sparseTraining, windowLength } = step;
  const entryPoints: Partial<Record<EntryName, EntryPoint>> = {
    learn: { inputs: updateStepInputs(step), run: createUpdateStep(step) },
    act: createActor(step, actingNoise(step, 'train')),
    syncTarget: {
      run: () => {
        for (const [name, variable] of Object.entries(target)) variable.assign(tf.clone(online[name]!));
        return { done: tf.scalar(1) };
      },
    },
    measure: createMeasurement(config, network, online, windowLength),
  };
  if (config.network.noisy) entryPoints.evaluate = createActor(step, actingNoise(step, 'evaluate'));
  if (sparseTraining?.needsGradients) {
    entryPoints.gradients = { inputs: updateStepInputs(step), run: createGradientStep(step, Object.keys(masks)) };
  }
  return entryPoints as Record<EntryName, EntryPoint>;
}

/** Action values `[A]` of one observation. */
function createActor(step: AgentStep, noise: 'all' | 'experts' | 'none'): EntryPoint {
  const { network, online } = step;
  const { agent } = step.config;
  const { frameShape, stackSize, dtype } = network.input.observationSpec;
  return {
    inputs: {
      observation: { shape: [1, stackSize, ...frameShape], dtype },
      ...(noise === 'none' ? {} : { noiseSeed: SEED_INPUT }),
    },
    run: ({ observation, noiseSeed }) => {
      const drawn = noise === 'none' ? undefined : drawNoise(network.noiseSizes, 1, noiseSeed!);
      const used = drawn && (noise === 'all' ? drawn : drawn.experts && { experts: drawn.experts });
      const { values } = network.apply(online, observation!, used ? { noise: used } : {});
      if (agent.atoms === 1) return { values };
      return {
        values: expectedValues(values, tf.tensor1d(atomSupport(agent.minimumValue!, agent.maximumValue!, agent.atoms))),
      };
    },
  };
}
