// `pnpm bench gpu` as a user runs it, on the processor and small: what it writes, and what a bad option is told.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { missing } from '../packages/pjrt/src/testing/plugin.ts';

const program = fileURLToPath(new URL('run.mjs', import.meta.url));
const benchWith = (environment, ...args) =>
  spawnSync(process.execPath, ['--conditions=@moe-rl/source', program, ...args], {
    encoding: 'utf8',
    env: { ...process.env, ...environment },
  });
const bench = (...args) => benchWith({}, ...args);

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

    // Going on with it measures what failed or is missing, and nothing twice.
    const file = join(results, 'gpu-cpu.json');
    const kept = report.rows.filter(({ what }) => what !== 'training');
    writeFileSync(file, JSON.stringify({ ...report, rows: kept }));
    const more = bench('gpu', '--cpu', '--tiny', '--engines', 'pjrt-cpu', '--results', results, '--add');
    expect(more).toMatchObject({ status: 0, stderr: '' });
    expect(more.stdout.split('\n').filter((line) => /^[a-z]+\/\S+: /.test(line))).toEqual([
      expect.stringMatching(/^training\/nature\/pjrt-cpu: /),
    ]);
    const { rows } = JSON.parse(readFileSync(file, 'utf8'));
    expect(rows).toEqual(expect.arrayContaining(kept));
    expect(rows).toHaveLength(report.rows.length);
    writeFileSync(file, '{ "rows": [');
    const damaged = bench('gpu', '--cpu', '--tiny', '--engines', 'pjrt-cpu', '--results', results, '--add');
    expect(damaged).toMatchObject({ status: 2, stderr: expect.stringContaining('gpu-cpu.json') });
    expect(damaged.stderr).not.toContain('    at ');
  },
  300_000,
);

test('without an engine the file tells why, and for whom there was no time', () => {
  const results = mkdtempSync(join(tmpdir(), 'moe-rl-bench-'));
  const { status } = bench(
    'gpu',
    '--cpu',
    '--tiny',
    '--engines',
    'pjrt-rocm',
    '--results',
    results,
    '--minutes',
    '1e-9',
  );
  expect(status).toBe(0);
  const [name, ...others] = readdirSync(results);
  expect(others).toEqual([]);
  const { rows } = JSON.parse(readFileSync(join(results, name), 'utf8'));
  expect(rows).toEqual([
    expect.objectContaining({ name: 'engine/pjrt-rocm', reason: 'not measured: the time was up' }),
  ]);
});

test.runIf(process.platform === 'linux')('`--peers jax` is the JAX for the card that is there', () => {
  const folder = mkdtempSync(join(tmpdir(), 'moe-rl-bench-'));
  const script = (name, text) => writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  script('nvidia-smi', 'echo "| NVIDIA-SMI 580.65.06  Driver Version: 580.65.06  CUDA Version: 13.0 |"');
  for (const name of ['python3', 'python']) script(name, 'exit 1');
  const environment = { PATH: folder, MOE_RL_CACHE: folder };
  const options = ['--peers', 'jax', '--engines', 'pjrt-rocm', '--results', folder];
  const { status, stdout } = benchWith(environment, 'gpu', ...options);
  expect(status).toBe(0);
  // Which of JAX's builds is tried, by the driver's version.
  expect(stdout).toMatch(/^peer jax-cuda1[23]: left out, no Python with venv was found$/m);
});

test('a folder that can’t be written is told before anything is measured', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'moe-rl-bench-')), 'file');
  writeFileSync(file, '');
  const { status, stdout, stderr } = bench('gpu', '--cpu', '--tiny', '--results', join(file, 'folder'));
  expect(status).toBe(2);
  expect(stdout).not.toContain('floor/');
  expect(stderr).toMatch(/^results can't be kept: .*; name another folder by --results\n$/);
});

test('an option of another benchmark, or a value that is none, is refused by name', () => {
  expect(bench('step', '--cpu')).toMatchObject({ status: 2, stderr: expect.stringContaining('--cpu is for "gpu"') });
  const batches = bench('gpu', '--batches', '32,x');
  expect(batches).toMatchObject({ status: 2, stderr: expect.stringContaining('--batches is "32,x"') });
  const engine = bench('gpu', '--engines', 'cuda');
  expect(engine).toMatchObject({ status: 2, stderr: expect.stringContaining('there is no engine "cuda"') });
  const python = bench('gpu', '--tiny', '--python', '/usr/bin/python3');
  expect(python).toMatchObject({ status: 2, stderr: expect.stringContaining('--python does nothing') });
});
