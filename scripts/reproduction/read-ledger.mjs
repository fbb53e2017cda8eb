// Reads ledger.yaml, with the YAML library of the experiments package.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/** @returns {{ experiments: Record<string, { title: string, options: string[] }>, costs: { title: string, options: string[] }[], claims: Record<string, any>[] }} */
export function readLedger() {
  const require = createRequire(new URL('../../packages/experiments/package.json', import.meta.url));
  return require('yaml').parse(readFileSync(new URL('ledger.yaml', import.meta.url), 'utf8'));
}
