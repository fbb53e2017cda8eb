// `moe-rl roms`: which games can be played here, where their ROMs were found, what is missing and how to get it.

import { fetchRoms } from '@moe-rl/ale-env/node';
import { table } from '@moe-rl/runs';
import { findGames } from '@moe-rl/training';
import { note, print, programName } from './terminal.ts';

interface RomsOptions {
  readonly folder?: string;
  readonly fetch?: boolean;
  readonly missing?: boolean;
}

export async function roms(options: RomsOptions): Promise<void> {
  if (options.fetch === true) print(`ROMs are in ${await fetchRoms(note)}`);
  const { playable, missing, searched } = findGames(options.folder);
  if (options.missing === true) {
    print(
      missing.length === 0
        ? 'no ROM is missing'
        : table(
            ['game', 'MD5 of its ROM'],
            missing.map(({ game, md5 }) => [game, md5]),
          ),
    );
    return;
  }
  print(
    table(
      ['game', 'from', 'file'],
      playable.map(({ game, source, path }) => [game, source, path]),
    ),
  );
  print(
    `\nlooked in: ${searched.map(({ source, path, outcome }) => `${source}${path === undefined ? '' : ` (${path})`}: ${outcome}`).join('; ')}`,
  );
  if (missing.length > 0) {
    print(`${missing.length} more games are known but have no ROM here (${programName()} roms --missing lists them).`);
    if (options.fetch !== true)
      print(`${programName()} roms --fetch gets the ROMs that the ale-py wheel ships, through pip or uv.`);
  }
}
