// The expert: the next action for a task from any state of the household, by what is still missing. Its rollouts are the expert plans.
import { InvalidArgumentError } from '@moe-rl/core';
import { FURNITURE, PUT_DOWN_AT, type Room } from './catalog.ts';
import { act, finished } from './checker.ts';
import { isRejection } from './feedback.ts';
import { type Goal, holds } from './goals.ts';
import { END } from './parse.ts';
import type { Task } from './tasks.ts';
import { copyWorld, exists, isHidden, isNear, type World } from './world.ts';

/**
 * The next action towards the goals of a task, or END when they hold.
 * @throws InvalidArgumentError when an item of the task is not in the household
 */
export function expertAction(world: World, task: Task): string {
  if (finished(world, task)) return END;
  const missing = task.items.find((item) => !exists(world, item));
  if (missing !== undefined) {
    throw new InvalidArgumentError(`there is no ${missing} in this household, which "${task.instruction}" needs`);
  }
  const items = new Set(task.items);
  const step = task.steps.find((one) => !holds(world, one));
  return step === undefined ? END : (achieve(world, step, items) ?? END);
}

/**
 * The expert's actions from `world` to the end of a task; `world` stays as it is.
 * @throws InvalidArgumentError when an item of the task is not in the household; Error when the expert can't do it, which is a fault of ours
 */
export function expertPlan(world: World, task: Task): readonly string[] {
  const copy = copyWorld(world);
  const plan: string[] = [];
  while (plan.length < 60) {
    const action = expertAction(copy, task);
    if (action === END) {
      if (!finished(copy, task)) break;
      return plan;
    }
    const feedback = act(copy, action);
    if (isRejection(feedback)) throw new Error(`expert of "${task.instruction}": "${action}" gives ${feedback.text}`);
    plan.push(action);
  }
  throw new Error(`expert of "${task.instruction}" is lost after ${plan.join(', ')}`);
}

type Wanted = ReadonlySet<string>;

/** The next action towards one goal; undefined when it holds. */
function achieve(world: World, goal: Goal, wanted: Wanted): string | undefined {
  if (holds(world, goal)) return undefined;
  switch (goal.type) {
    case 'held':
      return obtain(world, goal.item, wanted);
    case 'in':
    case 'on':
      return place(world, goal.item, goal.type, goal.furniture, wanted);
    case 'state':
      return changeState(world, goal, wanted);
    case 'open':
      return openDoor(world, goal.furniture, wanted);
    case 'closed':
      return approachWithHand(world, goal.furniture, wanted) ?? `close ${goal.furniture}`;
    case 'switched-on':
      return switchOn(world, goal.furniture, wanted);
    case 'switched-off':
      return approachWithHand(world, goal.furniture, wanted) ?? `switch off ${goal.furniture}`;
    case 'wiped':
      return obtain(world, 'rag', wanted) ?? approach(world, goal.furniture) ?? `wipe ${goal.furniture}`;
    case 'sitting':
    case 'lying':
      return approach(world, goal.furniture) ?? `${goal.type === 'sitting' ? 'sit' : 'lie'} on ${goal.furniture}`;
    case 'done':
      return goal.what.replace(/ on \S+$/, '');
  }
}

const standUp = (world: World): string | undefined => (world.posture === null ? undefined : 'stand up');

function enter(world: World, room: Room): string | undefined {
  return standUp(world) ?? (world.room === room ? undefined : `walk to ${room}`);
}

function approach(world: World, furniture: string): string | undefined {
  const { room, partOf } = FURNITURE[furniture]!;
  return enter(world, room) ?? (isNear(world, furniture) ? undefined : `walk to ${partOf ?? furniture}`);
}

/** Puts something down when both hands are full, what isn't wanted first. */
function freeHand(world: World, wanted: Wanted, keep = ''): string | undefined {
  if (world.held.length < 2) return undefined;
  const others = world.held.filter((item) => item !== keep);
  const item = others.find((one) => !wanted.has(one)) ?? others[0]!;
  const at = world.at !== null && FURNITURE[world.at]!.isSurface ? world.at : PUT_DOWN_AT[world.room];
  return approach(world, at) ?? `put ${item} on ${at}`;
}

function obtain(world: World, item: string, wanted: Wanted): string | undefined {
  if (world.held.includes(item)) return undefined;
  const { furniture } = world.places[item]!;
  const ready = standUp(world) ?? freeHand(world, wanted) ?? enter(world, FURNITURE[furniture]!.room);
  if (ready !== undefined) return ready;
  if (isHidden(world, item)) return openDoor(world, furniture, wanted);
  return isNear(world, item) ? `grab ${item}` : `find ${item}`;
}

function openDoor(world: World, furniture: string, wanted: Wanted, keep = ''): string | undefined {
  if (world.open.includes(furniture)) return undefined;
  const ready = approachWithHand(world, furniture, wanted, keep);
  if (ready !== undefined) return ready;
  return FURNITURE[furniture]!.runsClosed && world.on.includes(furniture)
    ? `switch off ${furniture}`
    : `open ${furniture}`;
}

/** A free hand first, since one puts things down elsewhere. */
function approachWithHand(world: World, furniture: string, wanted: Wanted, keep = ''): string | undefined {
  return standUp(world) ?? freeHand(world, wanted, keep) ?? approach(world, furniture);
}

function place(
  world: World,
  item: string,
  relation: 'in' | 'on',
  furniture: string,
  wanted: Wanted,
): string | undefined {
  const missing = obtain(world, item, wanted);
  if (missing !== undefined) return missing;
  const needsDoor = relation === 'in' && FURNITURE[furniture]!.isOpenable === true;
  const closed = needsDoor ? openDoor(world, furniture, wanted, item) : undefined;
  return closed ?? approach(world, furniture) ?? `put ${item} ${relation} ${furniture}`;
}

function switchOn(world: World, furniture: string, wanted: Wanted): string {
  const ready = approachWithHand(world, furniture, wanted);
  if (ready !== undefined) return ready;
  const { runsClosed } = FURNITURE[furniture]!;
  return runsClosed && world.open.includes(furniture) ? `close ${furniture}` : `switch on ${furniture}`;
}

function changeState(world: World, goal: Extract<Goal, { type: 'state' }>, wanted: Wanted): string | undefined {
  const { item, state, machine } = goal;
  if (machine !== undefined) {
    const relation = FURNITURE[machine]!.isContainer ? 'in' : 'on';
    const standing = world.places[item];
    const isThere = standing?.furniture === machine && standing.relation === relation;
    if (!isThere) return place(world, item, relation, machine, wanted);
    return switchOn(world, machine, wanted);
  }
  const missing = obtain(world, item, wanted) ?? approachWithHandKeeping(world, item, wanted);
  if (missing !== undefined) return missing;
  if (!world.on.includes('faucet')) return 'switch on faucet';
  return `${state === 'filled' ? 'fill' : 'wash'} ${item}`;
}

function approachWithHandKeeping(world: World, item: string, wanted: Wanted): string | undefined {
  const needsHand = !world.on.includes('faucet');
  return (needsHand ? freeHand(world, wanted, item) : undefined) ?? approach(world, 'sink');
}
