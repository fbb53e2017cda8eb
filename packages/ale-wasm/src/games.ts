// The games of the Arcade Learning Environment that this machine runs, with everything ALE knows about them.
import { decodeBase64 } from './base64.ts';
import { AleArgumentError } from './errors.ts';
import type { Game } from './game.ts';
import { GAME_TABLE } from './generated/game-table.ts';

export {
  ACTION_NAMES,
  type ActionName,
  type CartridgeType,
  defineGame,
  type Game,
  type GameDescription,
} from './game.ts';

/** A supported game and the benchmarks it belongs to: `paper20` (arXiv 2402.08609), `atari100k`, `dopamine60`, `atari57`. */
export interface TableGame extends Game {
  readonly sets: readonly string[];
}

/** All supported games. */
export const GAMES: readonly TableGame[] = GAME_TABLE.map(
  (row) => ({ ...row, program: { ...row.program, code: decodeBase64(row.program.code) } }) as TableGame,
);

const byId = new Map(GAMES.map((game) => [game.id, game]));
const byMd5 = new Map(GAMES.map((game) => [game.md5, game]));

/**
 * The game of this id (`ms_pacman`, or ALE's `MsPacman`).
 * @throws AleArgumentError for an unknown one, naming similar ids.
 */
export function getGame(id: string): TableGame {
  const key = id
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/[\s-]+/g, '_');
  const game = byId.get(key);
  if (game) return game;
  const similar = GAMES.filter((candidate) => candidate.id.startsWith(key.slice(0, 3))).map(
    (candidate) => candidate.id,
  );
  throw new AleArgumentError(
    `there is no game ${JSON.stringify(id)}; expected one of ${GAMES.length} ids${similar.length > 0 ? `, for instance ${similar.join(', ')}` : ''}`,
  );
}

/** The game whose ROM has this MD5, if it is a supported one. */
export function findGameByMd5(md5: string): TableGame | undefined {
  return byMd5.get(md5.toLowerCase());
}
