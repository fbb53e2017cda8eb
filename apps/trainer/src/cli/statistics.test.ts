// `moe-rl statistics`: a study from the command line, stopped by Ctrl-C and gone on with, and what it refuses.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runCli, startCli } from '../testing/spawn-cli.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'moe-rl-statistics-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const lines = (): string[] => readFileSync(join(folder, 'results.jsonl'), 'utf8').trim().split('\n').sort();

test('Ctrl-C keeps every finished repeat, and the next start ends with the numbers of a straight run', async () => {
  const args = ['statistics', 'estimation', '--folder', folder, '--sizes', '100,400', '--repeats', '6'];
  const { child, result } = startCli([...args, '--workers', '1']);
  child.stderr!.on('data', (chunk: Buffer) => {
    if (/: [1-9]\d* of 48 repeats/.test(chunk.toString())) child.kill('SIGINT');
  });
  const stopped = await result;
  expect(stopped.code).toBe(130);
  expect(stopped.stdout).toContain(`go on with moe-rl statistics estimation --folder ${folder}`);
  expect(lines().length).toBeLessThan(48);
  // By its name alone: the folder knows its seed and plan.
  const second = await runCli(['statistics', 'estimation', '--folder', folder]);
  expect(second.code).toBe(0);
  expect(second.stdout).toMatch(/slope in n -\d\.\d+ \[-\d\.\d+, -\d\.\d+\], theory -1/);
  const resumed = lines();
  expect(resumed).toHaveLength(48);
  rmSync(folder, { recursive: true });
  expect((await runCli(args)).code).toBe(0);
  expect(lines()).toEqual(resumed);
  expect(readFileSync(join(folder, 'estimation.svg'), 'utf8')).toContain('slope -');
  expect(JSON.parse(readFileSync(join(folder, 'summary.json'), 'utf8'))).toMatchObject({
    study: 'estimation',
    lines: 48,
  });
});

test('a slope of single repeats has no interval: nothing is known of how they vary', async () => {
  const { code, stdout } = await runCli(['statistics', 'approximation', '--folder', folder, '--workers', '1']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/slope in m -1\.9\d\d, theory -2/);
});

test('refuses by name, with exit code 2 and no stack trace', async () => {
  for (const [args, message] of [
    [['densty'], 'expected one of density, approximation, estimation, theorems, selection'],
    [['density', '--sizes', '10,x'], '--sizes has "x"'],
    [['density', '--folder', folder, '--repeats', '0'], '--repeats is 0; expected an integer of at least 1'],
    [['density', '--folder', folder, '--workers', '0'], '--workers is 0; expected an integer of at least 1'],
    [['density', '--size', '3'], "unknown option '--size'"],
  ] as const) {
    const { code, stderr } = await runCli(['statistics', ...args]);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('    at ');
    expect(stderr).not.toContain('tasks');
  }
});
