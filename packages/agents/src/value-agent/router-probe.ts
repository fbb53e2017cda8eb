// The course of the routers over training: what they choose for one batch of observations, held from the first measurement on, measurement by measurement.
// Saturation needs the end of training, so it is told when that has come.
import { CheckpointError, type MetricRow, type StateTree, type TypedArray } from '@moe-rl/core';
import { sliceFrames } from '@moe-rl/encoders';
import { choicesPerExpert, expertUtilization, packChoices, sharedChoices } from '@moe-rl/moe-core';
import type { EntryPoint } from '@moe-rl/tfjs-graph';
import * as tf from '@tensorflow/tfjs-core';
import { routerChoices } from '../networks/router-measures.ts';
import { evaluationRouting, type LossConfig, routingInputs } from './loss.ts';

/** More checkpoints than this help nobody: then every second one is left out, from there on too. */
const MOST_CHECKPOINTS = 128;

/** The entry point: the choices [N, E] of all tokens of all mixtures, routed as in evaluation, without noise of experts. */
export function createRouterProbe(
  step: Pick<LossConfig, 'config' | 'network' | 'online' | 'windowLength' | 'stage'>,
): EntryPoint {
  const { config, network, online, windowLength } = step;
  const { batchSize } = config.agent;
  const { frameShape, stackSize, dtype } = network.input.observationSpec;
  return {
    inputs: {
      frames: { shape: [batchSize, windowLength, ...frameShape], dtype },
      ...routingInputs(network, 'always'),
    },
    run: ({ frames, routingSeed }) => {
      const states = sliceFrames(frames!, 0, stackSize);
      const { mixtures } = network.apply(online, states, { routing: evaluationRouting(step, batchSize, routingSeed) });
      return {
        choices: tf.concat(
          mixtures.map((record) => {
            const choices = routerChoices(record);
            return tf.reshape(choices, [-1, choices.shape[2]!]);
          }),
        ),
      };
    },
  };
}

interface Checkpoint {
  readonly agentSteps: number;
  /** As `packChoices` makes them. */
  readonly choices: Uint8Array;
}

/** Keeps the probe batch and the choices made for it. */
export class RouterProbe {
  readonly #numExperts: number;
  #frames: TypedArray | undefined;
  #checkpoints: Checkpoint[] = [];
  #newest: Checkpoint | undefined;
  /** Measurements so far; every `#stride`th is kept. */
  #count = 0;
  #stride = 1;

  constructor(numExperts: number) {
    this.#numExperts = numExperts;
  }

  /** The frames of the probe batch: those given at the first call, for good. */
  frames(make: () => TypedArray): TypedArray {
    this.#frames ??= make().slice();
    return this.#frames;
  }

  /**
   * Takes in what the routers choose now.
   * @param choices [N, E]
   * @returns what can be said already: the change since the last time, what is left of the first choices, how evenly experts are used
   */
  record(agentSteps: number, choices: ArrayLike<number>): Record<string, number> {
    const checkpoint = { agentSteps, choices: packChoices(choices) };
    const metrics: Record<string, number> = {
      'router/utilization': expertUtilization(choicesPerExpert(checkpoint.choices, this.#numExperts)),
    };
    if (this.#newest !== undefined) {
      metrics['router/changeRate'] = 1 - sharedChoices(checkpoint.choices, this.#newest.choices);
      metrics['router/keptFromFirst'] = sharedChoices(this.#checkpoints[0]!.choices, checkpoint.choices);
    }
    this.#newest = checkpoint;
    if (this.#count++ % this.#stride === 0) this.#checkpoints.push(checkpoint);
    if (this.#checkpoints.length > MOST_CHECKPOINTS) {
      this.#checkpoints = this.#checkpoints.filter((_, index) => index % 2 === 0);
      this.#stride *= 2;
    }
    return metrics;
  }

  /** Saturation at every checkpoint: the share of its choices that are those of the newest one, too. */
  saturation(): MetricRow[] {
    const last = this.#newest;
    if (last === undefined) return [];
    const kept = this.#checkpoints.at(-1) === last ? this.#checkpoints : [...this.#checkpoints, last];
    return kept.map(({ agentSteps, choices }) => ({
      agentSteps,
      values: { 'router/saturation': sharedChoices(choices, last.choices) },
    }));
  }

  getState(): StateTree {
    const all = this.#newest === undefined ? [] : [...this.#checkpoints, this.#newest];
    const bytes = this.#newest?.choices.length ?? 0;
    const choices = new Uint8Array(all.length * bytes);
    for (const [index, checkpoint] of all.entries()) choices.set(checkpoint.choices, index * bytes);
    return {
      ...(this.#frames === undefined ? {} : { frames: this.#frames }),
      agentSteps: all.map(({ agentSteps }) => agentSteps),
      choices,
      count: this.#count,
      stride: this.#stride,
    } as StateTree;
  }

  /** @throws CheckpointError for what is no state of a probe */
  setState(state: StateTree): void {
    const { frames, agentSteps, choices, count, stride } = state;
    const isState =
      Array.isArray(agentSteps) && choices instanceof Uint8Array && Number.isInteger(count) && Number.isInteger(stride);
    if (!isState || (agentSteps.length > 0 && choices.length % agentSteps.length !== 0))
      throw new CheckpointError('agent state has no course of the routers that could be gone on with');
    const bytes = choices.length / Math.max(1, agentSteps.length);
    const all = (agentSteps as number[]).map(
      (step, index): Checkpoint => ({
        agentSteps: step,
        choices: choices.slice(index * bytes, (index + 1) * bytes),
      }),
    );
    this.#frames = frames as TypedArray | undefined;
    this.#newest = all.at(-1);
    const kept = all.slice(0, -1);
    // The newest may be the last one kept, too. Agent steps do not tell: several updates may be measured at one.
    if (this.#newest !== undefined && ((count as number) - 1) % (stride as number) === 0)
      kept[kept.length - 1] = this.#newest;
    this.#checkpoints = kept;
    this.#count = count as number;
    this.#stride = stride as number;
  }
}
