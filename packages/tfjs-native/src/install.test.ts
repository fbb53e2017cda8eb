// What an installation is made of: archives, folders that appear whole, pinned wheels, and what is said where a tool or a GPU is missing.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, realpath, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, gzipSync } from 'node:zlib';
import {
  asStorageError,
  createAtomically,
  cuda12Wheels,
  type PinnedWheel,
  removePartials,
  requireFreeSpace,
} from '@moe-rl/core/node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkGpu, MissingGpuError } from './gpu.ts';
import { installNative } from './install.ts';
import { nativePaths } from './layout.ts';
import { extractTarGz } from './npm-archive.ts';
import { resolveOptional } from './optional-packages.ts';
import { findPlatformWheel, platformWheels } from './versions.ts';
import { installWheels, isNeededOfCuda } from './wheel.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'moe-rl-install-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('an npm archive', () => {
  const archiveOf = (name: string, size: string, text: string): Buffer => {
    const header = Buffer.alloc(512);
    header.write(name, 0);
    header.write(size, 124);
    header.write('0', 156);
    const body = Buffer.alloc(512);
    body.write(text);
    return gzipSync(Buffer.concat([header, body, Buffer.alloc(1024)]));
  };
  const extract = (archive: Uint8Array) =>
    writeFile(join(folder, 'a.tgz'), archive).then(() =>
      extractTarGz(join(folder, 'a.tgz'), folder, (name) => name.endsWith('.js')),
    );

  it('gives the chosen files', async () => {
    expect(await extract(archiveOf('package/dist/a.js', '00000000003', 'abc'))).toEqual(['dist/a.js']);
    expect(await readFile(join(folder, 'dist/a.js'), 'utf8')).toBe('abc');
  });

  it('is refused when it is cut off, lies about a size, or leaves its folder', async () => {
    const good = archiveOf('package/dist/a.js', '00000000003', 'abc');
    for (const bad of [
      good.subarray(0, 20),
      archiveOf('package/a.js', '00000077777', 'abc'),
      archiveOf('package/a.js', '-0000000003', 'abc'),
      archiveOf('package/a.js', 'zzz', 'abc'),
      archiveOf('package/../../a.js', '00000000003', 'abc'),
    ]) {
      await expect(extract(bad)).rejects.toMatchObject({ code: 'CORRUPT_DATA' });
    }
  });
});

describe('the cache', () => {
  it('shows a folder only when it is whole', async () => {
    const target = join(folder, 'part');
    const failing = createAtomically(target, async (at) => {
      await writeFile(join(at, 'half'), '');
      throw new Error('interrupted');
    });
    await expect(failing).rejects.toThrow('interrupted');
    expect(await readdir(folder)).toEqual([]);
    await createAtomically(target, (at) => writeFile(join(at, 'whole'), ''));
    expect(await readdir(target)).toEqual(['whole']);
  });

  it('removes what killed processes left', async () => {
    await mkdir(join(folder, 'tensorflow.partial-1'));
    await mkdir(join(folder, 'tensorflow'));
    await removePartials(folder);
    await removePartials(join(folder, 'downloads'));
    expect(await readdir(folder)).toEqual(['tensorflow']);
  });

  it('says how much space is missing', async () => {
    await expect(requireFreeSpace(join(folder, 'not/there/yet'), 1e18)).rejects.toMatchObject({ code: 'STORAGE' });
    await expect(requireFreeSpace(folder, 1)).resolves.toBeUndefined();
    // What was fetched before is a part of what is needed. (A file of holes: it takes no space.)
    await writeFile(join(folder, 'fetched'), '');
    await truncate(join(folder, 'fetched'), 8e12);
    await expect(requireFreeSpace(folder, 8e12, folder)).resolves.toBeUndefined();
    await expect(requireFreeSpace(folder, 1e18, folder)).rejects.toThrow(/ 999992000.0 GB are needed/);
  });

  it('names the path and the advice when writing is refused', () => {
    const error = asStorageError(Object.assign(new Error('x'), { code: 'ENOSPC', syscall: 'write' }), '/somewhere');
    expect(error).toMatchObject({ code: 'STORAGE', message: expect.stringMatching(/\/somewhere.*disk is full/) });
  });
});

