// Preconditions and effects of every ability. The first precondition that doesn't hold is the reason of the rejection.
import { FURNITURE, type Furniture, ITEMS, type Item, isFurniture, isItem, isRoom } from './catalog.ts';
import { type Feedback, rejection } from './feedback.ts';
import type { Ability, Action } from './parse.ts';
import { hasState, type ItemState, isNear, isVisible, type World } from './world.ts';

/** A precondition: its reason when it doesn't hold. */
type Check = string | false | undefined;
type Rule = (world: World, first: string, second: string) => { readonly checks: readonly Check[]; apply(): void };

const furniture = (name: string): Furniture | undefined => (isFurniture(name) ? FURNITURE[name] : undefined);
const item = (name: string): Item | undefined => (isItem(name) ? ITEMS[name] : undefined);
const without = (names: readonly string[], name: string): readonly string[] => names.filter((one) => one !== name);
const withName = (names: readonly string[], name: string): readonly string[] => [...without(names, name), name];

const isStanding = (world: World): Check => world.posture !== null && `you are ${world.posture.kind}`;
const sees = (world: World, name: string): Check =>
  !isVisible(world, name) && (isFurniture(name) ? `no ${name} in this room` : `no ${name} to be seen`);
const near = (world: World, name: string): Check =>
  sees(world, name) || (!isNear(world, name) && `you are not near ${name}`);
const holds = (world: World, name: string): Check => !world.held.includes(name) && `you do not hold ${name}`;
const freeHand = (world: World): Check => world.held.length >= 2 && 'your hands are full';
const isOn = (world: World, name: string): boolean => world.on.includes(name);
const isOpen = (world: World, name: string): boolean => world.open.includes(name);
const not = (able: unknown, name: string, done: string): Check => !able && `${name} can not be ${done}`;

const RULES: Readonly<Record<Ability, Rule>> = {
  'walk to': (world, target) => ({
    checks: [isStanding(world), isItem(target) && `find ${target} instead`, sees(world, target)],
    apply() {
      if (isRoom(target)) {
        if (target !== world.room) world.at = null;
        world.room = target;
      } else world.at = FURNITURE[target]!.partOf ?? target;
    },
  }),
  find: (world, target) => ({
    checks: [isStanding(world), !isItem(target) && `walk to ${target} instead`, sees(world, target)],
    apply() {
      if (!world.held.includes(target)) world.at = world.places[target]!.furniture;
    },
  }),
  grab: (world, target) => ({
    checks: [
      isStanding(world),
      not(isItem(target), target, 'grabbed'),
      world.held.includes(target) && `you hold ${target}`,
      near(world, target),
      freeHand(world),
    ],
    apply() {
      const { [target]: _, ...places } = world.places;
      world.places = places;
      world.held = withName(world.held, target);
    },
  }),
  'put in': (world, target, place) => putRule(world, target, place, 'in'),
  'put on': (world, target, place) => putRule(world, target, place, 'on'),
  open: (world, target) => ({
    checks: [
      isStanding(world),
      not(furniture(target)?.isOpenable, target, 'opened'),
      near(world, target),
      isOpen(world, target) && `${target} is open`,
      furniture(target)?.runsClosed && isOn(world, target) && `${target} is on`,
      freeHand(world),
    ],
    apply() {
      world.open = withName(world.open, target);
    },
  }),
  close: (world, target) => ({
    checks: [
      isStanding(world),
      not(furniture(target)?.isOpenable, target, 'closed'),
      near(world, target),
      !isOpen(world, target) && `${target} is closed`,
      freeHand(world),
    ],
    apply() {
      world.open = without(world.open, target);
    },
  }),
  'switch on': (world, target) => ({
    checks: [
      ...switchChecks(world, target),
      isOn(world, target) && `${target} is on`,
      furniture(target)?.runsClosed && isOpen(world, target) && `${target} is open`,
    ],
    apply() {
      world.on = withName(world.on, target);
      runMachine(world, target);
    },
  }),
  'switch off': (world, target) => ({
    checks: [...switchChecks(world, target), !isOn(world, target) && `${target} is off`],
    apply() {
      world.on = without(world.on, target);
    },
  }),
  wash: (world, target) => ({
    checks: [not(item(target)?.isWashable, target, 'washed'), ...waterChecks(world, target)],
    apply: () => addState(world, target, 'washed'),
  }),
  fill: (world, target) => ({
    checks: [not(item(target)?.isFillable, target, 'filled'), ...waterChecks(world, target)],
    apply: () => addState(world, target, 'filled'),
  }),
  wipe: (world, target) => ({
    checks: [
      isStanding(world),
      not(furniture(target)?.isSurface, target, 'wiped'),
      near(world, target),
      holds(world, 'rag'),
    ],
    apply() {
      world.wiped = withName(world.wiped, target);
    },
  }),
  'sit on': (world, target) => ({
    checks: [isStanding(world), not(furniture(target)?.isSittable, target, 'sat on'), near(world, target)],
    apply() {
      world.posture = { kind: 'sitting', on: target };
    },
  }),
  'lie on': (world, target) => ({
    checks: [isStanding(world), not(furniture(target)?.isLieable, target, 'lain on'), near(world, target)],
    apply() {
      world.posture = { kind: 'lying', on: target };
    },
  }),
  'stand up': (world) => ({
    checks: [world.posture === null && 'you are standing'],
    apply() {
      world.posture = null;
    },
  }),
  read: (world, target) => ({
    checks: [not(item(target)?.isReadable, target, 'read'), holds(world, target)],
    apply: () => recordDone(world, `read ${target}`),
  }),
  eat: (world, target) => ({
    checks: [not(item(target)?.isEdible, target, 'eaten'), holds(world, target)],
    apply() {
      recordDone(world, `eat ${target}`);
      world.held = without(world.held, target);
    },
  }),
  drink: (world, target) => ({
    checks: [
      not(item(target)?.isDrinkable || item(target)?.isFillable, target, 'drunk'),
      holds(world, target),
      !item(target)?.isDrinkable && !hasState(world, target, 'filled') && `${target} is empty`,
    ],
    apply() {
      recordDone(world, `drink ${target}`);
      world.itemStates = {
        ...world.itemStates,
        [target]: (world.itemStates[target] ?? []).filter((s) => s !== 'filled'),
      };
    },
  }),
  watch: (world, target) => ({
    checks: [not(target === 'tv', target, 'watched'), sees(world, target), !isOn(world, target) && `${target} is off`],
    apply: () => recordDone(world, `watch ${target}`),
  }),
};

