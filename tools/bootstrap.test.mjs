// The bootstrap's failures: each one clear sentence and exit code 2, no stack trace.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
