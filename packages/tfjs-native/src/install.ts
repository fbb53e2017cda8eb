// Puts the native TensorFlow backend together in the cache: TensorFlow's C library out of its Python wheel, tfjs-node's sources out of
// its npm archive, and the addon compiled from those. Each stage is kept when it is done, so an interrupted installation goes on where
// it was. Layout, below `<cache>/tfjs-native/`:
//
//   tensorflow-<version>-<variant>-<platform>/   tensorflow/ (library, headers) and nvidia/ (CUDA only), as in Python's site-packages
//   tfjs-node-<version>/                         dist/ (JavaScript), binding/ (C++)
//   addon-<key>/tfjs_binding.node                linked to the library by a relative path

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import { CorruptDataError, MissingDependencyError } from '@moe-rl/core';
import { extractTarGz, extractZip, listZip } from './archives.ts';
import {
  asStorageError,
  cacheDirectory,
  createAtomically,
  removePartials,
  requireFreeSpace,
  withLock,
} from './cache.ts';
import { type Command, findCompiler, findNpm, findWheelTool, hasNvidiaGpu, run, type WheelTool } from './tools.ts';
import {
  ADDON_REVISION,
  findPlatformWheel,
  NODE_API_VERSION,
  type PlatformWheel,
  TENSORFLOW_VERSION,
  type TensorFlowVariant,
  TFJS_NODE_INTEGRITY,
  TFJS_NODE_VERSION,
  wheelPythonVersions,
} from './versions.ts';

/** What an installation is doing; `message` is a line fit for showing. */
export interface ProgressEvent {
  readonly stage: 'wait' | 'download' | 'unpack' | 'compile' | 'load';
  readonly message: string;
  readonly doneBytes?: number;
  readonly totalBytes?: number;
}

/** Where the parts of the native backend lie. */
export interface NativePaths {
  readonly variant: TensorFlowVariant;
  readonly root: string;
  readonly library: string;
  readonly tfjsNode: string;
  readonly addon: string;
  readonly lock: string;
}

/** Options of {@link installNative}. */
export interface InstallConfig {
  readonly variant?: TensorFlowVariant;
  readonly onProgress?: (event: ProgressEvent) => void;
}

/** The variant for this machine: `cuda` where an NVIDIA GPU and a CUDA library exist, else `cpu`. `MOE_RL_TENSORFLOW` overrides. */
export function chooseVariant(): TensorFlowVariant {
  const wanted = process.env.MOE_RL_TENSORFLOW;
  if (wanted === 'cpu' || wanted === 'cuda') return wanted;
  const wheel = findPlatformWheel();
  return !('reason' in wheel) && wheel.packages.cuda !== undefined && hasNvidiaGpu() ? 'cuda' : 'cpu';
}

/** The paths of the native backend in the cache, whether they exist or not. */
export function nativePaths(variant: TensorFlowVariant): NativePaths {
  const root = join(cacheDirectory(), 'tfjs-native');
  const platform = `${process.platform}-${process.arch}`;
  const key = `${TFJS_NODE_VERSION}-tensorflow-${TENSORFLOW_VERSION}-${variant}-${platform}-napi${NODE_API_VERSION}-${ADDON_REVISION}`;
  return {
    variant,
    root,
    library: join(root, `tensorflow-${TENSORFLOW_VERSION}-${variant}-${platform}`),
    tfjsNode: join(root, `tfjs-node-${TFJS_NODE_VERSION}`),
    addon: join(root, `addon-${key}`),
    lock: join(root, 'lock'),
  };
}

/** The file that Node loads. */
export function addonFile(paths: NativePaths): string {
  return join(paths.addon, 'tfjs_binding.node');
}

/** True when nothing is left to download or build. */
export function isInstalled(paths: NativePaths): boolean {
  return existsSync(paths.library) && existsSync(join(paths.tfjsNode, 'dist')) && existsSync(addonFile(paths));
}

/** Why the native backend can't be installed here, as sentences; empty when it can. */
export function missingForInstall(paths: NativePaths): string[] {
  const wheel = findPlatformWheel();
  if ('reason' in wheel) return [wheel.reason];
  const missing: string[] = [];
  if (!existsSync(paths.library) && findWheelTool() === undefined) {
    missing.push('neither pip nor uv was found: install Python 3 with pip, or uv');
  }
  if (!existsSync(paths.tfjsNode) && findNpm() === undefined) missing.push('npm was not found: install it beside Node');
  if (!existsSync(paths.addon) && findCompiler() === undefined) {
    missing.push(
      'no C++ compiler was found: install g++ or clang++ (for example the package build-essential), or set CXX',
    );
  }
  return missing;
}

/**
 * Makes sure that the native backend is in the cache and returns its paths; returns at once when it is.
 * @throws MissingDependencyError when a tool is missing or a download fails, StorageError when the cache can't be written or is full,
 *   AlreadyInUseError when another process holds the lock for half an hour.
 */
export async function installNative(config: InstallConfig = {}): Promise<NativePaths> {
  const report = config.onProgress ?? (() => {});
  const paths = nativePaths(config.variant ?? chooseVariant());
  if (isInstalled(paths)) return paths;
  const wheel = findPlatformWheel();
  if ('reason' in wheel) throw new MissingDependencyError(wheel.reason);
  const missing = missingForInstall(paths);
  if (missing.length > 0) throw new MissingDependencyError(`TensorFlow can't be set up: ${missing.join('; ')}`);
  await withLock(
    paths.lock,
    async () => {
      await removePartials(paths.root);
      if (!existsSync(paths.library)) await installLibrary(paths, wheel, report);
      if (!existsSync(paths.tfjsNode)) await installSources(paths, report);
      if (!existsSync(paths.addon)) await compileAddon(paths, wheel, report);
    },
    { onWait: (holder) => report({ stage: 'wait', message: `Waiting for ${holder}, which is setting up TensorFlow` }) },
  );
  return paths;
}

