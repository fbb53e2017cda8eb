// Cases of the fuzz: which ROM, with which settings, and what is done to it. Everything follows from the case's seed.
import { GAMES } from '../../src/games.ts';
import { randomBytes, randomCartridge, SCHEMES } from './programs.mjs';
import { randomFrom } from './random.mjs';

export const ACT = 0;
export const RESET = 1;
export const MODE = 2;
export const DIFFICULTY = 3;
export const CLONE = 4;
export const RESTORE = 5;
export const POKE = 6;

/** Games whose rules remember what ALE's saved states don't hold, or hold wrongly. */
const BAD_STATES = new Set(['hangman', 'miniature_golf']);
/** Names that random programs go by: no mode procedure, which could wait for ever for what the program never writes. */
const NAMES = GAMES.filter(({ program, startingActions }) => program.procedure < 0 && startingActions.length === 0).map(
  ({ id }) => id,
);

function actions(random, { legal, strengths, count, resets, pokes, states, modes, difficulties }) {
  const operations = [];
  let action = 0;
  let strength = 1;
  let saved;
  for (let i = 0; i < count; i++) {
    if (i === 0 || random.chance(0.25)) {
      action = random.pick(legal);
      strength = strengths && random.chance(0.5) ? (random.below(2001) - 1000) / 1000 : 1;
    }
    operations.push([ACT, action, strength]);
    if (random.chance(resets)) operations.push([RESET]);
    if (random.chance(pokes)) operations.push([POKE, random.below(128), random.byte()]);
    if (random.chance(states)) {
      saved = random.below(2);
      operations.push([CLONE, saved]);
    }
    if (saved !== undefined && random.chance(states)) operations.push([RESTORE]);
    if (modes.length > 0 && random.chance(0.01)) operations.push([MODE, random.pick(modes)], [RESET]);
    if (difficulties.length > 0 && random.chance(0.01)) operations.push([DIFFICULTY, random.pick(difficulties)]);
  }
  return operations;
}

/** A random program under a supported game's name. */
function programCase(random) {
  const scheme = random.chance(0.4) ? random.pick(['2K', '4K']) : random.pick(Object.keys(SCHEMES));
  const isNoise = random.chance(0.06);
  const isWild = random.chance(0.35);
  const rom = isNoise ? randomBytes(random, scheme) : randomCartridge(random, scheme, isWild);
  const legal = Array.from({ length: 18 }, (_, i) => i);
  return {
    kind: `program ${scheme}${isNoise ? ' noise' : isWild ? ' wild' : ''}`,
    game: random.pick(NAMES),
    rom,
    frameSkip: random.pick([1, 1, 1, 2, 3]),
    operations: actions(random, {
      legal,
      strengths: false,
      count: 8 + random.below(30),
      resets: 0.02,
      pokes: 0.03,
      states: 0.05,
      modes: [],
      difficulties: [],
    }),
  };
}

/** Random play of a game. */
function gameCase(random, roms) {
  const game = random.pick(GAMES.filter(({ id }) => roms.has(id)));
  const hasProcedure = game.program.procedure >= 0;
  return {
    kind: 'game',
    game: game.id,
    rom: roms.get(game.id),
    frameSkip: random.pick([1, 1, 2, 4]),
    operations: actions(random, {
      legal: random.chance(0.5) ? game.minimalActions : Array.from({ length: 18 }, (_, i) => i),
      strengths: game.controllers.left === 'paddles',
      count: 60 + random.below(300),
      resets: 0.005,
      pokes: hasProcedure ? 0 : random.pick([0, 0, 0.02, 0.2]),
      states: 0.01,
      modes: game.modes,
      difficulties: game.difficulties,
    }),
  };
}

export function makeCase(seed, roms) {
  const random = randomFrom(seed);
  const isGame = random.chance(0.4);
  const made = isGame && roms.size > 0 ? gameCase(random, roms) : programCase(random);
  if (BAD_STATES.has(made.game))
    made.operations = made.operations.filter(([kind]) => kind !== CLONE && kind !== RESTORE);
  const randomSeed = random.below(1 << 30);
  let repeat = random.pick([0, 0.25, 0.5]);
  const maxFrames = random.chance(0.1) ? 50 : 0;
  // ALE's states don't hold the action in force, which sticky actions go on with: a reset ends it.
  if (made.operations.some(([kind]) => kind === RESTORE) && repeat > 0) {
    if (seed % 4) repeat = 0;
    else
      made.operations = made.operations.flatMap((operation) =>
        operation[0] === RESTORE ? [operation, [RESET]] : [operation],
      );
  }
  return {
    seed,
    randomSeed,
    repeat,
    maxFrames,
    ...made,
    // Not of what a jammed console shows, which programs and pokes bring about: there it is not defined.
    averaged: isGame && !made.operations.some(([kind]) => kind === POKE) && random.chance(0.2),
  };
}
