// What has to hold for a task to be finished.
import { FURNITURE } from './catalog.ts';
import { hasState, type ItemState, type World } from './world.ts';

/** One condition on the household. */
export type Goal =
  | { readonly type: 'in' | 'on'; readonly item: string; readonly furniture: string }
  | { readonly type: 'held'; readonly item: string }
  | { readonly type: 'state'; readonly item: string; readonly state: ItemState; readonly machine?: string }
  | { readonly type: 'open' | 'closed' | 'switched-on' | 'switched-off' | 'wiped'; readonly furniture: string }
  | { readonly type: 'sitting' | 'lying'; readonly furniture: string }
  | { readonly type: 'done'; readonly what: string };

export function holds(world: World, goal: Goal): boolean {
  switch (goal.type) {
    case 'in':
    case 'on': {
      const place = world.places[goal.item];
      return place?.relation === goal.type && place.furniture === goal.furniture;
    }
    case 'held':
      return world.held.includes(goal.item);
    case 'state':
      return hasState(world, goal.item, goal.state);
    case 'open':
      return world.open.includes(goal.furniture);
    case 'closed':
      return FURNITURE[goal.furniture]!.isOpenable !== true || !world.open.includes(goal.furniture);
    case 'switched-on':
      return world.on.includes(goal.furniture);
    case 'switched-off':
      return !world.on.includes(goal.furniture);
    case 'wiped':
      return world.wiped.includes(goal.furniture);
    case 'sitting':
    case 'lying':
      return world.posture?.kind === goal.type && world.posture.on === goal.furniture;
    case 'done':
      return world.done.includes(goal.what);
  }
}
