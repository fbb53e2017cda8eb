// What the routers of a network need from outside in one pass: random numbers, drawn inside the graph from a fed seed, the temperature of a schedule, and the
// stage of the mixtures' course of training.
import { InvalidArgumentError } from '@moe-rl/core';
import type { Mixture, MixtureInputSpec, MixtureInputs } from '@moe-rl/moe-core';
import { randomNormal, randomUniform } from '@moe-rl/tfjs-graph';
import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';

/** How a pass routes. Left out: as in evaluation, in the mixtures' first stage. */
export interface RoutingPass {
  /** True in the loss only: targets, acting and measuring route as in evaluation. */
  readonly isTraining?: boolean;
  readonly stage?: string | undefined;
  /** Random numbers of each mixture, as `drawRouting` makes them. */
  readonly draws?: readonly MixtureInputs<Tensor>[];
  /** Scalar. */
  readonly temperature?: Tensor | undefined;
}

type Phase = 'training' | 'always';

const isDrawn = (spec: MixtureInputSpec, phase: Phase): boolean =>
  spec.distribution !== 'given' && (spec.phase === 'always' || phase === 'training');

/** Whether routers draw random numbers, in training or in any pass. */
export function drawsRouting(mixtures: readonly Mixture[], phase: Phase): boolean {
  return mixtures.some(({ inputs }) => inputs.some((spec) => isDrawn(spec, phase)));
}

/** Draws the random numbers of all mixtures for a batch of B; each gets a stream of its own of the seed. */
export function drawRouting(
  mixtures: readonly Mixture[],
  batchSize: number,
  phase: Phase,
  seed: Tensor,
): MixtureInputs<Tensor>[] {
  let stream = 0;
  return mixtures.map(({ inputs }) => {
    const drawn: Record<string, Tensor> = {};
    for (const spec of inputs) {
      if (!isDrawn(spec, phase)) continue;
      const own = tf.add(seed, tf.tensor1d([stream++, 0], 'int32'));
      const draw = spec.distribution === 'normal' ? randomNormal : randomUniform;
      drawn[spec.name] = draw(spec.shape(batchSize), own);
    }
    return drawn;
  });
}

/** Inputs of one mixture in a pass. Ids of tokens, where a router wants them, are positions: token t has the id t. */
export function mixtureInputs(
  mixture: Mixture,
  index: number,
  pass: RoutingPass,
  batchSize: number,
): MixtureInputs<Tensor> {
  const given = mixture.inputs.filter(({ distribution }) => distribution === 'given');
  for (const { name } of given) {
    if (name !== 'tokenIds') {
      throw new InvalidArgumentError(`router "${mixture.type}" needs ${name}, which agents do not have; expected none`);
    }
  }
  const tokens = mixture.sizes.numTokens;
  return {
    ...pass.draws?.[index],
    ...(given.length === 0
      ? {}
      : { tokenIds: tf.tile(tf.reshape(tf.range(0, tokens, 1, 'int32'), [1, tokens]), [batchSize, 1]) }),
    ...(pass.temperature === undefined ? {} : { temperature: pass.temperature }),
    ...(pass.stage === undefined ? {} : { stage: pass.stage }),
    isTraining: pass.isTraining ?? false,
  };
}
