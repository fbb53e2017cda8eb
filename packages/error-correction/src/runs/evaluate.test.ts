// What an evaluation refuses by name before a model is asked.
import { expect, test } from 'vitest';
import { END } from '../household/parse.ts';
import type { Roles } from '../learning/roles.ts';
import { type EvaluationOptions, evaluateRoles, heldOutProblems, summarizeEpisodes } from './evaluate.ts';

const never = async (): Promise<never> => {
  throw new Error('was asked');
};
const roles: Roles = { plan: never, judge: never, correct: never };

test.each([
  [{ tasks: ['wash moon'] }, 'task "wash moon" is in none of the splits arrangements, tasks'],
  [{ splits: ['tasks'], tasks: ['wash plate', 'wash cup'] }, 'task "wash cup" is in none of the splits tasks'],
  [{ tasks: [] }, 'tasks is empty'],
  [{ inferences: ['plan'] }, 'inferences is "plan"; expected one of plain, speculative'],
  [{ splits: ['task'] }, 'split is "task"'],
  [{ arrangements: 0 }, 'arrangements is 0'],
  [{ arrangement: 1 }, 'an evaluation has no option "arrangement"'],
])('%j is refused', async (options, message) => {
  await expect(evaluateRoles(roles, options as unknown as EvaluationOptions)).rejects.toThrow(message);
});

test('no problems and no episodes are refused too', () => {
  expect(() => heldOutProblems('tasks', Number.NaN)).toThrow('arrangements is NaN');
  expect(() => summarizeEpisodes([])).toThrow('there are no episodes');
});

test('END before the task is finished is an error, corrected where another action is taken', async () => {
  const isSeated = (observation: readonly string[]): boolean =>
    observation.some((line) => /^(sitting|lying)/.test(line));
  const hasty: Roles = {
    plan: async (all) =>
      all.map(({ history, observation }) => {
        if (history.length > 0) return END;
        return isSeated(observation) ? 'stand up' : 'walk to kitchen';
      }),
    judge: async (all) =>
      all.map(({ action, history }) => (action === END && history.length < 3 ? 'Error, task is not finished' : 'True')),
    correct: async (all) => all.map(() => 'walk to kitchen'),
  };
  const { results } = await evaluateRoles(hasty, { arrangements: 1, tasks: ['wash cup'] });
  expect(results.map(({ inference, errors, corrected }) => [inference, errors, corrected])).toEqual([
    ['plain', 1, 0],
    // END is doubted twice, and taken the third time.
    ['speculative', 3, 2],
  ]);
});