describe('an installation that is interrupted', () => {
  /** A zip archive of one file. */
  const archiveOf = (name: string, text: string): Buffer => {
    const header = Buffer.alloc(30);
    header.writeUInt32LE(0x04034b50, 0);
    header.writeUInt16LE(name.length, 26);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt32LE(crc32(text), 16);
    for (const place of [20, 24]) entry.writeUInt32LE(text.length, place);
    entry.writeUInt16LE(name.length, 28);
    const end = Buffer.alloc(22);
    end.writeUInt32LE(0x06054b50, 0);
    end.writeUInt16LE(1, 10);
    end.writeUInt32LE(46 + name.length, 12);
    end.writeUInt32LE(30 + name.length + text.length, 16);
    return Buffer.concat([header, Buffer.from(name + text), entry, Buffer.from(name), end]);
  };

  const { PYTHON, CXX, PATH, MOE_RL_CACHE } = process.env;
  afterEach(() => {
    for (const [name, value] of Object.entries({ PYTHON, CXX, PATH, MOE_RL_CACHE })) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });

  const publish = async (name: string, file: string): Promise<PinnedWheel> => {
    const archive = archiveOf(file, name);
    const fileName = `${name}-1-py3-none-manylinux_2_27_x86_64.whl`;
    await writeFile(join(folder, fileName), archive);
    return { name, version: '1', fileName, sha256: createHash('sha256').update(archive).digest('hex') };
  };
  /** A Python whose pip brings what was published, unless the file `refused` names it; a compiler and npm of which only the version is asked. */
  const makeTools = async () => {
    const script = `if (process.argv.includes('--version')) process.exit(0);
      const fs = require('node:fs');
      const after = (name) => process.argv[process.argv.indexOf(name) + 1];
      const name = fs.readFileSync(after('--requirement'), 'utf8').split('==')[0];
      fs.appendFileSync('${folder}/asked', name + ' ');
      if (fs.readFileSync('${folder}/refused', 'utf8').includes(name)) process.exit(1);
      const wheel = fs.readdirSync('${folder}').find((file) => file.startsWith(name + '-'));
      fs.copyFileSync('${folder}/' + wheel, after('--dest') + '/' + wheel);`;
    await writeFile(join(folder, 'tool.cjs'), script);
    for (const name of ['python', 'npm']) {
      await writeFile(join(folder, name), `#!/bin/sh\nexec "${process.execPath}" "${folder}/tool.cjs" "$@"\n`);
      await chmod(join(folder, name), 0o755);
    }
    process.env.PYTHON = join(folder, 'python');
    process.env.CXX = join(folder, 'python');
    process.env.PATH = `${folder}:${PATH}`;
  };

  it('goes on with the wheels that came before', async () => {
    await makeTools();
    const main = await publish('main', 'tensorflow/libtensorflow.so');
    const parts = [await publish('one', 'nvidia/one.so'), await publish('two', 'nvidia/two.so')];
    const paths = { ...nativePaths('cuda'), root: folder, library: join(folder, 'library') };
    const install = () => installWheels(paths, main, 'libtensorflow.so', parts, join(folder, 'downloads'), () => {});
    await writeFile(join(folder, 'refused'), 'two');
    await expect(install()).rejects.toMatchObject({ code: 'MISSING_DEPENDENCY' });
    expect(existsSync(paths.library)).toBe(false);
    await writeFile(join(folder, 'refused'), '');
    await install();
    expect(await readFile(join(folder, 'asked'), 'utf8')).toBe('main one two two ');
    expect(await readFile(join(paths.library, 'nvidia/one.so'), 'utf8')).toBe('one');
    expect(existsSync(join(folder, 'downloads'))).toBe(false);
  });

  it.skipIf('reason' in findPlatformWheel())('is rid of what a killed process had half fetched', async () => {
    await makeTools();
    process.env.MOE_RL_CACHE = join(folder, 'cache');
    await writeFile(join(folder, 'refused'), 'tensorflow-cpu tensorflow');
    const downloads = join(nativePaths('cpu').root, 'downloads');
    await mkdir(join(downloads, 'some.whl.partial-1'), { recursive: true });
    await expect(installNative({ variant: 'cpu' })).rejects.toThrow(/could not be downloaded|are needed/);
    expect(await readdir(downloads)).toEqual([]);
  });
});

