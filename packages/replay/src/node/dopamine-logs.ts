// Reads the replay logs of Dopamine's classic buffer, the form that the DQN Replay Dataset (Agarwal et al. 2020) is published in: one gzipped NumPy
// array per field and checkpoint.
import { join } from 'node:path';
import { CheckpointError, CorruptDataError, InvalidArgumentError, requireInteger } from '@moe-rl/core';
import { withStorageErrors } from '@moe-rl/core/node';
import type { Outcome } from '../datasets/transition-reader.ts';
import type { ReplayStep } from '../replay-interface.ts';
import { type NpyStream, openNpy } from './npy-stream.ts';

const BLOCK_ROWS = 256;
const OUTCOME_FIELDS = ['action', 'reward', 'terminal'] as const;

export interface DopamineLogConfig {
  /** The folder that holds `$store$_observation_ckpt.N.gz` and its siblings. */
  readonly folder: string;
  /** N. */
  readonly checkpoint: number;
  /** Frames per stack in the run that wrote the log: it put so many, less one, frames of zeros before each episode. Default 4. */
  readonly stackSize?: number;
}

/** Name of a field's file: `observation`, `action`, `reward`, `terminal`. */
export function dopamineFileName(field: string, checkpoint: number): string {
  return `$store$_${field}_ckpt.${checkpoint}.gz`;
}

/**
 * The steps of one checkpoint, in order, without the padding, each with its newest frame. Episodes that a time limit cut can't be told from others in these logs:
 * the next one then seems to continue them.
 * @throws NotFoundError when a file is missing, StorageError when it can't be read; CorruptDataError when it is damaged; CheckpointError when the arrays don't
 *   fit together; InvalidArgumentError when the log was saved in the middle of a pass around the ring
 */
export async function* readDopamineLog(config: DopamineLogConfig): AsyncGenerator<ReplayStep, void, void> {
  const isPadding = createPaddingTest(config);
  for await (const { outcomes, frames } of readBlocks(config, true)) {
    const frameBytes = frames!.length / outcomes.length;
    for (const [row, outcome] of outcomes.entries()) {
      const observation = frames!.subarray(row * frameBytes, (row + 1) * frameBytes);
      if (!isPadding(outcome, () => observation.every((byte) => byte === 0))) yield { observation, ...outcome };
    }
  }
}

/**
 * The same steps without their frames, which is a hundred times quicker.
 * @throws as `readDopamineLog`
 */
export async function* readDopamineOutcomes(config: DopamineLogConfig): AsyncGenerator<Outcome, void, void> {
  const isPadding = createPaddingTest(config);
  for await (const { outcomes } of readBlocks(config, false)) {
    for (const outcome of outcomes) if (!isPadding(outcome, () => true)) yield outcome;
  }
}

/** Tells, row after row, those that stand before an episode: at most F - 1 blank ones, at the start and after each terminal. */
function createPaddingTest({
  stackSize = 4,
}: DopamineLogConfig): (row: Outcome, isFrameBlank: () => boolean) => boolean {
  let left = stackSize - 1;
  return ({ action, reward, terminated }, isFrameBlank) => {
    if (left > 0 && action === 0 && reward === 0 && !terminated && isFrameBlank()) {
      left--;
      return true;
    }
    left = terminated ? stackSize - 1 : 0;
    return false;
  };
}

/**
 * Shape of one frame in a log.
 * @throws as `readDopamineLog`
 */
export async function readDopamineFrameShape(config: DopamineLogConfig): Promise<readonly number[]> {
  const observations = await openField(config, 'observation');
  observations.close();
  return requireFrames(config, observations);
}

interface Block {
  /** Every row, padding too. */
  readonly outcomes: readonly Outcome[];
  readonly frames: Uint8Array | undefined;
}

async function* readBlocks(config: DopamineLogConfig, withFrames: boolean): AsyncGenerator<Block, void, void> {
  const { folder, checkpoint, stackSize = 4 } = config;
  requireInteger('checkpoint', checkpoint, 0);
  requireInteger('stackSize', stackSize, 1);
  const place = `${folder}, checkpoint ${checkpoint}`;
  const counter = await withStorageErrors('read', folder, () =>
    openNpy(join(folder, `add_count_ckpt.${checkpoint}.gz`)),
  );
  const added = (await counter.read(1))[0]!;
  counter.close();
  const opened: NpyStream[] = [];
  try {
    for (const field of OUTCOME_FIELDS) opened.push(await openField(config, field));
    const [actions, rewards, terminals] = opened as [NpyStream, NpyStream, NpyStream];
    const observations = withFrames ? await openField(config, 'observation') : undefined;
    if (observations !== undefined) {
      opened.push(observations);
      requireFrames(config, observations);
    }
    const capacity = actions.shape[0] ?? 0;
    const isOneEach = [actions, rewards, terminals].every(({ shape }) => shape.length === 1);
    if (
      !isOneEach ||
      opened.some(({ shape }) => shape[0] !== capacity) ||
      !(Number.isSafeInteger(added) && added >= 0)
    ) {
      const shapes = opened.map(({ shape }) => `[${shape}]`).join(', ');
      throw new CheckpointError(
        `${place}: actions, rewards, terminals${withFrames ? ', observations' : ''} are ${shapes} after ${added} additions; expected as many of each`,
      );
    }
    if (added > capacity && added % capacity !== 0) {
      throw new InvalidArgumentError(
        `${place}: the buffer of ${capacity} was saved in the middle of a pass (after ${added}), so its steps are not in order`,
      );
    }
    const rows = Math.min(added, capacity);
    for (let first = 0; first < rows; first += BLOCK_ROWS) {
      const count = Math.min(BLOCK_ROWS, rows - first);
      const [action, reward, terminal, frames] = await Promise.all([
        actions.read(count),
        rewards.read(count),
        terminals.read(count),
        observations?.readBytes(count),
      ]);
      const outcomes = Array.from({ length: count }, (_, row): Outcome => {
        const [a, r, t] = [action[row]!, reward[row]!, terminal[row]!];
        if (!Number.isInteger(a) || a < 0 || !Number.isFinite(r) || (t !== 0 && t !== 1)) {
          throw new CorruptDataError(
            `${place}, row ${first + row}: action ${a}, reward ${r}, terminal ${t}; expected an integer of at least 0, a finite number, 0 or 1`,
          );
        }
        return { action: a, reward: r, terminated: t === 1, truncated: false };
      });
      yield { outcomes, frames };
    }
    // The checksum of a compressed file is at its end; rows that were never written need no reading.
    if (rows === capacity) for (const array of opened) await array.finish();
  } finally {
    for (const array of opened) array.close();
  }
}

function openField({ folder, checkpoint }: DopamineLogConfig, field: string): Promise<NpyStream> {
  const path = join(folder, dopamineFileName(field, checkpoint));
  return withStorageErrors('read', path, () => openNpy(path));
}

function requireFrames({ folder, checkpoint }: DopamineLogConfig, { shape, dtype }: NpyStream): readonly number[] {
  const frameShape = shape.slice(1);
  if (dtype !== '|u1' || frameShape.length === 0 || frameShape.includes(0)) {
    throw new CheckpointError(
      `${folder}, checkpoint ${checkpoint}: observations are ${dtype} [${shape}]; expected bytes, a frame in each row`,
    );
  }
  return frameShape;
}
