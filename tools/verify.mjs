// `pnpm verify`: everything about the code base that is not a unit test. Each check prints what it found and counts as one test; the last line is
// `N passed, N failed`. Needs built packages (`npm run setup`). `pnpm verify <name>` runs one check.
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkChangesets } from './checks/changesets.mjs';
import { command } from './checks/command.mjs';
import { checkExportedTypes } from './checks/exported-types.mjs';
import { checkExports } from './checks/exports.mjs';
import { checkFileLength } from './checks/file-length.mjs';
import { checkLayers } from './checks/layers.mjs';
import { checkPackages } from './checks/packages.mjs';
import { checkReadmeExamples } from './checks/readme-examples.mjs';
import { packedPackages } from './checks/tarballs.mjs';
import { checkTraces } from './checks/traces.mjs';
import { packageFolders } from './checks/workspace.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const bin = (name) => join(root, 'node_modules/.bin', name);

const checks = {
  lint: () => inRoot(bin('biome'), ['check', '--error-on-warnings', '.']),
  types: () => inRoot(bin('tsc'), ['-b', ...packageFolders(root)]),
  'exported-types': () => checkExportedTypes(root),
  layers: () => checkLayers(root),
  packages: () => checkPackages(root),
  'file-length': () => checkFileLength(root),
  changesets: () => checkChangesets(root),
  traces: () => checkTraces(root),
  knip: () => inRoot(bin('knip'), ['--no-progress', '--no-config-hints']),
  exports: () => checkExports(root),
  publint: () =>
    forEachTarball((file) => command(bin('publint'), ['run', file, '--strict', '--level', 'warning'], { cwd: root })),
  attw: () =>
    forEachTarball((file) => command(bin('attw'), [file, '--format', 'ascii', '--profile', 'node16'], { cwd: root })),
  pack: checkPacks,
  'statistics-page': () => page('statistics'),
  'text2reward-page': () => page('text2reward'),
  'error-correction-page': () => page('error-correction'),
  'reward-design-page': () => page('reward-design'),
  'readme-examples': () => checkReadmeExamples(root),
};
// These look at everything or at manifests, which packing rewrites for a moment; what comes after them shares the processors.
const FIRST = ['lint', 'types', 'exported-types', 'layers', 'packages', 'file-length', 'changesets', 'traces', 'knip'];

const names = process.argv.slice(2);
for (const name of names)
  if (!(name in checks)) throw new Error(`unknown check "${name}"; expected one of ${Object.keys(checks).join(', ')}`);
const chosen = Object.keys(checks).filter((name) => names.length === 0 || names.includes(name));
let passed = 0;
let failed = 0;
for (const name of chosen.filter((name) => FIRST.includes(name))) await run(name);
await Promise.all(chosen.filter((name) => !FIRST.includes(name)).map(run));
process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
process.exitCode = failed > 0 ? 1 : 0;

/** Runs a check and prints what it found; the seconds of checks that share the processors overlap. */
async function run(name) {
  const started = Date.now();
  const problems = await Promise.resolve()
    .then(checks[name])
    .catch((error) => [error.stack]);
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  if (problems.length === 0) passed++;
  else failed++;
  process.stdout.write(`${problems.length === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)\n`);
  for (const problem of problems) process.stdout.write(`       ${problem.replaceAll('\n', '\n       ')}\n`);
}

function inRoot(program, args) {
  return command(program, args, { cwd: root });
}

/** A page of docs/ says what its results say. */
function page(name) {
  return inRoot(process.execPath, ['--conditions=@moe-rl/source', `scripts/render-${name}.mjs`, '--check']);
}

async function forEachTarball(check) {
  const { files } = await packedPackages(root);
  const problems = await Promise.all(
    Object.entries(files).map(async ([folder, file]) => (await check(file)).map((problem) => `${folder}: ${problem}`)),
  );
  return problems.flat();
}

/** Tarballs in empty projects, as users have them. */
async function checkPacks() {
  const { folder } = await packedPackages(root);
  const problems = await Promise.all(
    ['', '-statistics', '-text2reward', '-pjrt', '-reward-design', '-error-correction'].map((part) =>
      command(process.execPath, [`scripts/check-pack${part}.mjs`], { cwd: root, env: { MOE_RL_TARBALLS: folder } }),
    ),
  );
  return problems.flat();
}
