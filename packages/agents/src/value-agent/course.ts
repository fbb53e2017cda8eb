// Which stage of training an agent's mixtures are in (EvoMoE's and StableMoE's stages), and what belongs to it. It follows from an update's number alone, so a
// resumed agent goes on where it was.
import type { Mixture, MixtureSchedule, MixtureStage } from '@moe-rl/moe-core';

/** A stage of all mixtures together. */
export interface CourseStage extends Omit<MixtureStage, 'losses'> {
  /** Auxiliary losses that belong to the stage, by mixture: weights may depend on a mixture's own number of tokens. */
  readonly losses: readonly MixtureStage['losses'][];
}

/** Stages of all mixtures together. They have one configuration, so they change at the same updates. */
export interface Course {
  /** One example of each stage, in order; none: nothing changes. */
  readonly stages: readonly CourseStage[];
  /** The stage of update number `update`, from 0. */
  at(update: number): CourseStage | undefined;
  /** True when `update` is the first of a stage that is not the first. */
  begins(update: number): boolean;
}

/** The stages of mixtures that are trained together: frozen parameters are those that any of them freezes. */
export function createCourse(mixtures: readonly Mixture[]): Course {
  const at = (update: number): CourseStage | undefined => {
    const own = mixtures.map(({ schedule }) => schedule?.advance(update));
    const first = own.find((stage) => stage !== undefined);
    return (
      first && {
        ...first,
        frozen: own.flatMap((stage) => stage?.frozen ?? []),
        losses: own.map((stage) => stage?.losses ?? {}),
      }
    );
  };
  const first = mixtures.find(({ schedule }) => schedule !== undefined)?.schedule;
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
