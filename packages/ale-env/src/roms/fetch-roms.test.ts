// ROMs are fetched from one known wheel only, through whatever pip says it is.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { fetchRoms } from './fetch-roms.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'moe-rl-fetch-roms-'));
  vi.stubEnv('MOE_RL_CACHE', join(folder, 'cache'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

/** A Python whose pip brings a wheel of the right name with these bytes. */
function fakePython(bytes: string): void {
  const path = join(folder, 'python');
  const script = `#!${process.execPath}
const args = process.argv.slice(2);
if (args.includes('download')) {
  const dest = args[args.indexOf('--dest') + 1];
  const name = 'ale_py-0.12.1-cp312-cp312-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl';
  require('node:fs').writeFileSync(dest + '/' + name, ${JSON.stringify(bytes)});
}`;
  writeFileSync(path, script, { mode: 0o755 });
  vi.stubEnv('PYTHON', path);
}

it.skipIf(process.platform === 'win32')('refuses another wheel than the pinned one, and leaves nothing', async () => {
  fakePython('PK, but not the one');
  await expect(fetchRoms()).rejects.toMatchObject({
    code: 'CORRUPT_DATA',
    message: expect.stringMatching(/ale_py-0\.12\.1.* is not the whole published file .*expected e67231fe/),
  });
  expect(existsSync(join(folder, 'cache', 'roms'))).toBe(false);
  expect(readdirSync(join(folder, 'cache'))).toEqual([]);
});

it.skipIf(process.platform === 'win32')(
  'fetches again what is missing or damaged in the cache, and keeps the rest',
  async () => {
    fakePython('PK, but not the one');
    const roms = join(folder, 'cache', 'roms');
    mkdirSync(roms, { recursive: true });
    writeFileSync(join(roms, 'breakout.bin'), 'cut off');
    writeFileSync(join(roms, 'mine.bin'), 'my own');
    await expect(fetchRoms()).rejects.toMatchObject({ code: 'CORRUPT_DATA' });
    expect(readdirSync(roms)).toEqual(['breakout.bin', 'mine.bin']);
  },
);
