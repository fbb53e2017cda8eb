// Gets tfjs-node's sources and compiles its addon against TensorFlow's C library.

import { createHash } from 'node:crypto';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import { CorruptDataError, MissingDependencyError } from '@moe-rl/core';
import { createAtomically, runProgram } from '@moe-rl/core/node';
import type { NativePaths, Report } from './layout.ts';
import { extractTarGz } from './npm-archive.ts';
import { findCompiler, findNpm } from './tools.ts';
import { NODE_API_VERSION, type PlatformWheel, TFJS_NODE_INTEGRITY, TFJS_NODE_VERSION } from './versions.ts';

/** Downloads tfjs-node's published archive and unpacks its JavaScript and C++ sources. */
export async function installSources(paths: NativePaths, report: Report): Promise<void> {
  const npm = findNpm();
  if (npm === undefined) throw new MissingDependencyError('npm was not found');
  const what = `@tensorflow/tfjs-node@${TFJS_NODE_VERSION}`;
  report({ stage: 'download', message: `Downloading the sources of ${what}` });
  await createAtomically(paths.tfjsNode, async (folder) => {
    // `npm pack` runs no install scripts (the package's own would download another TensorFlow).
    await runProgram(npm, ['pack', what, '--silent', '--ignore-scripts'], { what: `downloading ${what}`, folder });
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

/** Compiles the addon; the compiler is the only tool it needs. */
export async function compileAddon(paths: NativePaths, wheel: PlatformWheel, report: Report): Promise<void> {
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
    await runProgram(
      compiler,
      [...common, `-DLIBRARY="${libraryPath}"`, quiet, '-o', join(folder, 'quiet.node'), '-ldl'],
      {
        what,
      },
    );
    await rm(quiet);
    await runProgram(
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
