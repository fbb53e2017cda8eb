// The replay memory of a run that learns from a dataset: its frames are the dataset's, so a checkpoint keeps only what changes, the position of its random stream.
import { CheckpointError, type StateTree } from '@moe-rl/core';
import type { ReplayBuffer } from '@moe-rl/replay';
import type { ReplayPersistence } from '@moe-rl/runs';

/** @param folder of the run's replay memory; nothing is written there */
export function offlineReplay(replay: ReplayBuffer, folder: string, datasetFolder: string): ReplayPersistence {
  return {
    folder,
    save() {
      const { rng, sampler, addedTransitions } = replay.liveState();
      return { rng: rng!, sampler: sampler!, addedTransitions: addedTransitions! };
    },
    restore(state: StateTree) {
      if (state.addedTransitions !== replay.addedTransitions) {
        throw new CheckpointError(
          `the dataset in ${datasetFolder} gave ${replay.addedTransitions} transitions; the run began with ${state.addedTransitions}`,
        );
      }
      replay.setState({ ...replay.liveState(), rng: state.rng!, sampler: state.sampler! });
    },
    interruptEpisode() {},
  };
}