type Report = (event: ProgressEvent) => void;

const headerFolders = ['tensorflow/c/', 'tensorflow/core/platform/', 'xla/tsl/c/', 'tsl/platform/'];

async function installLibrary(paths: NativePaths, wheel: PlatformWheel, report: Report): Promise<void> {
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
  const tell = (seenBytes: number) => {
    // While pip moves the finished file, both copies are seen.
    const doneBytes = Math.min(seenBytes, expectedBytes ?? seenBytes);
    const of = expectedBytes === undefined ? '' : ` of about ${megabytes(expectedBytes)}`;
    report({
      stage: 'download',
      message: `Downloading ${requirement}: ${megabytes(doneBytes)}${of}`,
      doneBytes,
      ...totalBytes,
    });
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
    const last = error.message
      .split('\n')
      .at(-1)
      ?.replace(/^ERROR: /, '');
    throw new MissingDependencyError(
      `${requirement} could not be downloaded: ${last}. Check the network and ${tool.kind}'s settings, then start again`,
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

async function installSources(paths: NativePaths, report: Report): Promise<void> {
  const npm = findNpm();
  if (npm === undefined) throw new MissingDependencyError('npm was not found');
  const what = `@tensorflow/tfjs-node@${TFJS_NODE_VERSION}`;
  report({ stage: 'download', message: `Downloading the sources of ${what}` });
  await createAtomically(paths.tfjsNode, async (folder) => {
    // `npm pack` runs no install scripts (the package's own would download another TensorFlow).
    await run(npm, ['pack', what, '--silent', '--ignore-scripts'], { what: `downloading ${what}`, folder });
    const archive = (await readdir(folder)).find((name) => name.endsWith('.tgz'));
    if (archive === undefined) throw new MissingDependencyError(`downloading ${what}: no archive came`);
    const digest = `sha512-${createHash('sha512')
      .update(await readFile(join(folder, archive)))
      .digest('base64')}`;
    if (digest !== TFJS_NODE_INTEGRITY)
      throw new CorruptDataError(`the archive of ${what} is not the published one: ${digest}`);
    await extractTarGz(
      join(folder, archive),
      folder,
      (name) =>
        name === 'package.json' ||
        /^binding\//.test(name) ||
        (/^dist\/.*\.js$/.test(name) && !name.endsWith('_test.js')),
    );
    await rm(join(folder, archive));
  });
}

// TensorFlow writes notes (that oneDNN is on) to standard error while its library is being loaded, before it has read TF_CPP_MIN_LOG_LEVEL. This
// little addon loads the library with standard error turned away; loading it once more, through the real addon, then says nothing.
const quietSource = `
#include <dlfcn.h>
#include <fcntl.h>
#include <string>
#include <unistd.h>
extern "C" __attribute__((visibility("default"))) void* napi_register_module_v1(void*, void* exports) {
  Dl_info self;
  if (dladdr(reinterpret_cast<void*>(&napi_register_module_v1), &self) == 0) return exports;
  const std::string path = self.dli_fname;
  const std::string library = path.substr(0, path.find_last_of('/') + 1) + LIBRARY;
  const int standard_error = dup(2);
  const int nowhere = open("/dev/null", O_WRONLY);
  if (standard_error >= 0 && nowhere >= 0) {
    dup2(nowhere, 2);
    dlopen(library.c_str(), RTLD_NOW);
    dup2(standard_error, 2);
  }
  if (standard_error >= 0) close(standard_error);
  if (nowhere >= 0) close(nowhere);
  return exports;
}
`;

async function compileAddon(paths: NativePaths, wheel: PlatformWheel, report: Report): Promise<void> {
  const compiler = findCompiler();
  if (compiler === undefined) throw new MissingDependencyError('no C++ compiler was found');
  report({ stage: 'compile', message: 'Compiling the addon that connects Node to TensorFlow (about 10 s)' });
  const headers = createRequire(import.meta.url)('node-api-headers') as { include_dir: string };
  const library = join(paths.library, 'tensorflow');
  const rpath = relative(paths.addon, library);
  const mac = process.platform === 'darwin';
  const common = ['-shared', '-fPIC', '-O2', '-std=c++17', '-w', ...(mac ? ['-undefined', 'dynamic_lookup'] : [])];
  await createAtomically(paths.addon, async (folder) => {
    const quiet = join(folder, 'quiet.cc');
    await writeFile(quiet, quietSource);
    const what = 'compiling the TensorFlow addon';
    const libraryPath = join(rpath, wheel.libraries.main);
    await run(compiler, [...common, `-DLIBRARY="${libraryPath}"`, quiet, '-o', join(folder, 'quiet.node'), '-ldl'], {
      what,
    });
    await rm(quiet);
    await run(
      compiler,
      [
        ...common,
        `-DNAPI_VERSION=${NODE_API_VERSION}`,
        ...['-I', join(library, 'include'), '-I', headers.include_dir],
        join(paths.tfjsNode, 'binding', 'tfjs_backend.cc'),
        join(paths.tfjsNode, 'binding', 'tfjs_binding.cc'),
        join(library, wheel.libraries.main),
        join(library, wheel.libraries.framework),
        `-Wl,-rpath,${mac ? '@loader_path' : '$ORIGIN'}/${rpath}`,
        ...['-o', join(folder, 'tfjs_binding.node')],
      ],
      { what },
    );
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
