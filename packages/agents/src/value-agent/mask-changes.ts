// Changes the masks of sparse training on the host: reads weights, masks and optimizer slots, changes them, writes them back.
import type { Rng, TypedArray } from '@moe-rl/core';
import type { Program } from '@moe-rl/tfjs-graph';
import type { AgentStep, EntryName } from './entry-points.ts';
import type { SparseTraining } from './sparse-training.ts';
import { slotOwner } from './variables.ts';

/**
 * Changes all masks, as the method says for this update.
 * @param inputs those of the learning step, for methods that grow by gradients
 */
export async function changeMasks(
  sparseTraining: SparseTraining,
  step: AgentStep,
  program: Program<EntryName>,
  inputs: Record<string, TypedArray>,
  update: number,
  rng: Rng,
): Promise<void> {
  const names = Object.keys(sparseTraining.initialMasks);
  const masked = new Set(names);
  const slots = Object.keys(step.all).filter((name) => masked.has(slotOwner(name) ?? ''));
  const values = await program.readVariables([
    ...names.flatMap((name) => [`params/${name}`, `mask/${name}`]),
    ...slots,
  ]);
  const gradients = sparseTraining.needsGradients ? await program.run('gradients', inputs) : undefined;
  for (const name of names) {
    const weights = values[`params/${name}`]!.data as Float32Array;
    const mask = values[`mask/${name}`]!.data as Float32Array;
    const before = mask.slice();
    sparseTraining.changeMask(name, update, weights, mask, gradients?.[name] as Float32Array | undefined, rng);
    // What left or just came back starts from zero, also in the optimizer.
    for (const slot of slots.filter((slotName) => slotOwner(slotName) === name)) {
      const moments = values[slot]!.data;
      for (let index = 0; index < mask.length; index++)
        if (mask[index] === 0 || before[index] === 0) moments[index] = 0;
    }
  }
  await program.writeVariables(values);
}
