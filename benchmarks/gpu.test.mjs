// `pnpm bench gpu` as a user runs it, on the processor and small: what it writes, and what a bad option is told.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { missing } from '../packages/pjrt/src/testing/plugin.ts';

const program = fileURLToPath(new URL('run.mjs', import.meta.url));
const bench = (...args) =>
  spawnSync(process.execPath, ['--conditions=@moe-rl/source', program, ...args], { encoding: 'utf8' });

test.skipIf(missing !== undefined)(
  'the form for processors writes a file with every kind of row',
  () => {
    const results = mkdtempSync(join(tmpdir(), 'moe-rl-bench-'));
    const engines = ['--engines', existsSync('/dev/kfd') ? 'pjrt-cpu' : 'pjrt-cpu,pjrt-rocm'];
    const { status, stdout, stderr } = bench('gpu', '--cpu', '--tiny', ...engines, '--results', results);
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(stdout).toContain('learn/nature/b2/pjrt-cpu');
    expect(readdirSync(results)).toEqual(['gpu-cpu.json']);
    const report = JSON.parse(readFileSync(join(results, 'gpu-cpu.json'), 'utf8'));
    expect(Object.keys(report)).toEqual(
      expect.arrayContaining(['rows', 'device', 'engines', 'networks', 'batches', 'machine', 'tiny']),
    );
    expect(report.device).toMatchObject({ device: 'cpu', platform: 'cpu' });
    const measured = report.rows.filter(({ ours }) => ours > 0).map(({ name }) => name);
    expect(measured).toEqual(
      expect.arrayContaining([
        ...['floor/round-trip/pjrt-cpu', 'floor/product-default/pjrt-cpu', 'floor/bytes-to-device/pjrt-cpu'],
        ...['learn/nature/b2/pjrt-cpu', 'update/nature/b2/pjrt-cpu', 'act/nature/b1/pjrt-cpu'],
        ...['training/nature/pjrt-cpu', 'seeds/nature/x2-each/pjrt-cpu'],
      ]),
    );
    // An engine that is not there is a row with its reason.
    const others = report.rows.filter(({ engine }) => engine !== 'pjrt-cpu');
    for (const row of others) expect(row).toMatchObject({ ours: null, reason: expect.stringContaining('no AMD GPU') });
  },
  300_000,
);

test('an option of another benchmark, or a value that is none, is refused by name', () => {
  expect(bench('step', '--cpu')).toMatchObject({ status: 2, stderr: expect.stringContaining('--cpu is for "gpu"') });
  const batches = bench('gpu', '--batches', '32,x');
  expect(batches).toMatchObject({ status: 2, stderr: expect.stringContaining('--batches is "32,x"') });
  const engine = bench('gpu', '--engines', 'cuda');
  expect(engine).toMatchObject({ status: 2, stderr: expect.stringContaining('there is no engine "cuda"') });
});
