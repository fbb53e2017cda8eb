// Runs scripts/test-resume.mjs (train, kill -9, resume, compare with a run that went straight) with a network small enough for the wasm backend.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const script = join(dirname(fileURLToPath(import.meta.url)), '../../../../scripts/test-resume.mjs');
const sizes = ['hiddenUnits=16', 'encoder.hiddenUnits=16', 'moe.expertHiddenUnits=8', 'moe.experts=2'];

// The script runs the program from source.
it.skipIf(process.env.MOE_RL_TEST_TARGET === 'dist')(
  'resumes exactly after kill -9 on the wasm backend',
  () => {
    const result = spawnSync(
      process.execPath,
      [
        ...['--conditions=@moe-rl/source', '--disable-warning=ExperimentalWarning', script],
        ...[
          '--backend',
          'wasm',
          '--agent-steps',
          '600',
          '--game',
          'bsuite/catch',
          '--preset',
          'classic-control-soft-moe',
        ],
        ...['agent.batchSize=8', ...sizes.map((size) => `network.${size}`)].flatMap((setting) => ['--set', setting]),
      ],
      { env: { ...process.env, NODE_OPTIONS: '' }, encoding: 'utf8' },
    );
    expect(result.stderr).toBe('');
    expect(result.stdout.match(/^ok +\w+/gm)).toEqual(
      ['agent', 'environment', 'replay', 'metrics', 'evaluation'].map((what) => `ok     ${what}`),
    );
    expect(result.status).toBe(0);
  },
  180_000,
);
