// The household: every task can be done by the expert in drawn arrangements, and the four kinds of rejection.
import { createRng } from '@moe-rl/core';
import { expect, test } from 'vitest';
import { drawArrangement } from './arrangement.ts';
import { act, checkPlan, tryAction } from './checker.ts';
import { expertPlan } from './expert.ts';
import { observe } from './observation.ts';
import { repairAction } from './parse.ts';
import { ALL_TASKS, generateTasks, HELD_OUT_TASKS, TRAINING_TASKS, taskByInstruction } from './tasks.ts';
import type { World } from './world.ts';

const KITCHEN: World = {
  room: 'kitchen',
  at: null,
  posture: null,
  held: [],
  places: { apple: { relation: 'in', furniture: 'fridge' }, cup: { relation: 'on', furniture: 'table' } },
  open: [],
  on: [],
  itemStates: {},
  wiped: [],
  done: [],
};

/** Does actions that must succeed. */
function after(...actions: readonly string[]): World {
  const world = { ...KITCHEN };
  for (const action of actions) expect(act(world, action).text, action).toBe('True');
  return world;
}

test('the expert solves every task of every template, with executable steps only', () => {
  const rng = createRng(3);
  const tasks = process.env['MOE_RL_THOROUGH'] ? ALL_TASKS : ALL_TASKS.filter((_, index) => index % 4 === 0);
  for (const task of tasks) {
    const world = drawArrangement(rng, task);
    const before = JSON.stringify(world);
    const plan = expertPlan(world, task);
    expect(checkPlan(world, plan, task), task.instruction).toMatchObject({ isDone: true, isExecutable: true });
    expect(checkPlan(world, plan.slice(0, -1), task).isDone).toBe(false);
    expect(JSON.stringify(world)).toBe(before);
  }
});

test('an arrangement is a function of its seed, and no two of the first fifty are equal', () => {
  const task = taskByInstruction('wash cup');
  const drawn = Array.from({ length: 50 }, (_, seed) => JSON.stringify(drawArrangement(createRng(seed), task)));
  expect(new Set(drawn).size).toBe(50);
  expect(JSON.stringify(drawArrangement(createRng(7), task))).toBe(drawn[7]);
});

test('held-out tasks are never generated or trained on, and their words occur in tasks that are', () => {
  const heldOut = new Set(HELD_OUT_TASKS.map(({ instruction }) => instruction));
  expect(TRAINING_TASKS.length).toBeGreaterThanOrEqual(30);
  expect(TRAINING_TASKS.some(({ instruction }) => heldOut.has(instruction))).toBe(false);
  const generated = generateTasks(createRng(1), 400, TRAINING_TASKS);
  const all = [...TRAINING_TASKS, ...generated].map(({ instruction }) => instruction);
  expect(new Set(all).size).toBe(all.length);
  expect(all.some((instruction) => heldOut.has(instruction))).toBe(false);
  const known = new Set(TRAINING_TASKS.flatMap(({ instruction }) => instruction.split(' ')));
  const words = HELD_OUT_TASKS.flatMap(({ instruction }) => instruction.split(' '));
  expect(words.filter((word) => !known.has(word))).toEqual(['computer']);
  expect(() => generateTasks(createRng(1), 5000)).toThrow(/count is 5000; expected at most/);
});

test.each([
  ['grab unicorn', 'object', 'Error, there is no unicorn'],
  ['grab soup', 'object', 'Error, there is no soup'],
  ['put cup table', 'object', 'Error, put needs in or on'],
  ['fly to kitchen', 'action', 'Error, there is no action fly'],
  ['walk kitchen', 'action', 'Error, say walk to not walk'],
  ['', 'action', 'Error, there is no action'],
  ['grab', 'arguments', 'Error, grab needs one object'],
  ['put cup', 'arguments', 'Error, put on needs two objects'],
  ['stand up cup', 'arguments', 'Error, stand up needs no object'],
  ['grab apple', 'precondition', 'Error, no apple to be seen'],
  ['open fridge', 'precondition', 'Error, you are not near fridge'],
  ['walk to tv', 'precondition', 'Error, no tv in this room'],
  ['grab fridge', 'precondition', 'Error, fridge can not be grabbed'],
  ['stand up', 'precondition', 'Error, you are standing'],
  ['walk to cup', 'precondition', 'Error, find cup instead'],
] as const)('%s is rejected as %s', (action, kind, text) => {
  const world = { ...KITCHEN };
  expect(act(world, action)).toEqual({ kind, text });
  expect(world).toEqual(KITCHEN);
});

