// Reads the replay logs of Dopamine's classic buffer, the form that the DQN Replay Dataset (Agarwal et al. 2020) is published in: one gzipped NumPy
// array per field and checkpoint.
import { join } from 'node:path';
import { CheckpointError, InvalidArgumentError, requireInteger } from '@moe-rl/core';
import { withStorageErrors } from '@moe-rl/core/node';
import type { ReplayStep } from '../replay-interface.ts';
import { openNpy } from './npy-stream.ts';

const BLOCK_ROWS = 256;

export interface DopamineLogConfig {
  /** The folder that holds `$store$_observation_ckpt.N.gz` and its siblings. */
  readonly folder: string;
  /** N. */
  readonly checkpoint: number;
  /** Frames per stack in the run that wrote the log: it put so many, less one, frames of zeros before each episode. Default 4. */
  readonly stackSize?: number;
}

/**
 * The steps of one checkpoint, in order, without the padding, each with its newest frame. Episodes that a time limit cut can't be told from others in these logs:
 * the next one then seems to continue them.
 * @throws NotFoundError when a file is missing, StorageError when it can't be read; CorruptDataError when it is damaged; CheckpointError when the arrays don't fit together
 */
export async function* readDopamineLog(config: DopamineLogConfig): AsyncGenerator<ReplayStep, void, void> {
  const { folder, checkpoint, stackSize = 4 } = config;
  requireInteger('checkpoint', checkpoint, 0);
  requireInteger('stackSize', stackSize, 1);
  const file = (field: string) => join(folder, `${field}_ckpt.${checkpoint}.gz`);
  const openField = (field: string) => withStorageErrors('read', file(field), () => openNpy(file(field)));

  const counter = await openField('add_count');
  const added = (await counter.read(1))[0]!;
  counter.close();
  const opened = await Promise.all(
    ['observation', 'action', 'reward', 'terminal'].map((field) => openField(`$store$_${field}`)),
  );
  const [observations, actions, rewards, terminals] = opened as [Npy, Npy, Npy, Npy];
  try {
    const capacity = observations.shape[0] ?? 0;
    if (opened.some((array) => array.shape[0] !== capacity) || observations.dtype !== '|u1') {
      throw new CheckpointError(
        `${folder}, checkpoint ${checkpoint}: observations are ${observations.dtype} [${observations.shape}], actions [${actions.shape}]; expected bytes, and as many of each`,
      );
    }
    if (added > capacity && added % capacity !== 0) {
      throw new InvalidArgumentError(
        `${folder}, checkpoint ${checkpoint}: the buffer of ${capacity} was saved in the middle of a pass (after ${added}), so its steps are not in order`,
      );
    }
    const rows = Math.min(added, capacity);
    let padding = stackSize - 1;
    for (let first = 0; first < rows; first += BLOCK_ROWS) {
      const count = Math.min(BLOCK_ROWS, rows - first);
      const [frames, action, reward, terminal] = await Promise.all([
        observations.readBytes(count),
        actions.read(count),
        rewards.read(count),
        terminals.read(count),
      ]);
      const frameBytes = frames.length / count;
      for (let row = 0; row < count; row++) {
        const observation = frames.subarray(row * frameBytes, (row + 1) * frameBytes);
        const isBlank =
          action[row] === 0 && reward[row] === 0 && terminal[row] === 0 && observation.every((byte) => byte === 0);
        if (padding > 0 && isBlank) {
          padding--;
          continue;
        }
        const terminated = terminal[row] !== 0;
        padding = terminated ? stackSize - 1 : 0;
        yield { observation, action: action[row]!, reward: reward[row]!, terminated, truncated: false };
      }
    }
  } finally {
    for (const array of opened) array.close();
  }
}

type Npy = Awaited<ReturnType<typeof openNpy>>;
