// The official vectors, through the same checks as `golden testdata/golden`: losses, optimizers and statistics whole, and networks on TensorFlow (on
// tfjs' own backend a few, which take seconds each).
import { readdirSync, readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { loadTestBackend } from './testing/fixtures.ts';

interface Check {
  readonly name: string;
  readonly run?: () => unknown;
  readonly knownDifference?: string;
}
interface Family {
  checks(given: { vector: unknown; name: string; adapters: readonly object[] }): Iterable<Check>;
}

const root = new URL('../../../', import.meta.url);
const { canRecord } = await loadTestBackend();
const adapters = [{ name: 'tfjs', tf, activate: async () => {} }];
const onCpu = /net_0[26]/;

async function family(script: string): Promise<Family> {
  const file = new URL(`scripts/golden/families/${script}.mjs`, root).href;
  return ((await import(file)) as { default: Family }).default;
}

describe.each([
  ['losses', 'losses-agents', /./, 15],
  ['optimizers', 'optimizers', /./, 6],
  ['stats', 'stats', /./, 8],
  ['networks', 'networks', canRecord ? /./ : onCpu, canRecord ? 16 : 2],
] as const)('%s', (folder, script, wanted, count) => {
  it('equal the official code', async () => {
    const { checks } = await family(script);
    const directory = new URL(`testdata/golden/${folder}/`, root);
    let made = 0;
    for (const file of readdirSync(directory).filter((name) => wanted.test(name))) {
      const vector = JSON.parse(readFileSync(new URL(file, directory), 'utf8'));
      for (const check of checks({ vector, name: file.replace('.json', ''), adapters })) {
        await check.run?.();
        made++;
      }
    }
    expect(made).toBe(count);
  }, 300_000);
});
