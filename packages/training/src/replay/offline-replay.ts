// The replay memory of a run that learns from a dataset: its frames are the dataset's, so a checkpoint keeps only what changes, the position of its random stream.
import { createHash } from 'node:crypto';
import { CheckpointError, type StateTree } from '@moe-rl/core';
import type { ReplayBuffer } from '@moe-rl/replay';
import type { ReplayPersistence } from '@moe-rl/runs';

/**
 * @param replay filled with the dataset
 * @param folder of the run's replay memory; nothing is written there
 */
export function offlineReplay(replay: ReplayBuffer, folder: string, datasetFolder: string): ReplayPersistence {
  const sha256 = outcomesSum(replay);
  return {
    folder,
    save() {
      const { rng, sampler, addedTransitions } = replay.liveState();
      return { rng: rng!, sampler: sampler!, addedTransitions: addedTransitions!, sha256 };
    },
    restore(state: StateTree) {
      if (state.addedTransitions !== replay.addedTransitions) {
        throw new CheckpointError(
          `the dataset in ${datasetFolder} gave ${replay.addedTransitions} transitions; the run began with ${state.addedTransitions}`,
        );
      }
      // Checkpoints of earlier versions say nothing of it.
      if (state.sha256 !== undefined && state.sha256 !== sha256) {
        throw new CheckpointError(
          `the dataset in ${datasetFolder} is not the one that the run began with: as many transitions, but other actions, rewards or ends`,
        );
      }
      replay.setState({ ...replay.liveState(), rng: state.rng!, sampler: state.sampler! });
    },
    interruptEpisode() {},
  };
}

/** SHA-256 sum of actions, rewards and ends: tells datasets from one another without looking at gigabytes of frames. */
function outcomesSum(replay: ReplayBuffer): string {
  const { actions, rewards, flags } = replay.liveState() as Readonly<
    Record<string, Int32Array | Float32Array | Uint8Array>
  >;
  const hash = createHash('sha256');
  for (const array of [actions!, rewards!, flags!]) {
    hash.update(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  }
  return hash.digest('hex');
}
