// golden <folder>: runs every golden vector below a folder through everything of ours that computes the same thing, and prints `N passed, N failed`.
// Families are pluggable: families/<name of the folder that holds the vectors>.mjs exports `checks({ vector, name, file, adapters })`, which yields
// { name, run } for a check, or { name, knownDifference: 'reason' } where we differ from the official code on purpose. Keys of a vector's config that no check
// reads fail by name, unless the family lists them under `descriptions`.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { loadAdapters } from './adapters.mjs';
import { checksOf } from './honour.mjs';
import { readVectors } from './vectors.mjs';

const folder = process.argv[2] ? resolve(process.env.INIT_CWD ?? process.cwd(), process.argv[2]) : undefined;
if (!folder || !existsSync(folder)) {
  console.error(folder ? `no such folder: ${process.argv[2]}` : 'usage: golden <folder>');
  process.exit(2);
}

const vectors = readVectors(folder);
if (vectors.length === 0) {
  console.error(`no golden vectors (*.json with config and outputs) below ${process.argv[2]}`);
  process.exit(2);
}

const { adapters, skipped } = await loadAdapters();
console.log(`adapters: ${adapters.map((adapter) => adapter.name).join(', ')}`);
for (const [name, reason] of skipped) console.log(`not loaded: ${name}: ${reason}`);

const families = new Map();
const notCovered = new Map();
const differences = [];
let passed = 0;
let failed = 0;
for (const { file, family, name, vector } of vectors) {
  if (!families.has(family)) {
    const module = new URL(`./families/${family}.mjs`, import.meta.url);
    families.set(family, existsSync(module) ? { ...(await import(module.href)).default, counts: {} } : undefined);
  }
  const cover = families.get(family);
  const checks = cover ? [...checksOf(cover, { vector, name, file, adapters })] : [];
  if (checks.length === 0) notCovered.set(family, [...(notCovered.get(family) ?? []), name]);
  for (const check of checks) {
    if (check.knownDifference) {
      differences.push(`${family}/${name}: ${check.knownDifference}`);
      continue;
    }
    cover.counts[check.name] ??= { passed: 0, failed: 0 };
    const counts = cover.counts[check.name];
    try {
      await check.run();
      counts.passed++;
      passed++;
    } catch (error) {
      counts.failed++;
      failed++;
      const message = error instanceof Error ? (process.env.DEBUG ? error.stack : error.message) : String(error);
      console.log(`FAILED ${family}/${name} on ${check.name}\n  ${message.split('\n').join('\n  ')}`);
    }
  }
}

for (const [family, cover] of families) {
  const counts = Object.entries(cover?.counts ?? {}).map(
    ([name, count]) => `${name} ${count.passed}/${count.passed + count.failed}`,
  );
  if (counts.length > 0) console.log(`${family}: ${counts.join(', ')}`);
}
for (const [family, names] of notCovered) console.log(`not covered: ${family} (${names.length} vectors)`);
for (const difference of differences) console.log(`known difference: ${difference}`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
