// Gets TensorFlow's C library out of its Python wheel, and NVIDIA's libraries out of theirs.

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CorruptDataError, MissingDependencyError } from '@moe-rl/core';
import {
  createAtomically,
  cuda12Wheels,
  extractZip,
  fetchWheel,
  listZip,
  type PinnedWheel,
  requireFreeSpace,
  type ZipEntry,
} from '@moe-rl/core/node';
import type { NativePaths, Report } from './layout.ts';
import { type PlatformWheel, TENSORFLOW_VERSION } from './versions.ts';

const headerFolders = ['tensorflow/c/', 'tensorflow/core/platform/', 'xla/tsl/c/', 'tsl/platform/'];

/** Downloads the library's wheel (and CUDA's parts) and unpacks what is needed into the cache. */
export async function installLibrary(paths: NativePaths, platform: PlatformWheel, report: Report): Promise<void> {
  const wheel = platform.wheels[paths.variant];
  if (wheel === undefined) {
    throw new MissingDependencyError(
      `TensorFlow has no ${paths.variant} library for ${process.platform}-${process.arch}`,
    );
  }
  const downloads = join(paths.root, 'downloads');
  await requireFreeSpace(paths.root, paths.variant === 'cuda' ? 12e9 : 1.6e9, downloads);
  const parts = paths.variant === 'cuda' ? cuda12Wheels : [];
  await installWheels(paths, wheel, platform.libraries.main, parts, downloads, report);
}

/** All are fetched before any is unpacked, and kept until all are unpacked: what came before an interruption is not fetched again. */
export async function installWheels(
  paths: NativePaths,
  wheel: PinnedWheel,
  library: string,
  parts: readonly PinnedWheel[],
  downloads: string,
  report: Report,
): Promise<void> {
  const main = await fetchReporting(wheel, downloads, report);
  const fetched: string[] = [];
  for (const part of parts) fetched.push(await fetchReporting(part, downloads, report));
  await createAtomically(paths.library, async (folder) => {
    const entries = (await listZip(main)).filter(({ name }) => isNeededOfTensorFlow(name));
    if (!entries.some((entry) => entry.name === `tensorflow/${library}`)) {
      throw new CorruptDataError(`the wheel ${wheel.fileName} holds no ${library}`);
    }
    await unpack(main, entries, folder, `TensorFlow ${TENSORFLOW_VERSION}`, report);
    for (const [index, { name, version }] of parts.entries()) {
      const needed = (await listZip(fetched[index]!)).filter((entry) => isNeededOfCuda(entry.name));
      await unpack(fetched[index]!, needed, folder, `${name} ${version}`, report);
    }
  });
  await rm(downloads, { recursive: true, force: true });
}

function isNeededOfTensorFlow(name: string): boolean {
  return (
    /^tensorflow\/libtensorflow[^/]*$/.test(name) ||
    /\.dist-info\/(METADATA|LICENSE)$/.test(name) ||
    headerFolders.some((prefix) => name.startsWith(`tensorflow/include/${prefix}`) && name.endsWith('.h'))
  );
}

/**
 * Libraries, licenses, and what XLA compiles with: `ptxas` and `libdevice`, which it looks for in `nvidia/cuda_nvcc` beside TensorFlow's folder, as in
 * Python's site-packages.
 */
export function isNeededOfCuda(name: string): boolean {
  return (
    /^nvidia\/.*\.so[.\d]*$/.test(name) ||
    /^nvidia\/cuda_nvcc\/(bin|nvvm\/libdevice)\/[^/]+$/.test(name) ||
    /(^|\/)licenses?[^/]*$/i.test(name)
  );
}

function fetchReporting(wheel: PinnedWheel, downloads: string, report: Report): Promise<string> {
  const totalBytes = wheel.bytes === undefined ? {} : { totalBytes: wheel.bytes };
  return fetchWheel(wheel, downloads, {
    onProgress: (message, doneBytes) => report({ stage: 'download', message, doneBytes, ...totalBytes }),
  });
}

async function unpack(
  path: string,
  entries: readonly ZipEntry[],
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

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}
