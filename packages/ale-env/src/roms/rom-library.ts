// Where ROMs come from on this machine: a folder of the user's, our cache, an installed ale-py; and how to get them: the ale-py wheel, which ships them,
// through pip or uv. Each file is recognized by its MD5, whatever it is called. Nothing is ever bundled or committed.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { GAMES } from '@moe-rl/ale-wasm/games';
import { NotFoundError, StorageError } from '@moe-rl/core';
import { cacheDirectory, tryRun } from '@moe-rl/core/node';
import { findGame } from '../games.ts';

/** Atari 2600 cartridges end at 64 KiB; larger files are something else. */
const MAXIMUM_ROM_BYTES = 64 * 1024;

/** A ROM that the games table knows. */
export interface KnownRom {
  readonly game: string;
  readonly md5: string;
}

export interface FoundRom extends KnownRom {
  readonly path: string;
  /** In words: `cache`, `ale-py`, `folder`. */
  readonly source: string;
}

export interface SearchedPlace {
  readonly source: string;
  readonly path: string | undefined;
  /** What came of it, for instance `104 ROMs` or `not installed`. */
  readonly outcome: string;
}

export interface RomSearch {
  /** By game, the first place that has it. */
  readonly found: ReadonlyMap<string, FoundRom>;
  readonly missing: readonly KnownRom[];
  readonly searched: readonly SearchedPlace[];
}

/** Folder that `fetchRoms` fills. */
export function romCacheFolder(): string {
  return join(cacheDirectory(), 'roms');
}

/** The ROM of every game in the table. */
function knownRoms(): KnownRom[] {
  return GAMES.map(({ id, md5: hash }) => ({ game: id, md5: hash }));
}

/** Whether the cache has the ROM of every game in the table: not one is missing or damaged. */
export function isRomCacheWhole(): boolean {
  const folder = romCacheFolder();
  if (!existsSync(folder)) return false;
  const byMd5 = new Map(knownRoms().map((rom) => [rom.md5, rom]));
  return new Set(romsIn(folder, byMd5).map(({ md5: hash }) => hash)).size === byMd5.size;
}

/**
 * Reads the ROM of a game from the first place that has it.
 * @throws NotFoundError for an unknown game, or when its ROM is nowhere, saying where was looked and how to get it
 */
export function loadRom(name: string, folder?: string): { readonly rom: Uint8Array; readonly path: string } {
  const { id, md5: hash } = findGame(name);
  const { found, searched } = findRoms(folder);
  const rom = found.get(id);
  if (rom === undefined) {
    const places = searched.map(
      ({ source, path, outcome }) => `${source}${path === undefined ? '' : ` ${path}`}: ${outcome}`,
    );
    throw new NotFoundError(
      `the ROM of ${id} (MD5 ${hash}) is not on this machine (${places.join('; ')}). Get the ROMs that the ale-py wheel ships with \`moe-rl roms --fetch\`, or name a folder with ROM files in MOE_RL_ROMS`,
    );
  }
  return { rom: new Uint8Array(readFileSync(rom.path)), path: rom.path };
}

/**
 * Looks for ROMs: in `folder` (default: the environment variable MOE_RL_ROMS) first, then in the cache, then in an installed ale-py.
 * @throws NotFoundError when `folder` is given and does not exist; StorageError when it can't be read
 */
export function findRoms(folder: string | undefined = process.env.MOE_RL_ROMS || undefined): RomSearch {
  const known = knownRoms();
  const byMd5 = new Map(known.map((rom) => [rom.md5, rom]));
  const found = new Map<string, FoundRom>();
  const searched: SearchedPlace[] = [];
  const search = (source: string, path: string | undefined, absent: string): void => {
    if (path === undefined || !existsSync(path)) {
      searched.push({ source, path, outcome: absent });
      return;
    }
    const roms = romsIn(path, byMd5);
    for (const rom of roms) if (!found.has(rom.game)) found.set(rom.game, { ...rom, source });
    searched.push({ source, path, outcome: roms.length === 1 ? '1 known ROM' : `${roms.length} known ROMs` });
  };
  if (folder !== undefined) {
    if (!existsSync(folder)) throw new NotFoundError(`ROM folder ${folder} does not exist`);
    search('folder', folder, 'does not exist');
  }
  search('cache', romCacheFolder(), 'empty');
  // Starting Python costs time; it is not asked when everything is there.
  if (found.size < known.length) search('ale-py', installedAlePyRoms(), 'not installed');
  return { found, missing: known.filter(({ game }) => !found.has(game)), searched };
}

function romsIn(folder: string, byMd5: ReadonlyMap<string, KnownRom>): (KnownRom & { path: string })[] {
  let names: string[];
  try {
    names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  } catch (cause) {
    throw new StorageError(`cannot read the ROM folder ${folder}: ${(cause as Error).message}`, { cause });
  }
  const roms: (KnownRom & { path: string })[] = [];
  for (const name of names) {
    const path = join(folder, name);
    const known = byMd5.get(md5OfFile(path) ?? '');
    if (known !== undefined) roms.push({ ...known, path });
  }
  return roms;
}

/** MD5 of a file that may be a ROM; undefined for folders, large and unreadable files. */
function md5OfFile(path: string): string | undefined {
  try {
    const { size } = statSync(path);
    if (size === 0 || size > MAXIMUM_ROM_BYTES || !statSync(path).isFile()) return undefined;
    return md5(readFileSync(path));
  } catch {
    return undefined;
  }
}

/** MD5 of bytes as lower-case hexadecimal: how the games table names a ROM. */
export function md5(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex');
}

/** The folder of ROMs of an installed ale-py, if Python and ale-py are there. */
function installedAlePyRoms(): string | undefined {
  const program =
    "import importlib.util as u; s = u.find_spec('ale_py'); print(s.submodule_search_locations[0] if s else '')";
  for (const python of ['python3', 'python']) {
    const { ok, printed } = tryRun([python], ['-c', program]);
    if (!ok) continue;
    const roms = join(printed, 'roms');
    return printed !== '' && existsSync(roms) ? roms : undefined;
  }
  return undefined;
}
