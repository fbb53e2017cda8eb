// Tasks: an instruction in words, the goals that it stands for, and the order in which an expert goes about them. Templates make them; a list of named ones,
// of which some are never trained on, is what experiments use.
import { didYouMean, InvalidArgumentError, NotFoundError, type Rng, requireInteger } from '@moe-rl/core';
import { FURNITURE, ITEMS } from './catalog.ts';
import type { Goal } from './goals.ts';

export interface Task {
  /** `wash cup and put in cupboard`: seven words at most. */
  readonly instruction: string;
  readonly template: string;
  /** All have to hold at the end. */
  readonly goals: readonly Goal[];
  /** What the expert brings about, in this order; a later step may undo what only helped. */
  readonly steps: readonly Goal[];
  /** Items that have to be in the house. */
  readonly items: readonly string[];
}

type Slots = readonly string[];

interface Template {
  /** With `{0}`, `{1}` ... for what is filled in. */
  readonly text: string;
  readonly slots: readonly Slots[];
  /** Whether these go together. */
  fits?(...words: readonly string[]): boolean;
  goals(...words: readonly string[]): readonly Goal[];
  /** Where the expert needs more than the goals in their order. */
  steps?(...words: readonly string[]): readonly Goal[];
}

const itemsThat = (test: (item: (typeof ITEMS)[string]) => unknown): Slots =>
  Object.keys(ITEMS).filter((name) => test(ITEMS[name]!));
const furnitureThat = (test: (piece: (typeof FURNITURE)[string], name: string) => unknown): Slots =>
  Object.keys(FURNITURE).filter((name) => test(FURNITURE[name]!, name));

const ALL_ITEMS = Object.keys(ITEMS).filter((name) => name !== 'rag');
const DISHES = itemsThat(({ isDish }) => isDish);
const SURFACES = furnitureThat(({ isSurface }, name) => isSurface && name !== 'stove');
const CONTAINERS = furnitureThat(({ isContainer, runsClosed }, name) => isContainer && !runsClosed && name !== 'sink');
const SEATS = furnitureThat(({ isSittable }) => isSittable);
const LIGHTS = ['lamp', 'computer', 'tv', 'radio', 'stove'];

const on = (item: string, furniture: string): Goal => ({ type: 'on', item, furniture });
const within = (item: string, furniture: string): readonly Goal[] => [
  { type: 'in', item, furniture },
  { type: 'closed', furniture },
];
const state = (item: string, name: 'washed' | 'hot' | 'filled', machine?: string): Goal =>
  machine === undefined ? { type: 'state', item, state: name } : { type: 'state', item, state: name, machine };
const off = (furniture: string): Goal => ({ type: 'switched-off', furniture });
const held = (item: string): Goal => ({ type: 'held', item });
const sitting = (furniture: string): Goal => ({ type: 'sitting', furniture });
const done = (what: string): Goal => ({ type: 'done', what });
const heater = (item: string): string => ITEMS[item]!.heatedBy!;

