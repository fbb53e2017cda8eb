// Plays every trace of a folder against the emulator: `node --conditions=@moe-rl/source scripts/golden-ale.mjs FOLDER`.
// Prints the first difference of each trace that fails, and `N passed, N failed`. Needs Node 24 and real ROMs.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { GAMES } from '../src/games.ts';
import { loadRoms } from './roms.mjs';
import { playTrace, readTrace } from './trace.mjs';

const folder = process.argv[2];
if (!folder || !existsSync(folder)) {
  console.error(folder ? `there is no folder ${folder}` : 'usage: golden-ale FOLDER (of .gz traces in the form ALT1)');
  process.exit(2);
}
const roms = loadRoms(GAMES);
const byMd5 = new Map(GAMES.map((game) => [game.md5, game.id]));
let passed = 0;
let failed = 0;
let skipped = 0;
for (const name of readdirSync(folder)
  .filter((file) => file.endsWith('.gz'))
  .sort()) {
  let difference;
  try {
    const trace = readTrace(join(folder, name));
    const rom = roms.get(byMd5.get(trace.rom_md5));
    if (rom === undefined) {
      skipped++;
      console.log(`${name}: skipped, its ROM (MD5 ${trace.rom_md5}) is not here`);
      continue;
    }
    difference = playTrace(trace, rom);
  } catch (error) {
    difference = error.message;
  }
  if (difference) {
    failed++;
    console.log(`${name}: ${difference}`);
  } else passed++;
}
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = failed > 0 ? 1 : 0;
