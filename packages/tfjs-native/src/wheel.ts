// Gets TensorFlow's C library out of its Python wheel, and NVIDIA's libraries out of theirs.

import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CorruptDataError, MissingDependencyError } from '@moe-rl/core';
import { extractZip, listZip } from './archives.ts';
import { asStorageError, createAtomically, requireFreeSpace } from './cache.ts';
import type { NativePaths, Report } from './layout.ts';
import { type Command, findWheelTool, run, type WheelTool } from './tools.ts';
import { type PlatformWheel, TENSORFLOW_VERSION, wheelPythonVersions } from './versions.ts';

const headerFolders = ['tensorflow/c/', 'tensorflow/core/platform/', 'xla/tsl/c/', 'tsl/platform/'];

/** Downloads the library's wheel (and CUDA's parts) and unpacks what is needed into the cache. */
export async function installLibrary(paths: NativePaths, wheel: PlatformWheel, report: Report): Promise<void> {
  const tool = findWheelTool();
  if (tool === undefined) throw new MissingDependencyError('neither pip nor uv was found');
  const name = wheel.packages[paths.variant];
  const expectedBytes = wheel.downloadBytes[paths.variant];
  if (name === undefined || expectedBytes === undefined) {
    throw new MissingDependencyError(
      `TensorFlow has no ${paths.variant} library for ${process.platform}-${process.arch}`,
    );
  }
  await requireFreeSpace(paths.root, paths.variant === 'cuda' ? 12e9 : 1.6e9);
  const downloads = join(paths.root, 'downloads');
  await mkdir(downloads, { recursive: true });
  const fetch = (requirement: string, bytes: number | undefined) =>
    fetchWheel({ tool, wheel, requirement, downloads, expectedBytes: bytes, report });

  const main = await fetch(`${name}==${TENSORFLOW_VERSION}`, expectedBytes);
  await createAtomically(paths.library, async (folder) => {
    const entries = (await listZip(main)).filter(
      ({ name }) =>
        /^tensorflow\/libtensorflow[^/]*$/.test(name) ||
        /\.dist-info\/(METADATA|LICENSE)$/.test(name) ||
        headerFolders.some((prefix) => name.startsWith(`tensorflow/include/${prefix}`) && name.endsWith('.h')),
    );
    if (!entries.some((entry) => entry.name === `tensorflow/${wheel.libraries.main}`)) {
      throw new CorruptDataError(`the wheel of ${name} ${TENSORFLOW_VERSION} holds no ${wheel.libraries.main}`);
    }
    await unpack(main, entries, folder, `TensorFlow ${TENSORFLOW_VERSION}`, report);
    if (paths.variant === 'cuda') {
      const metadata = entries.find((entry) => entry.name.endsWith('METADATA'));
      const requirements = cudaRequirements(metadata ? await readFile(join(folder, metadata.name), 'utf8') : '');
      for (const requirement of requirements) {
        const part = await fetch(requirement, undefined);
        const libraries = (await listZip(part)).filter((entry) =>
          /^nvidia\/.*(\.so[.\d]*|LICENSE.*|License.*)$/.test(entry.name),
        );
        await unpack(part, libraries, folder, requirement, report);
      }
    }
  });
  await rm(downloads, { recursive: true, force: true });
}

/** The `nvidia-*` requirements that a wheel's metadata lists for its extra `and-cuda`, as `name==version`. */
export function cudaRequirements(metadata: string): string[] {
  return [...metadata.matchAll(/^Requires-Dist:\s*(nvidia-[\w-]+)\s*\(?([^;)\n]*)\)?\s*;(.*)$/gm)]
    .filter(([, , , marker]) => marker?.includes('and-cuda'))
    .map(([, name, version]) => `${name}${version?.trim() ?? ''}`);
}

interface FetchWheelConfig {
  readonly tool: WheelTool;
  readonly wheel: PlatformWheel;
  readonly requirement: string;
  readonly downloads: string;
  readonly expectedBytes: number | undefined;
  readonly report: Report;
}

