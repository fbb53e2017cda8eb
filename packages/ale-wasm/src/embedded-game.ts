// The game that comes with the package: Windfall, Apache-2.0, source in embedded-game/. No ROM has to be found to play it.
import { decodeBase64 } from './base64.ts';
import { EMBEDDED_GAME as DESCRIPTION, EMBEDDED_GAME_ROM_BASE64 } from './embedded-game.generated.ts';
import { defineGame, type Game, type GameDescription } from './game.ts';

/** Description of the embedded game. */
export const EMBEDDED_GAME: Game = defineGame(DESCRIPTION as GameDescription);

/** Its ROM: 4096 bytes. */
export const EMBEDDED_GAME_ROM: Uint8Array = decodeBase64(EMBEDDED_GAME_ROM_BASE64);
