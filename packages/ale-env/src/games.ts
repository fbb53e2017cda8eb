// Which games there are, and which ROM a game needs. Names are forgiving (`Breakout`, `space-invaders`, `ALE/Pong-v5`); a wrong one gets its neighbors.

import type { Game } from '@moe-rl/ale-wasm';
import { EMBEDDED_GAME, EMBEDDED_GAME_ROM } from '@moe-rl/ale-wasm/embedded-game';
import { GAMES } from '@moe-rl/ale-wasm/games';
import {
  CorruptDataError,
  InvalidArgumentError,
  MissingDependencyError,
  MoeRlError,
  NotFoundError,
  nearMatches,
} from '@moe-rl/core';

const BY_NAME = new Map<string, Game>([EMBEDDED_GAME, ...GAMES].map((game) => [plainName(game.id), game]));

/** Names of all games, the embedded one first. */
export function gameNames(): readonly string[] {
  return [...BY_NAME.values()].map(({ id }) => id);
}

/** The game that needs no ROM file. */
export const EMBEDDED_GAME_NAME: string = EMBEDDED_GAME.id;

/** The ROM of the embedded game; undefined for the others, whose ROM has to be found. */
export function embeddedRom(game: Game): Uint8Array | undefined {
  return game.id === EMBEDDED_GAME.id ? EMBEDDED_GAME_ROM : undefined;
}

/** Whether this is the name of a known game. */
export const isGameName = (name: string): boolean => BY_NAME.has(plainName(name));

/**
 * Looks a game up by its name.
 * @throws NotFoundError with the nearest names
 */
export function findGame(name: string): Game {
  const game = BY_NAME.get(plainName(name));
  if (game !== undefined) return game;
  const near = nearMatches(plainName(name), BY_NAME.keys()).map((plain) => BY_NAME.get(plain)?.id);
  const hint =
    near.length > 0 ? `did you mean ${near.join(' or ')}?` : 'see the list of games: gameNames(), or `moe-rl roms`';
  throw new NotFoundError(`there is no Atari game "${name}"; ${hint}`);
}

/** `ALE/SpaceInvaders-v5`, `space_invaders` and `SpaceInvadersNoFrameskip-v4` are all `spaceinvaders`. */
function plainName(name: string): string {
  return name
    .replace(/^ALE\//, '')
    .replace(/(NoFrameskip|Deterministic)?-v\d+$/, '')
    .replace(/[^A-Za-z0-9]/g, '')
    .toLowerCase();
}

/** Turns the emulator's errors, which know nothing of this project's classes, into ours. Others pass through. */
export function asMoeRlError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof MoeRlError) return error;
  const { message } = error;
  switch ((error as { code?: unknown }).code) {
    case 'ALE_ARGUMENT':
      return new InvalidArgumentError(message, { cause: error });
    case 'ALE_ROM':
    case 'ALE_STATE':
      return new CorruptDataError(message, { cause: error });
    case 'ALE_PLATFORM':
      return new MissingDependencyError(message, { cause: error });
    case 'ALE_MODE':
      return new MoeRlError('ALE_MODE', message, { cause: error });
    default:
      return error;
  }
}