test.each([
  [['walk to fridge'], 'close fridge', 'fridge is closed'],
  [['walk to fridge', 'open fridge'], 'open fridge', 'fridge is open'],
  [['find cup', 'grab cup', 'walk to fridge'], 'put cup in fridge', 'fridge is closed'],
  [['find cup', 'grab cup'], 'put cup in table', 'nothing goes in table'],
  [['find cup'], 'put cup on table', 'you do not hold cup'],
  [['find cup', 'grab cup', 'walk to sink'], 'wash cup', 'faucet is off'],
  [['find cup', 'grab cup'], 'drink cup', 'cup is empty'],
  [['walk to microwave', 'open microwave'], 'switch on microwave', 'microwave is open'],
  [['walk to microwave', 'switch on microwave'], 'open microwave', 'microwave is on'],
  [['walk to chair', 'sit on chair'], 'walk to table', 'you are sitting'],
  [
    ['walk to fridge', 'open fridge', 'grab apple', 'find cup', 'grab cup', 'walk to cupboard'],
    'open cupboard',
    'your hands are full',
  ],
] as const)('after %j, %s: %s', (done, action, reason) => {
  expect(tryAction(after(...done), action)).toEqual({ kind: 'precondition', text: `Error, ${reason}` });
});

test('the action that brings the last goal about answers "Task finished"', () => {
  const task = taskByInstruction('put apple on table');
  const world = after('walk to fridge', 'open fridge', 'grab apple', 'walk to table');
  expect(tryAction(world, 'put apple on table')).toMatchObject({ text: 'True' });
  expect(act(world, 'put apple on table', task)).toEqual({ kind: 'finished', text: 'Task finished' });
});

test('END is rejected until the task is finished; the household knows no END without a task', () => {
  const task = taskByInstruction('put apple on table');
  const world = after('walk to fridge', 'open fridge', 'grab apple', 'walk to table');
  const before = JSON.stringify(world);
  expect(act(world, 'END', task)).toEqual({ kind: 'precondition', text: 'Error, task is not finished' });
  expect(JSON.stringify(world)).toBe(before);
  expect(act(world, 'END')).toEqual({ kind: 'action', text: 'Error, there is no action end' });
  const plan = ['put apple on table', 'END'];
  expect(checkPlan(world, plan, task).steps.map(({ feedback }) => feedback.text)).toEqual([
    'Task finished',
    'Task finished',
  ]);
});

test('what lies behind a door is not seen before it is opened, but a task remembers its own items', () => {
  const task = taskByInstruction('put apple on table');
  expect(observe(KITCHEN, task)).not.toContain('see apple in fridge');
  expect(observe(KITCHEN, task)).toContain('remember apple in fridge kitchen');
  expect(observe(after('walk to fridge', 'open fridge'), task)).toContain('see apple in fridge');
});

test('an unknown task is refused with near ones', () => {
  expect(() => taskByInstruction('wash cups')).toThrow(/task "wash cups" is unknown.*did you mean wash cup/);
});

test.each([
  ['2. Pick up the apple.', 'grab apple'],
  ['[PUTIN] <apple> (1) <fridge> (2)', 'put apple in fridge'],
  ['Turn the faucet off', 'switch off faucet'],
  ['- Go to the kitchen', 'walk to kitchen'],
  ['Place the cup onto the table', 'put cup on table'],
  ['Action: END', 'END'],
  ['dance with the tv', 'dance with tv'],
])('%s is repaired to %s', (text, sentence) => expect(repairAction(text)).toBe(sentence));

test('an empty plan, a household without what the task needs, and a task that is always finished are refused by name', () => {
  const task = taskByInstruction('wash plate');
  expect(() => checkPlan(KITCHEN, [], task)).toThrow('the plan is empty; expected at least one action');
  expect(() => expertPlan(KITCHEN, task)).toThrow('there is no plate in this household, which "wash plate" needs');
  expect(() => drawArrangement(createRng(1), { ...task, goals: [] })).toThrow(
    /"wash plate" is finished in each of 1,000/,
  );
  const own = { ...task, items: ['unicorn'] };
  expect(() => drawArrangement(createRng(1), own)).toThrow(
    '"wash plate" needs the item "unicorn"; expected one of apple',
  );
});
