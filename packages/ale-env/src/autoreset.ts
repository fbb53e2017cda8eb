// Autoreset modes and partial resets: what the vector in this thread and the pool of workers check alike, before any copy moves.
import {
  type AutoresetMode,
  InvalidArgumentError,
  requireInteger,
  requireKnownOptions,
  type VectorResetOptions,
} from '@moe-rl/core';

export const AUTORESET_MODES: readonly AutoresetMode[] = ['next-step', 'same-step', 'disabled'];

/** What a reset was asked to do, checked. */
export interface CheckedReset {
  readonly seed: number | undefined;
  /** `[N]`, 0 or 1; undefined: all copies. */
  readonly mask: Uint8Array | undefined;
}

/**
 * Checks the options of a reset.
 * @param wasReset whether all copies have begun an episode before: a partial reset can't be the first
 * @throws InvalidArgumentError for an unknown option, a seed out of range, a mask of another length, with other values than booleans (or 0 and 1), without a
 *   true, or before the first whole reset
 */
export function checkReset(
  id: string,
  environmentCount: number,
  wasReset: boolean,
  options: VectorResetOptions,
): CheckedReset {
  requireKnownOptions(`${id}: reset`, options, ['seed', 'mask']);
  const { seed, mask } = options;
  if (seed !== undefined) requireInteger('seed', seed, 0, 2 ** 31 - environmentCount);
  if (mask === undefined) return { seed, mask };
  if (!Array.isArray(mask) && !ArrayBuffer.isView(mask))
    throw new InvalidArgumentError(`${id}: mask is ${String(mask)}; expected an array of ${environmentCount} booleans`);
  if (mask.length !== environmentCount) {
    throw new InvalidArgumentError(
      `${id}: mask has ${mask.length} entries for ${environmentCount} environments; expected one for each`,
    );
  }
  const checked = Uint8Array.from({ length: environmentCount }, (_, index) => {
    const entry: unknown = mask[index];
    if (typeof entry === 'boolean' || entry === 0 || entry === 1) return Number(entry);
    throw new InvalidArgumentError(`${id}: mask[${index}] is ${JSON.stringify(entry)}; expected true or false`);
  });
  if (!checked.includes(1)) throw new InvalidArgumentError(`${id}: mask resets no environment; expected a true in it`);
  if (!wasReset)
    throw new InvalidArgumentError(`${id}: no episode was begun; call reset() without a mask before one with a mask`);
  return { seed, mask: checked };
}

/** @throws InvalidArgumentError naming the copies whose episode has ended */
export function requireNoneEnded(id: string, terminated: Uint8Array, truncated: Uint8Array): void {
  const ended: number[] = [];
  for (let index = 0; index < terminated.length; index++)
    if (terminated[index] !== 0 || truncated[index] !== 0) ended.push(index);
  if (ended.length === 0) return;
  const which = ended.length === 1 ? `environment ${ended[0]} has` : `environments ${ended.join(', ')} have`;
  throw new InvalidArgumentError(
    `${id}: ${which} ended and autoreset is "disabled"; call reset({ mask }) before the next step`,
  );
}
