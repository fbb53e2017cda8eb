// Runs scripts/test-resume.mjs (train, kill -9, resume, compare with a run that went straight) with a network small enough for the wasm backend.
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const script = join(dirname(fileURLToPath(import.meta.url)), '../../../../scripts/test-resume.mjs');
const sizes = ['hiddenUnits=16', 'encoder.hiddenUnits=16', 'moe.expertHiddenUnits=8', 'moe.experts=2'];

function runScript(backend: string, agentSteps: number): SpawnSyncReturns<string> {
  const program = ['--conditions=@moe-rl/source', '--disable-warning=ExperimentalWarning', script];
  const run = ['--game', 'bsuite/catch', '--preset', 'classic-control-soft-moe', '--agent-steps', String(agentSteps)];
  const settings = ['agent.batchSize=8', ...sizes.map((size) => `network.${size}`)];
  return spawnSync(
    process.execPath,
    [...program, '--backend', backend, ...run, ...settings.flatMap((setting) => ['--set', setting])],
    { env: { ...process.env, NODE_OPTIONS: '' }, encoding: 'utf8' },
  );
}

function expectEqualRuns({ status, stdout, stderr }: SpawnSyncReturns<string>): void {
  expect(stderr).toBe('');
  expect(stdout.match(/^ok +\w+/gm)).toEqual(
    ['agent', 'environment', 'replay', 'metrics', 'evaluation'].map((what) => `ok     ${what}`),
  );
  expect(status).toBe(0);
}

// The script runs the program from source.
describe.skipIf(process.env.MOE_RL_TEST_TARGET === 'dist')('resumes exactly after kill -9', () => {
  it('on the wasm backend', () => expectEqualRuns(runScript('wasm', 600)), 180_000);

  it('on the webgpu backend, where there is an adapter', ({ skip }) => {
    const result = runScript('webgpu', 120);
    const [missing] = result.stdout.match(/^skipped: .*/m) ?? [];
    if (missing !== undefined) skip(missing);
    expectEqualRuns(result);
  }, 180_000);
});
