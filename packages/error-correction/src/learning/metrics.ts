// Metrics of plans: executability of steps and of whole tasks, agreement with the expert, corrected errors.
import { InvalidArgumentError } from '@moe-rl/core';

/** Length of the longest common subsequence of two lists of actions. */
export function longestCommonSubsequence(first: readonly string[], second: readonly string[]): number {
  let row = new Array<number>(second.length + 1).fill(0);
  for (const action of first) {
    const next = [0];
    second.forEach((other, index) => {
      next.push(action === other ? row[index]! + 1 : Math.max(row[index + 1]!, next[index]!));
    });
    row = next;
  }
  return row[second.length]!;
}

/** The longest common subsequence divided by the longer list; 1 for two empty ones. */
export function planAgreement(generated: readonly string[], expert: readonly string[]): number {
  const longer = Math.max(generated.length, expert.length);
  return longer === 0 ? 1 : longestCommonSubsequence(generated, expert) / longer;
}

/**
 * The share of all steps that were executed, over all tasks together.
 * @param successFlags one list per task, with whether each step was executed
 * @throws InvalidArgumentError when there is no step at all
 */
export function stepExecutability(successFlags: readonly (readonly boolean[])[]): number {
  const flags = successFlags.flat();
  if (flags.length === 0) throw new InvalidArgumentError('successFlags has no steps; expected at least one');
  return flags.filter(Boolean).length / flags.length;
}

/**
 * The share of tasks all of whose steps were executed. A task without steps is none.
 * @throws InvalidArgumentError when there is no task
 */
export function taskExecutability(successFlags: readonly (readonly boolean[])[]): number {
  if (successFlags.length === 0) throw new InvalidArgumentError('successFlags is empty; expected at least one task');
  return successFlags.filter((flags) => flags.length > 0 && flags.every(Boolean)).length / successFlags.length;
}

/** The share of errors that were corrected; null where there was no error. */
export function correctedShare(errors: number, corrected: number): number | null {
  return errors === 0 ? null : corrected / errors;
}
