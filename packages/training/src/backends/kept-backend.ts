// The backend that a run began with, where its configuration says `auto`: kept in the run's folder, because the same steps on another one give numbers that differ in
// their last digits, and a resumed run is to be the uninterrupted one.
import { existsSync } from 'node:fs';
import { CorruptDataError, isMoeRlError } from '@moe-rl/core';
import { readJsonObject, replaceFile } from '@moe-rl/core/node';
import { BACKENDS, type BackendOption, type RunFolder } from '@moe-rl/runs';

type Kept = Pick<RunFolder, 'config' | 'backendFile' | 'path'>;

const FORMAT_VERSION = 1;

/** Errors of a backend that can't be had. */
const MISSING: ReadonlySet<string> = new Set([
  'MISSING_DEPENDENCY',
  'MISSING_GPU',
  'PJRT_PLUGIN',
  'PJRT',
  'WEBGPU_DEVICE',
]);

/** Writes down what a new run computes on. Does nothing where its configuration names it. */
export function keepBackend({ config, backendFile }: Kept, used: string | undefined): void {
  if (config.backend !== 'auto' || used === undefined) return;
  replaceFile(backendFile, `${JSON.stringify({ formatVersion: FORMAT_VERSION, backend: used }, null, 2)}\n`);
}

/**
 * Opens a run with the backend that it began with.
 * @throws CorruptDataError when the folder names none that there is; whatever `open` throws, saying what the run began with where that is missing here
 */
export async function openOnKeptBackend<Folder extends Kept, Output>(
  folder: Folder,
  isResume: boolean,
  say: (line: string) => void,
  open: (folder: Folder) => Promise<Output>,
): Promise<Output> {
  if (!isResume || folder.config.backend !== 'auto') return open(folder);
  const backend = readKept(folder);
  if (backend === undefined) {
    say('the run does not say which backend it began with: it goes on with the first that works here');
    return open(folder);
  }
  try {
    return await open({ ...folder, config: { ...folder.config, backend } });
  } catch (error) {
    if (isMoeRlError(error) && MISSING.has(error.code)) {
      error.message = `${error.message}. The run in ${folder.path} began with the backend ${backend}; on another one it would not go on exactly. If that is good enough, delete ${folder.backendFile}`;
    }
    throw error;
  }
}

function readKept({ backendFile }: Kept): BackendOption | undefined {
  if (!existsSync(backendFile)) return undefined;
  const { formatVersion, backend } = readJsonObject(backendFile);
  if (formatVersion !== FORMAT_VERSION) {
    throw new CorruptDataError(
      `${backendFile} has formatVersion ${JSON.stringify(formatVersion ?? null)}; expected ${FORMAT_VERSION}: it is damaged, or of another version of moe-rl`,
    );
  }
  const known = BACKENDS.find((name) => name === backend && name !== 'auto');
  if (known !== undefined) return known;
  throw new CorruptDataError(
    `${backendFile} names the backend ${JSON.stringify(backend ?? null)}; expected one of ${BACKENDS.filter((name) => name !== 'auto').join(', ')}`,
  );
}
