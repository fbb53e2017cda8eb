// The state of a household: plain data, changed by actions only.
import { FURNITURE, isFurniture, isItem, isRoom, type Room } from './catalog.ts';

/** Where an item is. */
export interface Place {
  readonly relation: 'in' | 'on';
  readonly furniture: string;
}

export type ItemState = 'washed' | 'hot' | 'filled';

export interface World {
  room: Room;
  /** The piece of furniture that one stands at. */
  at: string | null;
  posture: { readonly kind: 'sitting' | 'lying'; readonly on: string } | null;
  /** Two at most. */
  held: readonly string[];
  /** Every item that is there and not held. */
  places: Readonly<Record<string, Place>>;
  /** Furniture with an open door. */
  open: readonly string[];
  /** Furniture that is switched on. */
  on: readonly string[];
  itemStates: Readonly<Record<string, readonly ItemState[]>>;
  /** Surfaces that were wiped. */
  wiped: readonly string[];
  /** What was done that leaves no trace: `read book on sofa`, `watch tv on sofa`, `eat apple on chair`, `drink milk`. */
  done: readonly string[];
}

/** A copy; states are replaced, never changed in place, so that the arrays may be shared. */
export const copyWorld = (world: World): World => ({ ...world });

/** Whether there is such a thing in this house. */
export function exists(world: World, name: string): boolean {
  return isRoom(name) || isFurniture(name) || (isItem(name) && (world.held.includes(name) || name in world.places));
}

/** Whether an item lies behind a closed door. */
export function isHidden(world: World, item: string): boolean {
  const place = world.places[item];
  if (place === undefined || place.relation === 'on') return false;
  return FURNITURE[place.furniture]!.isOpenable === true && !world.open.includes(place.furniture);
}

/** Whether one sees it from here: in one's hands, or in this room and not behind a closed door. Rooms are always known. */
export function isVisible(world: World, name: string): boolean {
  if (isRoom(name) || world.held.includes(name)) return true;
  if (isFurniture(name)) return FURNITURE[name]!.room === world.room;
  const place = world.places[name];
  return place !== undefined && FURNITURE[place.furniture]!.room === world.room && !isHidden(world, name);
}

/** Whether one can reach it from where one stands. */
export function isNear(world: World, name: string): boolean {
  if (world.held.includes(name)) return true;
  if (isFurniture(name)) return world.at !== null && (world.at === name || FURNITURE[name]!.partOf === world.at);
  const place = world.places[name];
  return place !== undefined && world.at === place.furniture && !isHidden(world, name);
}

/** Whether an item has a state. */
export const hasState = (world: World, item: string, state: ItemState): boolean =>
  world.itemStates[item]?.includes(state) === true;
