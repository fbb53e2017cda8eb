// What the person sees and knows, in lines of words: the room, where one stands, what one holds, furniture with its state, items with their relation, and where
// the task's items were left.
import { FURNITURE, furnitureOf, ITEMS } from './catalog.ts';
import type { Task } from './tasks.ts';
import { isVisible, type World } from './world.ts';

/** The state of a household as text, for a person with a task: one fact per line, in no particular order. */
export function observe(world: World, task: Task): readonly string[] {
  const lines = [`room ${world.room}`];
  if (world.posture !== null) lines.push(`${world.posture.kind} on ${world.posture.on}`);
  else if (world.at !== null) lines.push(`at ${world.at}`);
  if (world.held.length === 0) lines.push('hands empty');
  for (const item of world.held) lines.push(['hold', item, ...(world.itemStates[item] ?? [])].join(' '));
  for (const item of task.items) {
    const place = world.places[item];
    if (place === undefined) continue;
    const room = FURNITURE[place.furniture]!.room;
    lines.push(['remember', item, place.relation, place.furniture, room, ...(world.itemStates[item] ?? [])].join(' '));
  }
  for (const name of furnitureOf(world.room)) {
    const { isOpenable, isSwitchable } = FURNITURE[name]!;
    const states = [
      ...(isOpenable ? [world.open.includes(name) ? 'open' : 'closed'] : []),
      ...(isSwitchable ? [world.on.includes(name) ? 'running' : 'off'] : []),
      ...(world.wiped.includes(name) ? ['wiped'] : []),
    ];
    if (states.length > 0) lines.push(`see ${name} ${states.join(' ')}`);
  }
  for (const [item, { relation, furniture }] of Object.entries(world.places)) {
    if (isVisible(world, item)) lines.push(`see ${item} ${relation} ${furniture}`);
  }
  return lines;
}

/** Words of these lines besides names. */
export const OBSERVATION_WORDS: readonly string[] = [
  ...['room', 'sitting', 'lying', 'on', 'in', 'at', 'hands', 'empty', 'hold', 'remember', 'see', 'open', 'closed'],
  ...['running', 'off', 'wiped', 'washed', 'hot', 'filled', 'done'],
  ...Object.keys(ITEMS),
];
