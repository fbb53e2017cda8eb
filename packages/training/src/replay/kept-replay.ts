// The replay memory of a run that learns from the environment: kept in its own folder, where only what is new is written.
import { CorruptDataError } from '@moe-rl/core';
import type { ReplayBuffer } from '@moe-rl/replay';
import { ReplayCheckpointer } from '@moe-rl/replay/node';
import type { ReplayPersistence } from '@moe-rl/runs';

/** @param folder made if missing; holds nothing else */
export function keptReplay(replay: ReplayBuffer, folder: string): ReplayPersistence {
  // Three: the two that the run's two checkpoints need, and the one being written.
  const checkpointer = new ReplayCheckpointer({ replay, folder, keep: 3 });
  return {
    folder,
    async save() {
      const { checkpointId } = await checkpointer.save();
      return { checkpointId, addedTransitions: replay.addedTransitions };
    },
    async restore({ checkpointId, addedTransitions = null }) {
      await checkpointer.restore(Number(checkpointId));
      // A run that has gone on from an older checkpoint gives numbers anew. Checkpoints of earlier versions say nothing of it.
      if (addedTransitions === null || addedTransitions === replay.addedTransitions) return;
      throw new CorruptDataError(
        `replay checkpoint ${String(checkpointId)} in ${folder} has ${replay.addedTransitions} transitions; the run's checkpoint was made with ${String(addedTransitions)}`,
      );
    },
    interruptEpisode: () => replay.interruptEpisode(),
  };
}