/** Downloads one wheel into `downloads` and returns its path; a wheel that is already there whole is used as it is. */
async function fetchWheel(config: FetchWheelConfig): Promise<string> {
  const { tool, wheel, requirement, downloads, expectedBytes, report } = config;
  const folder = join(downloads, requirement.replace(/[^\w.-]+/g, '_'));
  const found = async () => (await readdir(folder).catch(() => [])).find((name) => name.endsWith('.whl'));
  const ready = await found();
  if (ready) return join(folder, ready);

  const partial = `${folder}.partial-${process.pid}`;
  await rm(partial, { recursive: true, force: true });
  await mkdir(join(partial, 'temporary'), { recursive: true });
  const totalBytes = expectedBytes === undefined ? {} : { totalBytes: expectedBytes };
  let told = -1;
  const tell = (seenBytes: number) => {
    // While pip moves the finished file, both copies are seen.
    const doneBytes = Math.min(seenBytes, expectedBytes ?? seenBytes);
    if (doneBytes === told) return;
    told = doneBytes;
    const of = expectedBytes === undefined ? '' : ` of about ${megabytes(expectedBytes)}`;
    const message = `Downloading ${requirement}: ${megabytes(doneBytes)}${of}`;
    report({ stage: 'download', message, doneBytes, ...totalBytes });
  };
  tell(0);
  // pip's own progress needs a terminal and differs between versions: the growing file tells the same.
  const watch = setInterval(() => void folderBytes(partial).then(tell, () => {}), 1_000);
  const pip = tool.kind === 'pip' ? tool.command : ([...tool.command, 'tool', 'run', 'pip'] as unknown as Command);
  const download = (extra: readonly string[]) =>
    run(
      pip,
      [
        'download',
        '--no-deps',
        '--no-cache-dir',
        '--only-binary=:all:',
        '--progress-bar=off',
        '--dest',
        partial,
        ...extra,
        requirement,
      ],
      {
        what: `downloading ${requirement}`,
        environment: { TMPDIR: join(partial, 'temporary'), PIP_DISABLE_PIP_VERSION_CHECK: '1' },
      },
    );
  try {
    let failure: unknown;
    // The libraries inside don't depend on Python's version, so one that the wheel exists for is named rather than the running one.
    for (const version of wheelPythonVersions) {
      const tags = wheel.wheelTags.flatMap((tag) => ['--platform', tag]);
      try {
        await download(['--implementation', 'cp', '--python-version', version, ...tags]);
        failure = undefined;
        break;
      } catch (error) {
        failure ??= error;
        if (!/No matching distribution|Could not find a version/.test(String(error))) break;
      }
    }
    if (failure !== undefined) throw failure;
    await rm(join(partial, 'temporary'), { recursive: true, force: true });
    await rename(partial, folder);
  } catch (error) {
    await rm(partial, { recursive: true, force: true }).catch(() => {});
    if (!(error instanceof MissingDependencyError)) throw asStorageError(error, folder);
    throw new MissingDependencyError(
      `${requirement} could not be downloaded: ${reasonOf(error.message)}. Check the network and ${tool.kind}'s settings, then start again`,
      { cause: error },
    );
  } finally {
    clearInterval(watch);
  }
  const name = await found();
  if (name === undefined) throw new MissingDependencyError(`downloading ${requirement}: no wheel came`);
  tell((await stat(join(folder, name))).size);
  return join(folder, name);
}

/** Why a tool failed, out of the end of its output: pip's last line; the nearest and the deepest of the causes that uv lists. */
export function reasonOf(output: string): string {
  const lines = output.split('\n').map((line) => line.trim());
  const causes = lines.flatMap((line) => /^(?:cause|caused by): (.*)/i.exec(line)?.[1] ?? []);
  const reasons = causes.length > 0 ? new Set([causes[0], causes.at(-1)]) : [lines.at(-1)?.replace(/^ERROR: /, '')];
  return [...reasons].join('; ');
}

async function unpack(
  path: string,
  entries: Awaited<ReturnType<typeof listZip>>,
  folder: string,
  what: string,
  report: Report,
): Promise<void> {
  const totalBytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
  let told = 0;
  await extractZip(path, entries, folder, (doneBytes) => {
    if (doneBytes - told < 1e8 && doneBytes < totalBytes) return;
    told = doneBytes;
    report({
      stage: 'unpack',
      message: `Unpacking ${what}: ${megabytes(doneBytes)} of ${megabytes(totalBytes)}`,
      doneBytes,
      totalBytes,
    });
  });
}

async function folderBytes(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name))).size;
  }
  return bytes;
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}