const TEMPLATES: readonly Template[] = [
  { text: 'put {0} on {1}', slots: [ALL_ITEMS, SURFACES], goals: (item, place) => [on(item!, place!)] },
  { text: 'put {0} in {1}', slots: [ALL_ITEMS, CONTAINERS], goals: (item, place) => within(item!, place!) },
  {
    text: 'put {0} and {1} on {2}',
    slots: [ALL_ITEMS, ALL_ITEMS, SURFACES],
    fits: (first, second) => first! < second!,
    goals: (first, second, place) => [on(first!, place!), on(second!, place!)],
  },
  { text: 'wash {0}', slots: [[...DISHES, 'apple']], goals: (item) => [state(item!, 'washed'), off('faucet')] },
  {
    text: 'wash {0} and put on {1}',
    slots: [
      [...DISHES, 'apple'],
      ['counter', 'table', 'stand', 'desk'],
    ],
    goals: (item, place) => [state(item!, 'washed'), off('faucet'), on(item!, place!)],
  },
  {
    text: 'wash {0} and put in {1}',
    slots: [
      [...DISHES, 'apple'],
      ['cupboard', 'fridge', 'chest'],
    ],
    goals: (item, place) => [state(item!, 'washed'), off('faucet'), ...within(item!, place!)],
  },
  {
    text: 'wash {0} in dishwasher',
    slots: [DISHES],
    goals: (item) => [...within(item!, 'dishwasher'), state(item!, 'washed', 'dishwasher')],
  },
  {
    text: 'wash {0} in washer',
    slots: [itemsThat(({ isCloth }) => isCloth)],
    goals: (item) => [...within(item!, 'washer'), state(item!, 'washed', 'washer')],
  },
  {
    text: 'heat {0}',
    slots: [itemsThat(({ heatedBy }) => heatedBy)],
    goals: (item) => [state(item!, 'hot', heater(item!))],
  },
  {
    text: 'heat {0} and put on {1}',
    slots: [itemsThat(({ heatedBy }) => heatedBy), ['counter', 'table', 'stand', 'desk']],
    goals: (item, place) => [state(item!, 'hot', heater(item!)), off(heater(item!)), on(item!, place!)],
  },
  {
    text: 'fill {0} and put on {1}',
    slots: [itemsThat(({ isFillable }) => isFillable), ['counter', 'table', 'stove', 'stand', 'desk']],
    goals: (item, place) => [state(item!, 'filled'), off('faucet'), on(item!, place!)],
  },
  {
    text: 'read {0} on {1}',
    slots: [itemsThat(({ isReadable }) => isReadable), SEATS],
    goals: (item, seat) => [done(`read ${item} on ${seat}`)],
    steps: (item, seat) => [held(item!), sitting(seat!), done(`read ${item} on ${seat}`)],
  },
  {
    text: 'eat {0} on {1}',
    slots: [itemsThat(({ isEdible }) => isEdible), SEATS],
    goals: (item, seat) => [done(`eat ${item} on ${seat}`)],
    steps: (item, seat) => [held(item!), sitting(seat!), done(`eat ${item} on ${seat}`)],
  },
  {
    text: 'drink milk on {0}',
    slots: [SEATS],
    goals: (seat) => [done(`drink milk on ${seat}`)],
    steps: (seat) => [held('milk'), sitting(seat!), done(`drink milk on ${seat}`)],
  },
  {
    text: 'watch tv on {0}',
    slots: [['sofa']],
    goals: (seat) => [done(`watch tv on ${seat}`)],
    steps: (seat) => [{ type: 'switched-on', furniture: 'tv' }, sitting(seat!), done(`watch tv on ${seat}`)],
  },
  { text: 'switch on {0}', slots: [LIGHTS], goals: (piece) => [{ type: 'switched-on', furniture: piece! }] },
  { text: 'switch off {0}', slots: [LIGHTS], goals: (piece) => [off(piece!)] },
  {
    text: 'switch off {0} and lie on bed',
    slots: [LIGHTS],
    goals: (piece) => [off(piece!), { type: 'lying', furniture: 'bed' }],
  },
  {
    text: 'wipe {0}',
    slots: [SURFACES.filter((name) => name !== 'bed' && name !== 'sofa')],
    goals: (place) => [{ type: 'wiped', furniture: place! }],
  },
];

/** All tasks that the templates make. */
export const ALL_TASKS: readonly Task[] = TEMPLATES.flatMap((template) =>
  combinations(template.slots)
    .filter((words) => new Set(words).size === words.length && (template.fits?.(...words) ?? true))
    .map((words) => makeTask(template, words)),
);

const byInstruction = new Map(ALL_TASKS.map((task) => [task.instruction, task]));

/**
 * The task of an instruction.
 * @throws NotFoundError for one that no template makes, with near ones
 */
export function taskByInstruction(instruction: string): Task {
  const wanted = instruction.trim().toLowerCase().replace(/\s+/g, ' ');
  const task = byInstruction.get(wanted);
  if (task !== undefined) return task;
  throw new NotFoundError(
    `task ${JSON.stringify(instruction)} is unknown; expected one of ${ALL_TASKS.length}, such as "wash cup and put in cupboard"${didYouMean(wanted, byInstruction.keys())}`,
  );
}

