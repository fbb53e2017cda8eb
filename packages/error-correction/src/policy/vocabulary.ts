// Words to numbers and back. A prompt is a list of lines; the network reads it as a table of words, one row per line. The order of lines says nothing: each
// names what it is about.
import { InvalidArgumentError } from '@moe-rl/core';
import { OBJECT_NAMES } from '../household/catalog.ts';
import { saysError } from '../household/feedback.ts';
import { OBSERVATION_WORDS } from '../household/observation.ts';
import { ACTION_WORDS, END } from '../household/parse.ts';
import type { Example } from '../learning/examples.ts';
import type { Correction, Judgement, Situation } from '../learning/roles.ts';

/** Lines of a prompt, words of a line, words of a reply with the one that ends it. */
export const PROMPT_LINES = 28;
export const LINE_WORDS = 8;
export const REPLY_WORDS = 8;
/** Past actions that a prompt shows at most. */
const HISTORY_LINES = 6;

const SPECIAL_WORDS = ['<none>', '<unknown>', '<start>', '<end>'] as const;
const PROMPT_WORDS = ['plan', 'judge', 'correct', 'task', 'try', 'did', '1', '2', '3', '4', '5', '6', 'and', 'heat'];
const FEEDBACK_WORDS = [
  ...['error', 'true', 'finished', 'end', 'there', 'is', 'no', 'action', 'say', 'not', 'needs', 'one', 'two', 'or'],
  ...['object', 'objects', 'you', 'are', 'do', 'your', 'hands', 'full', 'near', 'this', 'to', 'be', 'seen', 'can'],
  ...['nothing', 'goes', 'instead', 'empty', 'standing', 'grabbed', 'opened', 'switched', 'sat', 'lain', 'drunk'],
  ...['eaten', 'watched', 'an'],
];

/** All words, in the order of their numbers. A run's folder keeps the list's sum with the policy, which is refused with another list. */
export const VOCABULARY: readonly string[] = [
  ...new Set<string>([
    ...[...SPECIAL_WORDS, ...OBJECT_NAMES, ...PROMPT_WORDS],
    ...[...ACTION_WORDS, ...OBSERVATION_WORDS, ...FEEDBACK_WORDS],
  ]),
];
/** Names of rooms, furniture and items: words of their own from this number on. */
export const FIRST_NAME = SPECIAL_WORDS.length;
export const NAMES = OBJECT_NAMES.length;
export const NONE = 0;
export const UNKNOWN = 1;
export const START = 2;
export const STOP = 3;

const numbers = new Map(VOCABULARY.map((word, index) => [word, index]));

const wordsOf = (text: string): readonly string[] =>
  text
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter(Boolean);

const numberOf = (word: string): number => numbers.get(word) ?? UNKNOWN;

/** The lines of a question to a role. */
export function promptLines(role: Example['role'], question: Situation | Judgement | Correction): readonly string[] {
  const { instruction, observation, history } = question;
  const asked = [
    role,
    `task ${instruction}`,
    ...('action' in question ? [`try ${question.action}`] : []),
    ...('feedback' in question ? [question.feedback] : []),
  ];
  const recent = history.slice(-HISTORY_LINES).reverse();
  const past = recent.map((action, index) => `did ${index + 1} ${action}`);
  const lines = [...asked, ...observation, ...past];
  // The oldest actions are the first to go; what is seen never goes.
  return lines.slice(0, Math.max(PROMPT_LINES, asked.length + observation.length));
}

/**
 * Writes lines as words' numbers into `target`, [PROMPT_LINES, LINE_WORDS] from `offset` on.
 * Words beyond those that a line holds are left out: a model's own sentences may be of any length.
 * @throws InvalidArgumentError for more lines than the network reads
 */
export function writePrompt(lines: readonly string[], target: Int32Array, offset: number): void {
  if (lines.length > PROMPT_LINES) {
    throw new InvalidArgumentError(`the prompt has ${lines.length} lines; expected at most ${PROMPT_LINES}`);
  }
  target.fill(NONE, offset, offset + PROMPT_LINES * LINE_WORDS);
  lines.forEach((line, row) => {
    wordsOf(line)
      .slice(0, LINE_WORDS)
      .forEach((word, column) => {
        target[offset + row * LINE_WORDS + column] = numberOf(word);
      });
  });
}

/** Writes a reply's words and its end into `target`, [REPLY_WORDS] from `offset` on. Returns the number of words that count. */
export function writeReply(reply: string, target: Int32Array, offset: number): number {
  const words = [
    ...wordsOf(reply)
      .slice(0, REPLY_WORDS - 1)
      .map(numberOf),
    STOP,
  ];
  target.fill(NONE, offset, offset + REPLY_WORDS);
  target.set(words, offset);
  return words.length;
}

/** The text of a reply's numbers: `END`, `True`, `Task finished`, `Error, <reason>`, or an action. */
export function readReply(words: ArrayLike<number>): string {
  const all = Array.from(words);
  const stop = all.indexOf(STOP);
  const text = (stop < 0 ? all : all.slice(0, stop)).map((word) => VOCABULARY[word]!).join(' ');
  if (text === 'end') return END;
  if (saysError(text)) return text.replace(/^error ?/, 'Error, ');
  return text === 'true' || text === 'task finished' ? `${text[0]!.toUpperCase()}${text.slice(1)}` : text;
}
