// Every published entry loads as ESM and as CommonJS, on this Node and on the oldest supported one when it is at hand, with the same names in both.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { packageFolders, readManifest } from './workspace.mjs';

const PROBE = `
const [specifier] = process.argv.slice(1);
const { createRequire } = require('node:module');
const load = createRequire(process.cwd() + '/');
const names = (module) => Object.keys(module).filter((name) => name !== 'default' && name !== '__esModule' && name !== 'module.exports').sort().join(' ');
import(specifier).then((esm) => {
  const cjs = load(specifier);
  if (names(esm) !== names(cjs)) throw new Error('ESM exports ' + names(esm) + ' but CommonJS exports ' + names(cjs));
  process.exit(0);
}).catch((error) => { console.error(error.message); process.exit(1); });
`;

export function checkExports(root) {
  const nodes = [process.execPath, process.env.MOE_RL_OUTER_NODE].filter(
    (node, index, all) => node !== undefined && all.indexOf(node) === index,
  );
  const problems = [];
  for (const folder of packageFolders(root).filter((name) => name.startsWith('packages/'))) {
    const manifest = readManifest(root, folder);
    for (const entry of Object.keys(manifest.exports)) {
      if (typeof manifest.exports[entry] === 'string') continue;
      const specifier = manifest.name + entry.slice(1);
      // A subpath that is an adapter to a test framework can only load inside it.
      if (manifest.moeRl?.loadsOnlyInTests?.includes(entry)) continue;
      for (const node of nodes) {
        const result = spawnSync(node, ['-e', PROBE, specifier], {
          cwd: join(root, folder),
          encoding: 'utf8',
          timeout: 60_000,
        });
        if (result.status !== 0)
          problems.push(
            `${specifier} on ${node === process.execPath ? 'the development Node' : 'the outer Node'}: ${(result.stderr || String(result.error)).trim().split('\n').at(-1)}`,
          );
      }
    }
  }
  return problems;
}
