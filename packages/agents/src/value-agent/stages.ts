// What happens to an agent's variables where a stage of its mixtures begins (course.ts says when).
import type { Rng, TensorData } from '@moe-rl/core';
import type { InitialParameters } from '@moe-rl/moe-core';
import type { Program } from '@moe-rl/tfjs-graph';
import type { AgentStep, EntryName } from './entry-points.ts';
import { slotOwner } from './variables.ts';

/** What entering a stage does to parameters (experts spawned from one). The target network follows, and the optimizer forgets what it knew of them. */
export async function enterStage(step: AgentStep, program: Program<EntryName>, stage: string, rng: Rng): Promise<void> {
  for (const mixture of step.network.mixtures) {
    if (mixture.schedule === undefined) continue;
    // Where experts are networks, the mixture's own are not there.
    const names = mixture.parameters.flatMap(({ name }) => (`params/${name}` in step.all ? [name] : []));
    const read = await program.readVariables(names.map((name) => `params/${name}`));
    const own = Object.fromEntries(names.map((name) => [name, read[`params/${name}`]!])) as InitialParameters;
    const changed = mixture.schedule.enter(stage, rng, own);
    const masks = await program.readVariables(
      Object.keys(changed).flatMap((name) => (name in step.masks ? [`mask/${name}`] : [])),
    );
    const values: Record<string, TensorData> = {};
    for (const [name, value] of Object.entries(changed)) {
      // What sparse training masks stays 0, in both networks.
      const mask = masks[`mask/${name}`]?.data;
      if (mask !== undefined) for (let index = 0; index < mask.length; index++) value.data[index]! *= mask[index]!;
      values[`params/${name}`] = value;
      values[`target/${name}`] = { shape: value.shape, data: value.data.slice() };
      for (const [slot, { shape, size }] of Object.entries(step.all)) {
        if (slotOwner(slot) === name) values[slot] = { shape, data: new Float32Array(size) };
      }
    }
    await program.writeVariables(values);
  }
}
