// The course of training of a network's mixtures: EvoMoE's and StableMoE's stages. Which stage an update belongs to follows from its number alone, so a resumed
// agent goes on where it was.
import type { Rng, TensorData } from '@moe-rl/core';
import type { InitialParameters, Mixture, MixtureSchedule, MixtureStage } from '@moe-rl/moe-core';
import type { Program } from '@moe-rl/tfjs-graph';
import type { AgentStep, EntryName } from './entry-points.ts';
import { slotOwner } from './variables.ts';

/** Stages of all mixtures together. They have one configuration, so they change at the same updates. */
export interface Course {
  /** One example of each stage, in order; none: nothing changes. */
  readonly stages: readonly MixtureStage[];
  /** The stage of update number `update`, from 0. */
  at(update: number): MixtureStage | undefined;
  /** True when `update` is the first of a stage that is not the first. */
  begins(update: number): boolean;
}

/** The stages of mixtures that are trained together: frozen parameters are those that any of them freezes. */
export function createCourse(mixtures: readonly Mixture[]): Course {
  const schedules = mixtures.flatMap(({ schedule }) => (schedule === undefined ? [] : [schedule]));
  const at = (update: number): MixtureStage | undefined => {
    const own = schedules.map((schedule) => schedule.advance(update));
    return own.length === 0 ? undefined : { ...own[0]!, frozen: own.flatMap(({ frozen }) => frozen) };
  };
  const [first] = schedules;
  return {
    stages: first === undefined ? [] : first.stages.map((_, index) => at(firstUpdateOf(first, index))!),
    at,
    begins: (update) => update > 0 && at(update)?.name !== at(update - 1)?.name,
  };
}

/** The first update of the stage with this index: stages follow one another. */
function firstUpdateOf(schedule: MixtureSchedule, index: number): number {
  const indexAt = (update: number): number => schedule.stages.indexOf(schedule.advance(update).name);
  let low = 0;
  let high = schedule.totalUpdates;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (indexAt(middle) >= index) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** What entering a stage does to parameters (experts spawned from one). The target network follows, and the optimizer forgets what it knew of them. */
export async function enterStage(step: AgentStep, program: Program<EntryName>, stage: string, rng: Rng): Promise<void> {
  for (const mixture of step.network.mixtures) {
    if (mixture.schedule === undefined) continue;
    // Where experts are networks, the mixture's own are not there.
    const names = mixture.parameters.flatMap(({ name }) => (`params/${name}` in step.all ? [name] : []));
    const read = await program.readVariables(names.map((name) => `params/${name}`));
    const own = Object.fromEntries(names.map((name) => [name, read[`params/${name}`]!])) as InitialParameters;
    const changed = mixture.schedule.enter(stage, rng, own);
    const values: Record<string, TensorData> = {};
    for (const [name, value] of Object.entries(changed)) {
      values[`params/${name}`] = value;
      values[`target/${name}`] = { shape: value.shape, data: value.data.slice() };
      for (const [slot, { shape, size }] of Object.entries(step.all)) {
        if (slotOwner(slot) === name) values[slot] = { shape, data: new Float32Array(size) };
      }
    }
    await program.writeVariables(values);
  }
}
