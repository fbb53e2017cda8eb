// The executability checker: whether a sentence can be carried out in a household, and if not, why not.

import { InvalidArgumentError } from '@moe-rl/core';
import { executeAction } from './execute.ts';
import { type Feedback, FINISHED, isRejection, rejection, TRUE } from './feedback.ts';
import { holds } from './goals.ts';
import { END, parseAction } from './parse.ts';
import type { Task } from './tasks.ts';
import { copyWorld, exists, type World } from './world.ts';

const UNFINISHED = rejection('precondition', 'task is not finished');

/** Whether all of a task's goals hold. */
export const finished = (world: World, task: Task): boolean => task.goals.every((goal) => holds(world, goal));

/**
 * Carries a sentence out, which changes `world`; one that is rejected leaves it as it was.
 * @param task makes an action that brings its last goal about answer `Task finished`, and so does END when all goals hold; before that END is rejected
 */
export function act(world: World, sentence: string, task?: Task): Feedback {
  if (sentence === END && task !== undefined) return finished(world, task) ? FINISHED : UNFINISHED;
  const action = parseAction(sentence, (name) => exists(world, name));
  if ('kind' in action) return action;
  const rejected = executeAction(world, action);
  if (rejected !== undefined) return rejected;
  return task !== undefined && finished(world, task) ? FINISHED : TRUE;
}

/** What `act` would answer; `world` stays as it is. */
export const tryAction = (world: World, sentence: string, task?: Task): Feedback =>
  act(copyWorld(world), sentence, task);

/** One step of a checked plan. */
export interface CheckedStep {
  readonly sentence: string;
  readonly feedback: Feedback;
}

export interface CheckedPlan {
  readonly steps: readonly CheckedStep[];
  readonly executableSteps: number;
  readonly isExecutable: boolean;
  /** Whether the task's goals hold at the end. */
  readonly isDone: boolean;
}

/** Carries a plan out in a copy of `world`, going on after rejected steps. @throws InvalidArgumentError for a plan without steps */
export function checkPlan(world: World, plan: readonly string[], task: Task): CheckedPlan {
  if (plan.length === 0) throw new InvalidArgumentError('the plan is empty; expected at least one action');
  const copy = copyWorld(world);
  const steps = plan.map((sentence) => ({ sentence, feedback: act(copy, sentence, task) }));
  const executableSteps = steps.filter(({ feedback }) => !isRejection(feedback)).length;
  return { steps, executableSteps, isExecutable: executableSteps === steps.length, isDone: finished(copy, task) };
}
