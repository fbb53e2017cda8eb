// Real ROMs for tests, golden traces and benchmarks. They come out of the ale-py wheel (Farama ships them with permission), through the user's
// own pip or uv, into a cache outside the repository; none is ever committed. MOE_RL_REQUIRE_ROMS=1 makes missing ROMs an error.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

const REQUIREMENT = 'ale-py==0.12.1';
const MAXIMUM_BYTES = 65536;

/** `MOE_RL_CACHE`, else `moe-rl` in `XDG_CACHE_HOME`, else `~/.cache/moe-rl`; ROMs lie in its folder `roms`. */
export function romCacheFolder() {
  const { MOE_RL_CACHE, XDG_CACHE_HOME } = process.env;
  return join(MOE_RL_CACHE ?? join(XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'moe-rl'), 'roms');
}

/** Paths of all files up to 64 KiB below the folders, by MD5. */
export function findRoms(folders) {
  const found = new Map();
  for (const folder of folders) {
    if (!folder || !existsSync(folder)) continue;
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
      const path = join(folder, name);
      const { size, isFile } = ((stat) => ({ size: stat.size, isFile: stat.isFile() }))(statSync(path));
      if (!isFile || size === 0 || size > MAXIMUM_BYTES) continue;
      const md5 = createHash('md5').update(readFileSync(path)).digest('hex');
      if (!found.has(md5)) found.set(md5, path);
    }
  }
  return found;
}

/** Fetches the wheel and keeps its ROMs in `cacheFolder`. Throws with the reasons when neither uv nor pip can. */
export function fetchAlePyRoms(cacheFolder = romCacheFolder()) {
  const staging = `${cacheFolder}.partial-${process.pid}`;
  const installers = [
    ['uv', ['pip', 'install', '--quiet', '--no-deps', '--target', staging, REQUIREMENT]],
    ...['python3', 'python'].map((python) => [
      python,
      ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps', '--target', staging, REQUIREMENT],
    ]),
  ];
  const reasons = [];
  try {
    mkdirSync(dirname(cacheFolder), { recursive: true });
    for (const [program, args] of installers) {
      const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8', timeout: 600_000 });
      const roms = join(staging, 'ale_py', 'roms');
      if (status === 0 && existsSync(roms)) {
        rmSync(cacheFolder, { recursive: true, force: true });
        renameSync(roms, cacheFolder);
        return cacheFolder;
      }
      reasons.push(`${program}: ${error?.message ?? stderr.trim().split('\n').at(-1)}`);
    }
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
  throw new Error(`the ROMs could not be fetched: ${reasons.join('; ')}`);
}

/**
 * ROMs of the table's games by id, fetched when `fetch` and the cache has none. Empty when there is no way to them and MOE_RL_REQUIRE_ROMS is
 * not set.
 */
export function loadRoms(games, { fetch = true } = {}) {
  const folders = [process.env.MOE_RL_ROMS, romCacheFolder()];
  let paths = findRoms(folders);
  if (fetch && !games.some((game) => paths.has(game.md5))) {
    try {
      fetchAlePyRoms();
      paths = findRoms(folders);
    } catch (cause) {
      if (process.env.MOE_RL_REQUIRE_ROMS === '1') throw cause;
      console.error(`${cause.message}\nWithout them, what needs real ROMs is skipped.`);
    }
  }
  const roms = new Map();
  for (const game of games)
    if (paths.has(game.md5)) roms.set(game.id, new Uint8Array(readFileSync(paths.get(game.md5))));
  const missing = games.filter((game) => !roms.has(game.id));
  if (process.env.MOE_RL_REQUIRE_ROMS === '1' && missing.length > 0)
    throw new Error(
      `MOE_RL_REQUIRE_ROMS is set, but these ROMs are missing: ${missing.map((game) => game.id).join(', ')}`,
    );
  return roms;
}
