// How an action is chosen: plainly, or speculatively (E2CL): the model foresees the answer to its own proposal, and corrects a proposal that it expects to fail.
import { saysError } from '../household/feedback.ts';
import { END } from '../household/parse.ts';
import type { Roles, Situation } from './roles.ts';

export const INFERENCES = ['plain', 'speculative'] as const;
export type Inference = (typeof INFERENCES)[number];

/** The next actions by the planning role alone. One model call each. */
export const plainActions = (roles: Roles, situations: readonly Situation[]): Promise<readonly string[]> =>
  roles.plan(situations);

/**
 * The next actions by speculative inference: propose; foresee the feedback; where it says "Error", propose a correction and foresee its feedback; take the
 * correction where that says no error, else keep the proposal. At most four model calls each. END is taken as it is.
 */
export async function speculativeActions(roles: Roles, situations: readonly Situation[]): Promise<readonly string[]> {
  const chosen = [...(await roles.plan(situations))];
  const open = chosen.flatMap((action, index) => (action === END ? [] : [index]));
  const asked = open.map((index) => ({ ...situations[index]!, action: chosen[index]! }));
  const foreseen = asked.length === 0 ? [] : await roles.judge(asked);
  const doubted = open
    .map((index, at) => ({ index, judgement: asked[at]!, feedback: foreseen[at]! }))
    .filter(({ feedback }) => saysError(feedback));
  if (doubted.length === 0) return chosen;
  const corrected = await roles.correct(doubted.map(({ judgement, feedback }) => ({ ...judgement, feedback })));
  const second = await roles.judge(doubted.map(({ judgement }, at) => ({ ...judgement, action: corrected[at]! })));
  doubted.forEach(({ index }, at) => {
    if (!saysError(second[at]!)) chosen[index] = corrected[at]!;
  });
  return chosen;
}

/** The function of an inference. */
export const chooseActions = (inference: Inference): typeof plainActions =>
  inference === 'plain' ? plainActions : speculativeActions;
