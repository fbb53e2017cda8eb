// The functions that an agent runs over its variables: act, evaluate, learn, copy to the target network, measure. Each becomes one recorded graph where
// the backend can.
import { atomSupport, expectedValues } from '@moe-rl/encoders';
import type { CompiledChoice, EntryPoint } from '@moe-rl/tfjs-graph';
import * as tf from '@tensorflow/tfjs-core';
import type { CourseStage } from './course.ts';
import { evaluationRouting, routingInputs, updateStepInputs } from './loss.ts';
import { createMeasurement } from './measurement.ts';
import { drawNoise, SEED_INPUT } from './noise.ts';
import { createRouterProbe } from './router-probe.ts';
import { createGradientStep, createUpdateStep, type UpdateStepConfig } from './update-step.ts';
import type { AgentVariables } from './variables.ts';

type Base = 'act' | 'evaluate' | 'learn' | 'measure' | 'probe' | 'gradients';
/** Mixtures that train in stages have entry points of their own for each stage after the first: `learn@distilled`. */
export type EntryName = Base | `${Base}@${string}` | 'syncTarget';

/** The entry point of a stage. */
export function entryOf(base: Base, stage: CourseStage | undefined, stages: readonly string[]): EntryName {
  return stage === undefined || stage.name === stages[0] ? base : `${base}@${stage.name}`;
}

/** The learning step's parts, with all variables. */
export type AgentStep = UpdateStepConfig & AgentVariables;

/** Whether the choices of routers are followed: asked for, measured at all, and there are routers. */
export function followsRouters({ config, network }: Pick<AgentStep, 'config' | 'network'>): boolean {
  return config.statistics.followsRouters && config.statistics.periodUpdates > 0 && network.mixtures.length > 0;
}

/** Which layers are noisy when acting: all in training; in evaluation the experts at most (official behaviour). */
export function actingNoise({ config, network }: AgentStep, mode: 'train' | 'evaluate'): 'all' | 'experts' | 'none' {
  if (!config.network.noisy) return 'none';
  if (mode === 'train') return 'all';
  return config.agent.expertNoiseInEvaluation && network.noiseSizes.experts ? 'experts' : 'none';
}

/**
 * Makes the entry points, those of all stages; `evaluate` only for noisy networks (others act the same way), `gradients` only where masks grow by them.
 * @param stages of the mixtures' course of training, in order; none (default): there is one, and nothing changes
 * @param compiled whether acting has a compiled version beside the recorded one
 */
export function createEntryPoints(
  step: AgentStep,
  stages: readonly CourseStage[] = [],
  compiled: CompiledChoice = 'never',
): Record<EntryName, EntryPoint> {
  const { online, target } = step;
  const entryPoints: Record<string, EntryPoint> = {
    syncTarget: {
      run: () => {
        for (const [name, variable] of Object.entries(target)) variable.assign(tf.clone(online[name]!));
        return { done: tf.scalar(1) };
      },
    },
  };
  const names = stages.map(({ name }) => name);
  for (const stage of stages.length === 0 ? [undefined] : stages) {
    const ofStage = stageEntryPoints(stage === undefined ? step : { ...step, stage }, compiled);
    for (const [base, entryPoint] of Object.entries(ofStage)) {
      entryPoints[entryOf(base as Base, stage, names)] = entryPoint;
    }
  }
  return entryPoints as Record<EntryName, EntryPoint>;
}

function stageEntryPoints(step: AgentStep, compiled: CompiledChoice): Partial<Record<Base, EntryPoint>> {
  const { config, masks, sparseTraining } = step;
  const entryPoints: Partial<Record<Base, EntryPoint>> = {
    learn: { inputs: updateStepInputs(step), run: createUpdateStep(step) },
    act: { ...createActor(step, actingNoise(step, 'train')), compiled },
    measure: createMeasurement(step),
  };
  if (followsRouters(step)) entryPoints.probe = createRouterProbe(step);
  if (config.network.noisy) {
    entryPoints.evaluate = { ...createActor(step, actingNoise(step, 'evaluate')), compiled };
  }
  if (sparseTraining?.needsGradients) {
    entryPoints.gradients = { inputs: updateStepInputs(step), run: createGradientStep(step, Object.keys(masks)) };
  }
  return entryPoints;
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
      ...routingInputs(network, 'always'),
    },
    run: ({ observation, noiseSeed, routingSeed }) => {
      const drawn = noise === 'none' ? undefined : drawNoise(network.noiseSizes, 1, noiseSeed!);
      const used = drawn && (noise === 'all' ? drawn : drawn.experts && { experts: drawn.experts });
      const { values } = network.apply(online, observation!, {
        ...(used ? { noise: used } : {}),
        routing: evaluationRouting(step, 1, routingSeed),
      });
      if (agent.atoms === 1) return { values };
      return {
        values: expectedValues(values, tf.tensor1d(atomSupport(agent.minimumValue!, agent.maximumValue!, agent.atoms))),
      };
    },
  };
}
