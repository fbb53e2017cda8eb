// Finds tensors that a function leaves behind: TensorFlow.js frees none on its own outside tidy().

import { memory, Tensor } from '@tensorflow/tfjs-core';
import { TensorLeakError } from './errors.ts';

export interface LeakGuardConfig {
  /** How many tensors the function may leave behind on purpose (default 0), besides those it returns. */
  readonly allowedTensors?: number;
  /** Named in the error (default "The function"). */
  readonly name?: string;
}

/**
 * Runs `fn` and returns its result; the tensors in the result are the caller's.
 * @throws TensorLeakError naming the count when other new tensors are alive afterwards. An asynchronous `fn` is awaited; nothing else may
 * make tensors meanwhile.
 */
export function withLeakGuard<Result>(fn: () => Result, config: LeakGuardConfig = {}): Result {
  const before = memory().numTensors;
  const result = fn();
  if (result instanceof Promise) {
    return result.then((value: unknown) => {
      check(before, value, config);
      return value;
    }) as Result;
  }
  check(before, result, config);
  return result;
}

function check(before: number, result: unknown, { allowedTensors = 0, name = 'The function' }: LeakGuardConfig): void {
  const returned = new Set(collect(result, new Set()));
  const left = memory().numTensors - before - returned.size;
  if (left > allowedTensors) {
    throw new TensorLeakError(
      `${name} left ${left} tensors behind (${returned.size} returned ones not counted); expected at most ${allowedTensors}. ` +
        'Wrap it in tidy() or dispose of what it makes',
      left,
    );
  }
}

/** The tensors anywhere in a result. */
function collect(value: unknown, seen: Set<unknown>): Tensor[] {
  if (value instanceof Tensor) return [value];
  if (value === null || typeof value !== 'object' || seen.has(value) || ArrayBuffer.isView(value)) return [];
  seen.add(value);
  return Object.values(value).flatMap((each) => collect(each, seen));
}
