import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateRawSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { extractTarGz, extractZip, listZip } from './archives.ts';
import {
  asStorageError,
  cacheDirectory,
  createAtomically,
  removePartials,
  requireFreeSpace,
  withLock,
} from './cache.ts';
import { installNative } from './install.ts';
import { findPlatformWheel } from './versions.ts';
import { cudaRequirements, reasonOf } from './wheel.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'moe-rl-install-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function makeZip(files: Record<string, string>): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const [name, text] of Object.entries(files)) {
    const data = deflateRawSync(Buffer.from(text));
    const header = Buffer.alloc(30);
    header.writeUInt32LE(0x04034b50, 0);
    header.writeUInt16LE(name.length, 26);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(8, 10);
    entry.writeUInt32LE(data.length, 20);
    entry.writeUInt32LE(text.length, 24);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt32LE(at, 42);
    parts.push(header, Buffer.from(name), data);
    directory.push(entry, Buffer.from(name));
    at += 30 + name.length + data.length;
  }
  const listing = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(Object.keys(files).length, 10);
  end.writeUInt32LE(listing.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...parts, listing, end]);
}

describe('archives', () => {
  it('unpacks chosen entries of a zip', async () => {
    const path = join(folder, 'a.whl');
    await writeFile(path, makeZip({ 'x/one.txt': 'one '.repeat(1000), 'x/two.txt': 'two' }));
    const entries = await listZip(path);
    expect(entries.map((entry) => entry.name)).toEqual(['x/one.txt', 'x/two.txt']);
    await extractZip(path, entries.slice(0, 1), join(folder, 'out'));
    expect(await readFile(join(folder, 'out/x/one.txt'), 'utf8')).toBe('one '.repeat(1000));
    expect(existsSync(join(folder, 'out/x/two.txt'))).toBe(false);
  });

  it('names a truncated or damaged zip', async () => {
    const whole = makeZip({ a: 'hello hello hello hello' });
    const path = join(folder, 'a.whl');
    await writeFile(path, whole.subarray(0, whole.length - 30));
    await expect(listZip(path)).rejects.toMatchObject({ code: 'CORRUPT_DATA' });
    const damaged = Buffer.from(whole);
    damaged.fill(0xff, 31, 38);
    await writeFile(path, damaged);
    await expect(extractZip(path, await listZip(path), join(folder, 'out'))).rejects.toMatchObject({
      code: 'CORRUPT_DATA',
    });
  });

  it('never writes outside the folder', async () => {
    const path = join(folder, 'a.whl');
    await writeFile(path, makeZip({ '../evil': 'x' }));
    await expect(extractZip(path, await listZip(path), join(folder, 'out'))).rejects.toThrow(/leaves its folder/);
  });

  it('unpacks chosen files of an npm archive, and names a truncated one', async () => {
    const header = Buffer.alloc(512);
    header.write('package/dist/a.js', 0);
    header.write('00000000003', 124);
    header.write('0', 156);
    const body = Buffer.alloc(512);
    body.write('abc');
    const archive = gzipSync(Buffer.concat([header, body, Buffer.alloc(1024)]));
    await writeFile(join(folder, 'a.tgz'), archive);
    expect(await extractTarGz(join(folder, 'a.tgz'), folder, (name) => name.endsWith('.js'))).toEqual(['dist/a.js']);
    expect(await readFile(join(folder, 'dist/a.js'), 'utf8')).toBe('abc');
    await writeFile(join(folder, 'b.tgz'), archive.subarray(0, 20));
    await expect(extractTarGz(join(folder, 'b.tgz'), folder, () => true)).rejects.toMatchObject({
      code: 'CORRUPT_DATA',
    });
  });
});

describe('the cache', () => {
  it('follows MOE_RL_CACHE, then XDG_CACHE_HOME', () => {
    expect(cacheDirectory({ MOE_RL_CACHE: '/a/b', XDG_CACHE_HOME: '/c' })).toBe('/a/b');
    expect(cacheDirectory({ XDG_CACHE_HOME: '/c' })).toBe(join('/c', 'moe-rl'));
    expect(cacheDirectory({})).toMatch(/\.cache[\\/]moe-rl$/);
  });

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
    expect(await readdir(folder)).toEqual(['tensorflow']);
  });

  it('says how much space is missing', async () => {
    await expect(requireFreeSpace(join(folder, 'not/there/yet'), 1e18)).rejects.toMatchObject({ code: 'STORAGE' });
    await expect(requireFreeSpace(folder, 1)).resolves.toBeUndefined();
  });

  it('names the path and the advice when writing is refused', () => {
    const error = asStorageError(Object.assign(new Error('x'), { code: 'ENOSPC' }), '/somewhere');
    expect(error).toMatchObject({ code: 'STORAGE', message: expect.stringMatching(/\/somewhere.*disk is full/) });
  });
});

describe('the lock', () => {
  it('lets one work at a time', async () => {
    const path = join(folder, 'lock');
    let inside = 0;
    let most = 0;
    const work = async () => {
      most = Math.max(most, ++inside);
      await new Promise((next) => setTimeout(next, 20));
      inside--;
    };
    await Promise.all([withLock(path, work), withLock(path, work), withLock(path, work)]);
    expect(most).toBe(1);
    expect(existsSync(path)).toBe(false);
  });

  it('takes over from a process that is gone', async () => {
    const path = join(folder, 'lock');
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    await writeFile(path, `${pid} ${hostname()}\n`);
    expect(await withLock(path, async () => 'done')).toBe('done');
  });

  it('says who holds it when waiting takes too long', async () => {
    const path = join(folder, 'lock');
    await writeFile(path, `${process.pid} ${hostname()}\n`);
    await expect(withLock(path, async () => 'done', { timeoutMs: 10 })).rejects.toMatchObject({
      code: 'ALREADY_IN_USE',
      message: expect.stringContaining(String(process.pid)),
    });
    expect((await stat(path)).isFile()).toBe(true);
  });
});

describe('platforms', () => {
  it('says why there is none', () => {
    expect(findPlatformWheel('win32', 'x64')).toMatchObject({ reason: expect.stringContaining('win32-x64') });
  });

  it('reads the CUDA parts from the wheel’s metadata', () => {
    const metadata = [
      'Requires-Dist: numpy>=1.26.0',
      'Requires-Dist: nvidia-cublas-cu12<13.0,>=12.5.3.2; extra == "and-cuda"',
      "Requires-Dist: nvidia-cudnn-cu12 (==9.3.0.75) ; extra == 'and-cuda'",
      'Requires-Dist: nvidia-other; extra == "other"',
    ].join('\n');
    expect(cudaRequirements(metadata)).toEqual(['nvidia-cublas-cu12<13.0,>=12.5.3.2', 'nvidia-cudnn-cu12==9.3.0.75']);
  });

  it('passes on the reason that pip or uv gives', () => {
    expect(reasonOf('downloading x: python3 ended with status 1\nWARNING: slow\nERROR: No matching distribution')).toBe(
      'No matching distribution',
    );
    const causes = '  cause: Failed to download `https://a/b`\n  cause: client error\n  cause: name not known';
    expect(reasonOf(`downloading x: uv ended with status 2\nerror: Request failed\n${causes}`)).toBe(
      'Failed to download `https://a/b`; name not known',
    );
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
