// Everything that a household says and experts do fits into the network's words, lines and replies, and comes back as it was.
import { createRng } from '@moe-rl/core';
import { expect, test } from 'vitest';
import { drawArrangement } from '../household/arrangement.ts';
import { OBJECT_NAMES } from '../household/catalog.ts';
import { act, tryAction } from '../household/checker.ts';
import { expertPlan } from '../household/expert.ts';
import { ABILITIES, type Ability, actionText, END } from '../household/parse.ts';
import { ALL_TASKS } from '../household/tasks.ts';
import { copyWorld } from '../household/world.ts';
import { situationOf } from '../learning/episodes.ts';
import {
  LINE_WORDS,
  PROMPT_LINES,
  promptLines,
  REPLY_WORDS,
  readReply,
  UNKNOWN,
  VOCABULARY,
  writePrompt,
  writeReply,
} from './vocabulary.ts';

const roundTrip = (text: string): string => {
  const words = new Int32Array(REPLY_WORDS);
  writeReply(text, words, 0);
  expect(Array.from(words), text).not.toContain(UNKNOWN);
  return readReply(words);
};

test('actions and all feedback, sense or nonsense, survive the trip through word numbers', () => {
  const rng = createRng(5);
  const pick = <T>(all: readonly T[]): T => all[rng.nextInteger(all.length)]!;
  const texts = new Set([END, 'True', 'Task finished']);
  for (const task of ALL_TASKS.filter((_, index) => index % 25 === 0)) {
    const world = drawArrangement(rng, task);
    for (const action of expertPlan(world, task)) {
      for (let i = 0; i < 6; i++) {
        const ability = pick(Object.keys(ABILITIES) as Ability[]);
        const objects = Array.from({ length: i === 5 ? rng.nextInteger(3) : ABILITIES[ability] }, () =>
          pick(OBJECT_NAMES),
        );
        const tried = i === 5 ? [ability, ...objects].join(' ') : actionText({ ability, objects });
        texts.add(tryAction(world, tried, task).text);
      }
      texts.add(action);
      act(world, action);
    }
  }
  expect(texts.size).toBeGreaterThan(300);
  for (const text of texts) expect(roundTrip(text)).toBe(text);
});

test('every prompt fits, and what is asked is never cut off; words that nobody knows are one word', () => {
  const rng = createRng(6);
  const words = new Int32Array(PROMPT_LINES * LINE_WORDS);
  const action = 'put newspaper on counter';
  for (const task of ALL_TASKS.filter((_, index) => index % 25 === 0)) {
    const world = copyWorld(drawArrangement(rng, task));
    const plan = expertPlan(world, task);
    plan.forEach((next, index) => {
      const situation = situationOf(world, task, plan.slice(0, index));
      const lines = promptLines('correct', { ...situation, action, feedback: 'Error, you do not hold newspaper' });
      expect(lines.length).toBeLessThanOrEqual(PROMPT_LINES);
      expect(lines).toEqual(
        expect.arrayContaining([`task ${task.instruction}`, `try ${action}`, ...situation.observation]),
      );
      if (index > 0) expect(lines).toContain(`did 1 ${plan[index - 1]}`);
      for (const line of lines) expect(line.split(/[\s,]+/).length, line).toBeLessThanOrEqual(LINE_WORDS);
      writePrompt(lines, words, 0);
      expect(words).not.toContain(UNKNOWN);
      act(world, next);
    });
  }
  writePrompt(['try dance'], words, 0);
  expect(Array.from(words.subarray(0, 3))).toEqual([VOCABULARY.indexOf('try'), UNKNOWN, 0]);
  expect(() => writePrompt(new Array(PROMPT_LINES + 1).fill('see'), words, 0)).toThrow(/29 lines; expected at most 28/);
});
