// From a sentence to an action: `put apple in fridge`. What can't be read is refused with one of the kinds of feedback.
import { OBJECT_NAMES } from './catalog.ts';
import { type Feedback, rejection } from './feedback.ts';

/** The ability list: what can be done, and with how many objects. */
export const ABILITIES = {
  'walk to': 1,
  find: 1,
  grab: 1,
  'put in': 2,
  'put on': 2,
  open: 1,
  close: 1,
  'switch on': 1,
  'switch off': 1,
  wash: 1,
  fill: 1,
  wipe: 1,
  'sit on': 1,
  'lie on': 1,
  'stand up': 0,
  read: 1,
  eat: 1,
  drink: 1,
  watch: 1,
} as const satisfies Readonly<Record<string, 0 | 1 | 2>>;
export type Ability = keyof typeof ABILITIES;

export interface Action {
  readonly ability: Ability;
  readonly objects: readonly string[];
}

/** What ends an episode. */
export const END = 'END';

const COUNTS = ['no object', 'one object', 'two objects'] as const;
const ARTICLES = new Set(['the', 'a', 'an', 'it', 'my', 'your', 'some']);
/** Other ways to say the same, from the first word on; longest first. */
const SYNONYMS: readonly (readonly [RegExp, string])[] = [
  [/^(?:go|walk|move|run|come) (?:in|into|over to|to) /, 'walk to '],
  [/^(?:walk|walkto|goto) (?!to )/, 'walk to '],
  [/^(?:pick up|take|get|fetch) /, 'grab '],
  [/^(?:look for|search for|locate) /, 'find '],
  [/^(?:place|lay|set|putback|putin|puton) /, 'put '],
  [/^(?:turn on|switchon|start) /, 'switch on '],
  [/^(?:turn off|switchoff|stop) /, 'switch off '],
  [/^(?:turn|switch) (\S+) (on|off)$/, 'switch $2 $1'],
  [/^(?:shut) /, 'close '],
  [/^(?:sit) (?:down )?(?:in|on) /, 'sit on '],
  [/^(?:lie|lay) (?:down )?(?:in|on) /, 'lie on '],
  [/^(?:standup|get up)$/, 'stand up'],
  [/^(?:rinse|clean) /, 'wash '],
];

/**
 * The sentence as the household has it: lower case, no articles, numbering, brackets or punctuation, usual synonyms replaced (`2. Pick up the apple.` is
 * `grab apple`, `[PUTIN] <apple> (1) <fridge> (2)` is `put apple in fridge`). What isn't understood stays as it is.
 */
export function repairAction(text: string): string {
  const script = /^\s*(?:\d+[.):]?\s*)?\[(\w+)\]\s*(.*)$/.exec(text);
  const plain = script === null ? text : scriptSentence(script[1]!, script[2]!);
  const words = plain
    .toLowerCase()
    .replace(/^[\s>*"'`-]*(?:(?:step|action)\s*)?(?:\d+\s*[.):]\s*)?(?:(?:next )?action\s*:\s*)?/, '')
    .replace(/[^a-z0-9 ]+/g, ' ')
    .split(/\s+/)
    .filter((word) => word !== '' && !ARTICLES.has(word))
    .map((word) => (word === 'into' || word === 'inside' ? 'in' : word === 'onto' ? 'on' : word));
  let sentence = words.join(' ');
  if (sentence === 'end' || sentence === 'done' || sentence === 'task finished') return END;
  for (const [pattern, replacement] of SYNONYMS) sentence = sentence.replace(pattern, replacement);
  return sentence;
}

/** A line of VirtualHome's scripts as a sentence. */
function scriptSentence(verb: string, rest: string): string {
  const [first = '', second] = [...rest.matchAll(/<([^>]+)>/g)].map((match) => match[1]!);
  const relation = /^putin$/i.test(verb) ? 'in' : 'on';
  return second === undefined ? `${verb} ${first}` : `${verb} ${first} ${relation} ${second}`;
}

/** The sentence of an action. */
export function actionText({ ability, objects }: Action): string {
  if (ability === 'put in' || ability === 'put on') return `put ${objects[0]} ${ability.slice(4)} ${objects[1]}`;
  return [ability, ...objects].join(' ');
}

/**
 * Reads a sentence of the form that `actionText` writes.
 * @param knows whether there is an object of that name
 */
export function parseAction(text: string, knows: (name: string) => boolean): Action | Feedback {
  const words = text.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const [first, second] = words;
  if (first === undefined) return rejection('action', 'there is no action');
  if (first === 'put') return parsePut(words.slice(1), knows);
  const ability = [`${first} ${second}`, first].find((name): name is Ability => Object.hasOwn(ABILITIES, name));
  if (ability === undefined) {
    const near = Object.keys(ABILITIES).find((name) => name.startsWith(`${first} `));
    return rejection('action', near === undefined ? `there is no action ${first}` : `say ${near} not ${first}`);
  }
  const objects = words.slice(ability.split(' ').length);
  return checkObjects(ability, objects, knows);
}

function parsePut(words: readonly string[], knows: (name: string) => boolean): Action | Feedback {
  const at = words.findIndex((word) => word === 'in' || word === 'on');
  const objects = words.filter((_, index) => index !== at);
  const ability = at >= 0 && words[at] === 'in' ? 'put in' : 'put on';
  const checked = checkObjects(ability, objects, knows);
  if ('ability' in checked && at !== 1) return rejection('object', 'put needs in or on');
  return checked;
}

function checkObjects(
  ability: Ability,
  objects: readonly string[],
  knows: (name: string) => boolean,
): Action | Feedback {
  const unknown = objects.find((name) => !knows(name));
  if (unknown !== undefined) return rejection('object', `there is no ${unknown}`);
  const count = ABILITIES[ability];
  if (objects.length !== count) return rejection('arguments', `${ability} needs ${COUNTS[count]}`);
  return { ability, objects };
}

/** Words that sentences about this household are made of. */
export const ACTION_WORDS: readonly string[] = [
  ...new Set([...Object.keys(ABILITIES).flatMap((name) => name.split(' ')), ...OBJECT_NAMES]),
];