describe('platforms', () => {
  it('says why there is none', () => {
    expect(findPlatformWheel('win32', 'x64')).toMatchObject({ reason: expect.stringContaining('win32-x64') });
  });

  it('pins every wheel by file and SHA-256 sum', () => {
    const wheels = [
      ...Object.values(platformWheels).flatMap((platform) => Object.values(platform.wheels)),
      ...cuda12Wheels,
    ];
    expect(wheels).toHaveLength(4 + 12);
    expect(new Set(wheels.map(({ sha256 }) => sha256)).size).toBe(wheels.length);
    for (const { name, version, fileName, sha256 } of wheels) {
      expect(sha256).toMatch(/^[0-9a-f]{64}$/);
      expect(fileName.startsWith(`${name.replaceAll('-', '_')}-${version}-`)).toBe(true);
    }
  });

  it('takes from CUDA’s wheels what XLA compiles with, beside the libraries', () => {
    const taken = [
      'nvidia/cuda_nvcc/bin/ptxas',
      'nvidia/cuda_nvcc/nvvm/libdevice/libdevice.10.bc',
      'nvidia/cuda_nvcc/nvvm/lib64/libnvvm.so',
      'nvidia/cublas/lib/libcublas.so.12',
      'nvidia_cuda_nvcc_cu12-12.9.86.dist-info/licenses/License.txt',
    ];
    const left = ['nvidia/cuda_nvcc/include/fatbinary_section.h', 'nvidia_cublas_cu12-12.9.3.13.dist-info/RECORD'];
    expect([...taken, ...left].filter(isNeededOfCuda)).toEqual(taken);
  });

  it('names the tools that are missing, and leaves the cache alone', async () => {
    const { PATH, MOE_RL_CACHE } = process.env;
    process.env.PATH = folder;
    process.env.MOE_RL_CACHE = join(folder, 'cache');
    try {
      await expect(installNative({ variant: 'cpu' })).rejects.toMatchObject({ code: 'MISSING_DEPENDENCY' });
      expect(existsSync(join(folder, 'cache'))).toBe(false);
    } finally {
      process.env.PATH = PATH;
      if (MOE_RL_CACHE === undefined) delete process.env.MOE_RL_CACHE;
      else process.env.MOE_RL_CACHE = MOE_RL_CACHE;
    }
  });
});

describe('a GPU build', () => {
  it('is an error where it was asked for and shows no GPU, with what to do', () => {
    expect(() => checkGpu('TensorFlow 9 (cuda)', true, false, true)).toThrow(MissingGpuError);
    expect(() => checkGpu('TensorFlow 9 (cuda)', true, false, true)).toThrow(
      /TensorFlow 9 \(cuda\) was loaded, but finds no GPU .*nvidia-smi.*MOE_RL_TENSORFLOW=cpu/,
    );
  });

  it('may compute on the processor where it was not asked for, and says so', () => {
    expect(checkGpu('TensorFlow 9 (cuda)', true, false, false)).toMatchObject({
      gpu: false,
      note: expect.stringMatching(/finds no GPU .* computes on the processor/),
    });
  });

  it('has nothing to say where all is well', () => {
    expect(checkGpu('x', true, true, true)).toEqual({ gpu: true });
    expect(checkGpu('x', false, false, true)).toEqual({ gpu: false });
  });
});

describe('optional packages', () => {
  it('are found beside the started script, never in the working folder', async () => {
    const name = 'moe-rl-test-optional';
    const install = async (project: string) => {
      const at = join(project, 'node_modules', name);
      await mkdir(at, { recursive: true });
      await writeFile(join(at, 'package.json'), JSON.stringify({ name, main: 'index.js' }));
      await writeFile(join(at, 'index.js'), '');
      await writeFile(join(project, 'train.mjs'), '');
      return realpath(at);
    };
    const before = process.cwd();
    await install(folder);
    process.chdir(folder);
    try {
      expect(resolveOptional(name)).toBeUndefined();
      expect(resolveOptional(name, undefined)).toBeUndefined();
      expect(resolveOptional(name, join(folder, 'not-there.mjs'))).toBeUndefined();
      const other = join(folder, 'other');
      const installed = await install(other);
      expect(resolveOptional(name, join(other, 'train.mjs'))).toBe(join(installed, 'index.js'));
    } finally {
      process.chdir(before);
    }
  });
});
