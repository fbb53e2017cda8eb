// What the bootstrap does again, and its failures: each one clear sentence and exit code 2, no stack trace.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

let folder;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'moe-rl-bootstrap-'));
  mkdirSync(join(folder, 'tools'));
  cpSync(join(import.meta.dirname, 'bootstrap.mjs'), join(folder, 'tools/bootstrap.mjs'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function bootstrap(job, environment = {}) {
  return spawnSync(process.execPath, ['tools/bootstrap.mjs', job], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, ...environment },
  });
}

it('says that the registry is out of reach', () => {
  // Port 9 of the loopback interface: nothing listens there.
  const result = bootstrap('setup', {
    npm_config_registry: 'http://127.0.0.1:9/',
    npm_config_fetch_retries: '0',
    npm_config_cache: join(folder, 'npm-cache'),
  });
  expect(result.status).toBe(2);
  expect(result.stderr).toContain("moe-rl: fetching pnpm failed: the package registry can't be reached.");
  expect(result.stderr).not.toMatch(/\n\s+at /);
});

it('names an unknown job and the known ones', () => {
  const result = bootstrap('strat');
  expect(result.status).toBe(2);
  expect(result.stderr).toContain('unknown job "strat"; expected one of setup, start, test');
});

it('installs and builds once, then only what changed', () => {
  const write = (path, text) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  const version = /PNPM_VERSION = '(.*)'/.exec(readFileSync(join(folder, 'tools/bootstrap.mjs'), 'utf8'))[1];
  // Stands in for pnpm: leaves behind what an install and a build leave, and writes down what it was asked.
  write(
    `.cache/pnpm-${version}/node_modules/pnpm/bin/pnpm.mjs`,
    `import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
const task = process.argv[2];
appendFileSync('calls', task + '\\n');
mkdirSync(task === 'install' ? 'node_modules' : 'packages/a/dist', { recursive: true });
if (task === 'install') writeFileSync('node_modules/.modules.yaml', '');
`,
  );
  write('package.json', '{"scripts": {"build": "turbo run build"}}');
  write('packages/a/package.json', '{"scripts": {"build": "tsc"}}');
  write('packages/a/src/index.ts', 'export {};');
  const callsOf = () => {
    rmSync(join(folder, 'calls'), { force: true });
    expect(bootstrap('setup')).toMatchObject({ status: 0, stdout: expect.stringContaining('Ready.') });
    return existsSync(join(folder, 'calls')) ? readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n') : [];
  };
  expect(callsOf()).toEqual(['install', 'exec']);
  expect(callsOf()).toEqual([]);
  write('packages/a/src/index.ts', 'export const a = 1;');
  expect(callsOf()).toEqual(['exec']);
  write('pnpm-lock.yaml', 'lockfileVersion: 9');
  expect(callsOf()).toEqual(['install', 'exec']);
  rmSync(join(folder, 'packages/a/dist'), { recursive: true });
  expect(callsOf()).toEqual(['exec']);
});