/**
 * Does an action, which changes `world`, or leaves it as it was.
 * @returns the rejection, or undefined when the action was done
 */
export function executeAction(world: World, { ability, objects }: Action): Feedback | undefined {
  const [first = '', second = ''] = objects;
  const { checks, apply } = RULES[ability](world, first, second);
  const reason = checks.find((check) => typeof check === 'string');
  if (typeof reason === 'string') return rejection('precondition', reason);
  apply();
  return undefined;
}

function putRule(world: World, target: string, place: string, relation: 'in' | 'on'): ReturnType<Rule> {
  const piece = furniture(place);
  return {
    checks: [
      isStanding(world),
      holds(world, target),
      !(relation === 'in' ? piece?.isContainer : piece?.isSurface) && `nothing goes ${relation} ${place}`,
      near(world, place),
      relation === 'in' && piece?.isOpenable && !isOpen(world, place) && `${place} is closed`,
    ],
    apply() {
      world.held = without(world.held, target);
      world.places = { ...world.places, [target]: { relation, furniture: place } };
      if (isOn(world, place)) runMachine(world, place);
    },
  };
}

function switchChecks(world: World, target: string): readonly Check[] {
  return [
    isStanding(world),
    not(furniture(target)?.isSwitchable, target, 'switched'),
    near(world, target),
    freeHand(world),
  ];
}

function waterChecks(world: World, target: string): readonly Check[] {
  return [isStanding(world), holds(world, target), near(world, 'sink'), !isOn(world, 'faucet') && 'faucet is off'];
}

/** What a machine that runs does to what is in or on it. */
function runMachine(world: World, machine: string): void {
  for (const [name, place] of Object.entries(world.places)) {
    if (place.furniture !== machine) continue;
    const { heatedBy, isDish, isCloth } = ITEMS[name]!;
    if (heatedBy === machine) addState(world, name, 'hot');
    if ((machine === 'dishwasher' && isDish) || (machine === 'washer' && isCloth)) addState(world, name, 'washed');
  }
}

function addState(world: World, target: string, state: ItemState): void {
  const states = world.itemStates[target] ?? [];
  if (!states.includes(state)) world.itemStates = { ...world.itemStates, [target]: [...states, state] };
}

function recordDone(world: World, what: string): void {
  const whole = world.posture === null ? what : `${what} on ${world.posture.on}`;
  world.done = withName(world.done, whole);
}