/** Tasks that nothing is ever trained on: what `unseen tasks` means. Their words all occur in others. */
export const HELD_OUT_TASKS: readonly Task[] = [
  ...['put milk in fridge', 'put soap in basket', 'put letter in chest', 'put towel on shelf', 'put toy on desk'],
  ...['put newspaper on stand', 'put book and phone on desk', 'put apple and cup on table', 'wash plate'],
  ...['wash cup and put in cupboard', 'wash spoon and put on table', 'wash pot in dishwasher', 'wash sock in washer'],
  ...['heat soup', 'heat milk and put on table', 'heat pot', 'fill cup and put on desk', 'read newspaper on sofa'],
  ...['read book on bed', 'eat bread on chair', 'drink milk on bed', 'switch on radio', 'switch off computer'],
  ...['switch off tv and lie on bed', 'wipe table'],
].map(taskByInstruction);

/** The named tasks that come with expert plans and are trained on first. */
export const TRAINING_TASKS: readonly Task[] = [
  ...['put apple on table', 'put cup in cupboard', 'put shirt in wardrobe', 'put book on stand', 'put phone on desk'],
  ...['put toy in chest', 'put towel in cabinet', 'put soap on shelf', 'put letter in drawer', 'put milk on counter'],
  ...[
    'put bread in cupboard',
    'put apple in fridge',
    'put sock in basket',
    'put newspaper on sofa',
    'put pot on counter',
  ],
  ...['put plate and spoon on table', 'put book and letter on desk', 'put milk and plate on counter', 'wash cup'],
  ...[
    'wash apple',
    'wash pot',
    'wash plate and put in cupboard',
    'wash cup and put on table',
    'wash apple and put in fridge',
  ],
  ...['wash spoon and put on counter', 'wash cup in dishwasher', 'wash plate in dishwasher', 'wash shirt in washer'],
  ...['wash towel in washer', 'heat milk', 'heat bread', 'heat soup and put on table', 'heat pot and put on counter'],
  ...['fill cup and put on table', 'fill pot and put on stove', 'read book on sofa', 'read letter on chair'],
  ...['eat apple on chair', 'eat soup on sofa', 'drink milk on sofa', 'watch tv on sofa', 'switch on lamp'],
  ...[
    'switch on tv',
    'switch off radio',
    'switch off lamp',
    'switch off lamp and lie on bed',
    'wipe counter',
    'wipe desk',
  ],
].map(taskByInstruction);

/**
 * Draws further tasks, none of them held out or among `except`.
 * @throws InvalidArgumentError when there aren't so many
 */
export function generateTasks(rng: Rng, count: number, except: readonly Task[] = []): readonly Task[] {
  const taken = new Set([...HELD_OUT_TASKS, ...except].map(({ instruction }) => instruction));
  const free = ALL_TASKS.filter(({ instruction }) => !taken.has(instruction));
  requireInteger('count', count, 0);
  if (count > free.length) {
    throw new InvalidArgumentError(`count is ${count}; expected at most ${free.length}, the tasks that are left`);
  }
  // By template first, so that those with few tasks aren't lost among those with hundreds.
  const byTemplate = new Map<string, Task[]>();
  for (const task of free) byTemplate.set(task.template, [...(byTemplate.get(task.template) ?? []), task]);
  const groups = [...byTemplate.values()];
  const drawn: Task[] = [];
  while (drawn.length < count) {
    const open = groups.filter((group) => group.length > 0);
    const group = open[rng.nextInteger(open.length)]!;
    drawn.push(...group.splice(rng.nextInteger(group.length), 1));
  }
  return drawn;
}

function makeTask({ text, goals, steps }: Template, words: readonly string[]): Task {
  const ends = goals(...words);
  return {
    instruction: text.replace(/\{(\d)\}/g, (_, index: string) => words[Number(index)]!),
    template: text,
    goals: ends,
    steps: steps?.(...words) ?? ends,
    items: [
      ...new Set([
        ...words.filter((word) => Object.hasOwn(ITEMS, word)),
        ...(text.startsWith('wipe') ? ['rag'] : []),
        ...(text.startsWith('drink milk') ? ['milk'] : []),
      ]),
    ],
  };
}

function combinations(slots: readonly Slots[]): readonly (readonly string[])[] {
  return slots.reduce<readonly (readonly string[])[]>(
    (rows, words) => rows.flatMap((row) => words.map((word) => [...row, word])),
    [[]],
  );
}
