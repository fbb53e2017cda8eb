// Fetches a plugin (and the libraries that it loads) into the cache folder: wheels of known sums, unpacked into one folder as Python's site-packages has them, where
// the plugin finds its own parts.
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CorruptDataError } from '@moe-rl/core';
import {
  createAtomically,
  extractZip,
  fetchWheel,
  listZip,
  removePartials,
  requireFreeSpace,
  withFolderLock,
} from '@moe-rl/core/node';
import { libraryOf, pjrtFolder, releaseFolder } from './locate.ts';
import type { PluginRelease } from './versions.ts';

/** Takes lines fit for showing. */
export type Report = (message: string) => void;

/** What fetching takes, in words. */
export function sizeOf({ downloadBytes, diskBytes }: PluginRelease): string {
  return `${inUnits(downloadBytes)} to download, ${inUnits(diskBytes)} on the disk`;
}

/**
 * Makes sure that the plugin is there and returns its file. What was fetched whole before an interruption is not fetched again.
 * @throws MissingDependencyError when there is no pip or uv, or a download fails; CorruptDataError when another file came; StorageError when the cache can't be
 *   written or is full; AlreadyInUseError when another process is at it for half an hour
 */
export async function installPlugin(release: PluginRelease, report: Report = () => {}): Promise<string> {
  const folder = releaseFolder(release);
  const library = libraryOf(release);
  if (existsSync(library)) return library;
  const root = pjrtFolder();
  await withFolderLock(
    root,
    async () => {
      if (existsSync(library)) return;
      report(`Fetching the PJRT plugin ${release.name} ${release.version} for ${release.device}: ${sizeOf(release)}`);
      const downloads = join(root, 'downloads');
      for (const place of [root, downloads]) await removePartials(place);
      await requireFreeSpace(root, release.downloadBytes + release.diskBytes, downloads);
      const files: string[] = [];
      for (const wheel of release.wheels) {
        files.push(await fetchWheel(wheel, downloads, { onProgress: (message) => report(message) }));
      }
      await createAtomically(folder, async (temporary) => {
        for (const file of files) {
          const entries = (await listZip(file)).filter(({ name }) => release.isNeeded(name));
          await extractZip(file, entries, temporary, () => {});
        }
        if (!existsSync(join(temporary, release.library))) {
          throw new CorruptDataError(`the wheel ${release.wheels[0]!.fileName} holds no ${release.library}`);
        }
      });
      await rm(downloads, { recursive: true, force: true });
      report(`The PJRT plugin ${release.name} ${release.version} is in ${folder}`);
    },
    { onWait: (holder) => report(`Waiting for ${holder}, which is fetching a PJRT plugin`) },
  );
  return library;
}

function inUnits(bytes: number): string {
  return bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
