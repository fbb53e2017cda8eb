// Arrangements: how a household is found. Drawn from a seed, so that training and held-out ones never meet.
import { InvalidArgumentError, type Rng } from '@moe-rl/core';
import { FURNITURE, furnitureOf, ITEMS, isItem, ROOMS, type Room } from './catalog.ts';
import { finished } from './checker.ts';
import type { Task } from './tasks.ts';
import type { Place, World } from './world.ts';

const DISTRACTORS = 4;
const MAX_DRAWS = 1000;
const ALMOST_ALWAYS_OFF = new Set(['stove', 'microwave', 'dishwasher', 'washer']);

/**
 * Draws a household for a task: its items and four others at their usual places, doors open or closed, some things switched on, the person in some room,
 * perhaps sitting, perhaps with something in hand. Never one in which the task is finished already.
 * @throws InvalidArgumentError for a task of one's own that needs an item that there is not, or that is finished whatever is drawn
 */
export function drawArrangement(rng: Rng, task: Task): World {
  const unknown = task.items.find((name) => !isItem(name));
  if (unknown !== undefined) {
    throw new InvalidArgumentError(
      `"${task.instruction}" needs the item ${JSON.stringify(unknown)}; expected one of ${Object.keys(ITEMS).join(', ')}`,
    );
  }
  for (let draws = 0; draws < MAX_DRAWS; draws++) {
    const world = draw(rng, task);
    if (!finished(world, task)) return world;
  }
  throw new InvalidArgumentError(
    `"${task.instruction}" is finished in each of ${MAX_DRAWS.toLocaleString('en-US')} households drawn; expected a task with something to do`,
  );
}

function draw(rng: Rng, task: Task): World {
  const pick = <T>(choices: readonly T[]): T => choices[rng.nextInteger(choices.length)]!;
  const chance = (probability: number): boolean => rng.nextFloat() < probability;
  const others = Object.keys(ITEMS).filter((name) => !task.items.includes(name));
  const distractors = Array.from({ length: DISTRACTORS }, () => others.splice(rng.nextInteger(others.length), 1)[0]!);
  const places: Record<string, Place> = {};
  for (const name of [...task.items, ...distractors]) {
    const [relation, furniture] = pick(ITEMS[name]!.places).split(' ') as ['in' | 'on', string];
    places[name] = { relation, furniture };
  }
  const held = distractors.filter(() => chance(0.2)).slice(0, 2);
  for (const name of held) delete places[name];
  const names = Object.keys(FURNITURE);
  const on = names.filter((name) => FURNITURE[name]!.isSwitchable && chance(ALMOST_ALWAYS_OFF.has(name) ? 0.05 : 0.4));
  const open = names.filter(
    (name) => FURNITURE[name]!.isOpenable && !(FURNITURE[name]!.runsClosed && on.includes(name)) && chance(0.3),
  );
  const room: Room = pick(ROOMS);
  const seats = furnitureOf(room).filter((name) => FURNITURE[name]!.isSittable);
  const seat = seats.length > 0 && chance(0.3) ? pick(seats) : null;
  const stands = furnitureOf(room).filter((name) => FURNITURE[name]!.partOf === undefined);
  return {
    room,
    at: seat ?? (chance(0.5) ? pick(stands) : null),
    posture: seat === null ? null : { kind: 'sitting', on: seat },
    held,
    places,
    open,
    on,
    itemStates: {},
    wiped: [],
    done: [],
  };
}
