// Every published entry loads as ESM and as CommonJS, on this Node and on the oldest supported one when it is at hand, with the same names in both.
import { join } from 'node:path';
import { runProgram } from './command.mjs';
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

export async function checkExports(root) {
  const nodes = [process.execPath, process.env.MOE_RL_OUTER_NODE].filter(
    (node, index, all) => node !== undefined && all.indexOf(node) === index,
  );
  const problems = await Promise.all(
    publishedEntries(root).flatMap(({ folder, specifier }) =>
      nodes.map(async (node) => {
        const options = { cwd: join(root, folder), timeoutSeconds: 60 };
        const { status, output } = await runProgram(node, ['-e', PROBE, specifier], options);
        if (status === 0) return [];
        const where = node === process.execPath ? 'the development Node' : 'the outer Node';
        return [`${specifier} on ${where}: ${output.trim().split('\n').at(-1)}`];
      }),
    ),
  );
  return problems.flat();
}

function publishedEntries(root) {
  const folders = packageFolders(root).filter((name) => name.startsWith('packages/'));
  return folders.flatMap((folder) => {
    const { name, exports, moeRl } = readManifest(root, folder);
    return (
      Object.keys(exports)
        .filter((entry) => typeof exports[entry] !== 'string')
        // A subpath that is an adapter to a test framework can only load inside it.
        .filter((entry) => !moeRl?.loadsOnlyInTests?.includes(entry))
        .map((entry) => ({ folder, specifier: name + entry.slice(1) }))
    );
  });
}
