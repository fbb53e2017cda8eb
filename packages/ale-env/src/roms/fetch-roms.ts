// Gets the ROMs that the ale-py wheel ships (Farama, with the permission it has), through the user's own pip or uv. The wheel is known by its SHA-256 sum; a
// game's ROM, when it is looked for, by its MD5.
import { readdirSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CorruptDataError, isMoeRlError, MissingDependencyError, StorageError } from '@moe-rl/core';
import { extractZip, fetchWheel, listZip, makeFolder, type PinnedWheel } from '@moe-rl/core/node';
import { isRomCacheWhole, romCacheFolder } from './rom-library.ts';

/** The release whose ROMs the games table was made from; the ROMs in its wheels are the same for every Python and system. */
const ALE_PY_WHEEL: PinnedWheel = {
  name: 'ale-py',
  version: '0.12.1',
  fileName: 'ale_py-0.12.1-cp312-cp312-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl',
  sha256: 'e67231fe655c453cb8223d51b5343ef46c58b8d49a27d6feef07326137323740',
  bytes: 5e6,
};

/**
 * Fetches the ale-py wheel and keeps its ROMs in the cache, beside what else lies there. Returns the folder. Does nothing when every known ROM is there, whole.
 * @throws MissingDependencyError when neither pip nor uv can get it, with the reason; CorruptDataError when another file came; StorageError when the cache
 *   can't be written
 */
export async function fetchRoms(onProgress: (line: string) => void = () => {}): Promise<string> {
  const target = romCacheFolder();
  if (isRomCacheWhole()) return target;
  const staging = `${target}.partial-${process.pid}`;
  try {
    makeFolder(dirname(target));
    await rm(staging, { recursive: true, force: true });
    makeFolder(staging);
    const wheel = await fetchWheel(ALE_PY_WHEEL, staging, { onProgress });
    await extractRoms(wheel, staging);
    makeFolder(target);
    const roms = join(staging, 'ale_py', 'roms');
    for (const name of readdirSync(roms)) await rename(join(roms, name), join(target, name));
    return target;
  } catch (cause) {
    if (cause instanceof MissingDependencyError) {
      throw new MissingDependencyError(
        `the ROMs could not be fetched, because they come in the ale-py wheel, which needs pip or uv: ${cause.message}. Or put ROM files into a folder and name it with --folder or MOE_RL_ROMS`,
        { cause },
      );
    }
    if (isMoeRlError(cause)) throw cause;
    throw new StorageError(`cannot put ROMs into ${target}: ${(cause as Error).message}`, { cause });
  } finally {
    await rm(staging, { recursive: true, force: true }).catch(() => {});
  }
}

/** Unpacks the ROMs of a wheel into `ale_py/roms` below `folder`. */
async function extractRoms(wheel: string, folder: string): Promise<void> {
  const entries = (await listZip(wheel)).filter(({ name }) => /^ale_py\/roms\/[^/]+\.bin$/.test(name));
  if (entries.length === 0) throw new CorruptDataError(`${wheel} holds no ROMs`);
  await extractZip(wheel, entries, folder);
}
