// The three roles in words for a language model: an instruction that names the role (E2CL distinguishes its data by it), then the situation.
import { ITEMS, ROOMS } from '../household/catalog.ts';
import { ABILITIES, type Ability, actionText } from '../household/parse.ts';
import type { Correction, Judgement, Situation } from '../learning/roles.ts';

const FORMS = (Object.keys(ABILITIES) as Ability[]).map((ability) =>
  actionText({ ability, objects: ['X', 'Y'].slice(0, ABILITIES[ability]) }),
);

const RULES = [
  'A person does tasks in a household, one short action at a time.',
  `Actions are of these forms: ${FORMS.join('; ')}. X and Y are single words.`,
  `Rooms: ${ROOMS.join(', ')}. Items such as ${Object.keys(ITEMS).slice(0, 6).join(', ')} are found by "find X" and then grabbed; one walks to rooms and furniture.`,
  'One has two hands. Opening, closing and switching need a free hand, and one has to be at the thing. What is behind a closed door is not seen.',
].join('\n');

/** What the system is told in each role. */
export const SYSTEM_PROMPTS = {
  plan: `${RULES}\nYou plan. Answer with the next action alone, on one line. Answer END when the task is done.`,
  judge: `${RULES}\nYou foresee what the household answers to an action. Answer with one line: True if it can be done now, Task finished if it also finishes the task, or Error, followed by the reason why it can not be done. The action END, which says that the task is done, is answered Task finished if it is, else Error, task is not finished.`,
  correct: `${RULES}\nYou correct an action that can not be done now. Answer with a better action alone, on one line.`,
} as const;

/** The question itself. */
export function questionText(question: Situation | Judgement | Correction): string {
  const { instruction, observation, history } = question;
  return [
    `Task: ${instruction}`,
    `Now: ${observation.join('; ')}`,
    `Done so far: ${history.length === 0 ? 'nothing' : history.join(', ')}`,
    ...('action' in question ? [`Action: ${question.action}`] : []),
    ...('feedback' in question ? [`Feedback: ${question.feedback}`] : []),
  ].join('\n');
}
