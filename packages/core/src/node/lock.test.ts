// The lock: one holder among many processes, also where the ones before were killed; waiting; holders on other machines.
import { execFile, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { lockFolder, withFolderLock } from './lock.ts';

let folder = '';
let path = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'moe-rl-lock-'));
  path = join(folder, 'folder.lock');
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

const deadPid = spawnSync(process.execPath, ['-e', '']).pid;
const lockText = (pid: number, host = hostname(), processStart = '1') =>
  JSON.stringify({ pid, host, processStart, lock: 'x' });

describe('lockFolder', () => {
  // Children run the source itself, which needs a Node that strips types.
  it.runIf(process.features.typescript)(
    'has one holder among many processes that often die holding it',
    async () => {
      writeFileSync(path, lockText(deadPid));
      const script = fileURLToPath(new URL('./testing/contend.mjs', import.meta.url));
      const contend = () => promisify(execFile)(process.execPath, [script, folder, String(deadPid), '1500']);
      const results = await Promise.all(Array.from({ length: 6 }, contend));
      const counts = results.map(({ stdout }) => JSON.parse(stdout) as { held: number; faults: string[] });
      expect(counts.flatMap(({ faults }) => faults)).toEqual([]);
      expect(counts.reduce((sum, { held }) => sum + held, 0)).toBeGreaterThan(20);
      lockFolder(folder)();
      expect(readdirSync(folder)).toEqual([]);
    },
    30_000,
  );

  it('takes over from a process that was killed while it took over, and leaves nothing behind', () => {
    const stale = lockText(deadPid);
    writeFileSync(path, stale);
    // The dead one's right to replace the stale lock, and the file that it was about to put there.
    writeFileSync(`${path}.${createHash('sha256').update(stale).digest('hex').slice(0, 16)}`, lockText(deadPid));
    writeFileSync(`${path}.${deadPid}-candidate`, lockText(deadPid));
    const unlock = lockFolder(folder);
    expect(readdirSync(folder)).toEqual(['folder.lock']);
    expect(() => lockFolder(folder)).toThrow(`in use by process ${process.pid}; wait for it to end`);
    unlock();
    expect(readdirSync(folder)).toEqual([]);
  });

  it.runIf(process.platform === 'linux')(
    'takes over from a process that ended and that its parent keeps listed',
    async () => {
      const parent = spawn('sh', ['-c', 'sleep 0.2 & echo $!; exec sleep 30'], { stdio: ['ignore', 'pipe', 'ignore'] });
      try {
        const pid = Number(await new Promise((told) => parent.stdout.once('data', told)));
        const fields = () => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
        writeFileSync(path, lockText(pid, hostname(), fields()[19]));
        expect(() => lockFolder(folder)).toThrow(`in use by process ${pid}`);
        await vi.waitFor(() => expect(fields()[0]).toBe('Z'), { timeout: 10_000, interval: 50 });
        lockFolder(folder)();
        expect(readdirSync(folder)).toEqual([]);
      } finally {
        parent.kill();
      }
    },
  );

  it('waits for whoever is taking over', () => {
    const stale = lockText(deadPid);
    writeFileSync(path, stale);
    const right = `${path}.${createHash('sha256').update(stale).digest('hex').slice(0, 16)}`;
    writeFileSync(right, lockText(process.ppid, hostname(), ''));
    expect(() => lockFolder(folder)).toThrow(expect.objectContaining({ code: 'ALREADY_IN_USE' }));
  });

  it('lets go of its own lock only', () => {
    const unlock = lockFolder(folder);
    writeFileSync(path, lockText(process.pid, 'elsewhere'));
    unlock();
    expect(existsSync(path)).toBe(true);
  });

  it('says what can’t be written', () => {
    expect(() => lockFolder(join(folder, 'absent'))).toThrow(expect.objectContaining({ code: 'STORAGE' }));
  });
});

describe('withFolderLock', () => {
  it('lets one work at a time and makes the folder', async () => {
    const inner = join(folder, 'made', 'here');
    let inside = 0;
    let most = 0;
    const work = async () => {
      most = Math.max(most, ++inside);
      await new Promise((next) => setTimeout(next, 20));
      inside--;
      return most;
    };
    await Promise.all([1, 2, 3].map(() => withFolderLock(inner, work)));
    expect(most).toBe(1);
    expect(readdirSync(inner)).toEqual([]);
  });

  it('lets go when the work fails', async () => {
    await expect(withFolderLock(folder, () => Promise.reject(new Error('no luck')))).rejects.toThrow('no luck');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('says who holds it when waiting takes too long', async () => {
    const unlock = lockFolder(folder);
    const told: string[] = [];
    const waiting = withFolderLock(folder, async () => 1, { timeoutMs: 10, onWait: (holder) => told.push(holder) });
    await expect(waiting).rejects.toMatchObject({
      code: 'ALREADY_IN_USE',
      message: expect.stringContaining(String(process.pid)),
    });
    expect(told).toEqual([`process ${process.pid} on ${hostname()}`]);
    unlock();
  });

  it('takes over from another machine only once its lock has stood still for a minute', async () => {
    writeFileSync(path, lockText(1, 'elsewhere'));
    const now = performance.now.bind(performance);
    let ahead = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => now() + ahead);
    let isDone = false;
    const waiting = withFolderLock(folder, async () => {
      isDone = true;
    });
    const pass = async (ms: number) => {
      ahead += ms;
      await new Promise((next) => setTimeout(next, 450));
    };
    await pass(0);
    for (let beat = 1; beat <= 2; beat++) {
      utimesSync(path, beat, beat);
      await pass(45_000);
      expect(isDone).toBe(false);
    }
    await pass(61_000);
    await waiting;
    expect(isDone).toBe(true);
    expect(readdirSync(folder)).toEqual([]);
  });
});
