// The official vectors, through the same checks as `golden testdata/golden`: losses, optimizers and statistics whole, and networks and training steps on
// TensorFlow (on tfjs' own backend a few, which take seconds each).
import { readdirSync, readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { loadTestBackend } from './testing/fixtures.ts';

interface Check {
  readonly name: string;
  readonly run?: () => unknown;
  readonly knownDifference?: string;
}
interface Given {
  readonly vector: unknown;
  readonly name: string;
  readonly adapters: readonly object[];
}
type ChecksOf = (family: object, given: Given) => Iterable<Check>;

const root = new URL('../../../', import.meta.url);
const { canRecord } = await loadTestBackend();
const adapters = [{ name: 'tfjs', tf, activate: async () => {} }];
const onCpu = /net_0[26]/;

const script = (path: string) => import(new URL(`scripts/golden/${path}.mjs`, root).href);
const { checksOf } = (await script('honour')) as { checksOf: ChecksOf };

describe.each([
  ['losses', 'losses-agents', /./, 15],
  ['optimizers', 'optimizers', /./, 6],
  ['stats', 'stats', /./, 6],
  ['networks', 'networks', canRecord ? /./ : onCpu, canRecord ? 16 : 2],
  ['steps', 'steps', canRecord ? /./ : /^(dqn_mse|c51_prioritized|schedule_dqn)\.json/, canRecord ? 40 : 3],
] as const)('%s', (folder, familyName, wanted, count) => {
  it('equal the official code', async () => {
    const family = ((await script(`families/${familyName}`)) as { default: object }).default;
    const directory = new URL(`testdata/golden/${folder}/`, root);
    const checked = new Set<string>();
    for (const file of readdirSync(directory).filter((name) => wanted.test(name))) {
      const vector = JSON.parse(readFileSync(new URL(file, directory), 'utf8'));
      for (const check of checksOf(family, { vector, name: file.replace('.json', ''), adapters })) {
        if (check.run === undefined) continue;
        await check.run();
        checked.add(file);
      }
    }
    expect(checked.size).toBe(count);
  }, 300_000);
});
