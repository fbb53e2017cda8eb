// How an action is chosen: plainly, or speculatively (E2CL): the model foresees the answer to its own proposal, and corrects a proposal that it expects to fail.
import { InvalidArgumentError, requireOneOf } from '@moe-rl/core';
import { saysError } from '../household/feedback.ts';
import type { Roles, Situation } from './roles.ts';

export const INFERENCES = ['plain', 'speculative'] as const;
export type Inference = (typeof INFERENCES)[number];

/**
 * The next actions by the planning role alone. One model call each.
 * @throws InvalidArgumentError when it gives other than one text for each
 */
export const plainActions = (roles: Roles, situations: readonly Situation[]): Promise<readonly string[]> =>
  ask(roles, 'plan', situations);

/**
 * The next actions by speculative inference: propose; foresee the feedback; where it says "Error", propose a correction and foresee its feedback; take the
 * correction where that says no error, else keep the proposal. At most four model calls each. END is a proposal like others: the household rejects it while
 * the task isn't finished.
 * @throws InvalidArgumentError when a role gives other than one text for each question
 */
export async function speculativeActions(roles: Roles, situations: readonly Situation[]): Promise<readonly string[]> {
  const chosen = [...(await ask(roles, 'plan', situations))];
  const asked = situations.map((situation, index) => ({ ...situation, action: chosen[index]! }));
  const foreseen = asked.length === 0 ? [] : await ask(roles, 'judge', asked);
  const doubted = asked
    .map((judgement, index) => ({ index, judgement, feedback: foreseen[index]! }))
    .filter(({ feedback }) => saysError(feedback));
  if (doubted.length === 0) return chosen;
  const corrections = doubted.map(({ judgement, feedback }) => ({ ...judgement, feedback }));
  const corrected = await ask(roles, 'correct', corrections);
  const again = doubted.map(({ judgement }, at) => ({ ...judgement, action: corrected[at]! }));
  const second = await ask(roles, 'judge', again);
  doubted.forEach(({ index }, at) => {
    if (!saysError(second[at]!)) chosen[index] = corrected[at]!;
  });
  return chosen;
}

/** The function of an inference. @throws InvalidArgumentError for another name */
export const chooseActions = (inference: Inference): typeof plainActions =>
  requireOneOf('inference', inference, INFERENCES) === 'plain' ? plainActions : speculativeActions;

/** A role's answers, one text for each question: a model may be anybody's. */
async function ask<Role extends keyof Roles>(
  roles: Roles,
  role: Role,
  questions: Parameters<Roles[Role]>[0],
): Promise<readonly string[]> {
  const answers: unknown = await roles[role](questions as never);
  if (!Array.isArray(answers)) {
    throw new InvalidArgumentError(`the role ${role} gave ${String(answers)}; expected a list of answers`);
  }
  if (answers.length !== questions.length) {
    throw new InvalidArgumentError(
      `the role ${role} gave ${answers.length} answers to ${questions.length} questions; expected one for each`,
    );
  }
  const index = answers.findIndex((answer) => typeof answer !== 'string');
  if (index >= 0) {
    throw new InvalidArgumentError(`the role ${role} answered ${String(answers[index])}; expected a text`);
  }
  return answers as readonly string[];
}
