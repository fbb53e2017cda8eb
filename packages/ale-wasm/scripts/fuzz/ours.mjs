// Our side of the fuzz: plays a case and writes down what ALE's side writes down.
import { crc32 } from 'node:zlib';
import { detectCartridge } from '../../src/cartridges.ts';
import { getGame } from '../../src/games.ts';
import { Ale } from '../../src/index.ts';
import { ACT, CLONE, DIFFICULTY, MODE, POKE, RESET, RESTORE } from './cases.mjs';

/** ALE knows a ROM that is nobody's by its file name only: the game's rules, with a plain machine. */
const JOYSTICKS = { left: 'joystick', right: 'joystick', swapPorts: false, swapPaddles: false };
function gameFor({ kind, game, rom }) {
  if (kind === 'game') return getGame(game);
  return {
    ...getGame(game),
    md5: '',
    cartridge: detectCartridge(rom),
    romBytes: rom.length,
    firstLine: 34,
    height: 210,
    hmoveBlanks: true,
    controllers: JOYSTICKS,
    powerOnDifficulty: 0,
    paddleMaximum: 790196,
  };
}

/** Columns of a row, as ALE's side has them. */
export const COLUMNS = ['reward', 'lives', 'game over', 'episode frame', 'RAM', 'screen'];

export function playOurs(fuzzCase, { rows: most = Number.POSITIVE_INFINITY, dump = -1, translateRom = true } = {}) {
  const ale = new Ale(fuzzCase.rom, {
    game: gameFor(fuzzCase),
    randomSeed: fuzzCase.randomSeed,
    frameSkip: fuzzCase.frameSkip,
    repeatActionProbability: fuzzCase.repeat,
    maxEpisodeFrames: fuzzCase.maxFrames,
    colorAveraging: fuzzCase.averaged ?? false,
    translateRom,
  });
  const rows = [];
  const row = (reward) => {
    const [ram, screen] = [ale.ram(), ale.screen()];
    // No state holds pixels: what a restored frame does not draw is not compared.
    const seen = isRestored ? 0 : crc32(screen);
    const values = [reward, ale.lives, Number(ale.isOver), ale.episodeFrameNumber, crc32(ram), seen];
    if (rows.length === dump) values.push(ram, screen);
    rows.push(values);
  };
  let saved;
  let isRestored = false;
  row(0);
  for (const [kind, a, b] of fuzzCase.operations) {
    if (rows.length >= most) break;
    let reward = 0;
    if (kind === ACT) reward = ale.act(a, b);
    else if (kind === RESET) {
      ale.reset();
      isRestored = false;
    } else if (kind === MODE) ale.setMode(a);
    else if (kind === DIFFICULTY) ale.setDifficulty(a);
    else if (kind === CLONE) {
      saved = ale.saveState({ random: a === 1 });
      // Restored where it was saved, nothing may change, pixels included.
      ale.restoreState(saved);
    } else if (kind === RESTORE) {
      ale.restoreState(saved);
      isRestored = true;
    }
    if (kind === POKE) ale.setRam(a, b);
    row(reward);
  }
  return rows;
}
