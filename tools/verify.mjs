// `pnpm verify`: everything about the code base that is not a unit test. Each check prints what it found and counts as one test; the last line is
// `N passed, N failed`. Needs built packages (`npm run setup`). `pnpm verify <name>` runs one check.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkChangesets } from './checks/changesets.mjs';
import { checkExports } from './checks/exports.mjs';
import { checkFileLength } from './checks/file-length.mjs';
import { checkLayers } from './checks/layers.mjs';
import { checkPackages } from './checks/packages.mjs';
import { checkReadmeExamples } from './checks/readme-examples.mjs';
import { checkTraces } from './checks/traces.mjs';
import { packageFolders } from './checks/workspace.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const bin = (name) => join(root, 'node_modules/.bin', name);

const checks = {
  lint: () => command(bin('biome'), ['check', '--error-on-warnings', '.']),
  types: () => command(bin('tsc'), ['-b', ...packageFolders(root)]),
  layers: () => checkLayers(root),
  packages: () => checkPackages(root),
  'file-length': () => checkFileLength(root),
  changesets: () => checkChangesets(root),
  traces: () => checkTraces(root),
  knip: () => command(bin('knip'), ['--no-progress', '--no-config-hints']),
  exports: () => checkExports(root),
  publint: () => forEachPackage((folder) => command(bin('publint'), ['run', '--strict', '--level', 'warning'], folder)),
  attw: () =>
    forEachPackage((folder) =>
      command(bin('attw'), ['--pack', '.', '--format', 'ascii', '--profile', 'node16'], folder),
    ),
  pack: () =>
    [
      'scripts/check-pack.mjs',
      'scripts/check-pack-statistics.mjs',
      'scripts/check-pack-text2reward.mjs',
      'scripts/check-pack-pjrt.mjs',
      'scripts/check-pack-reward-design.mjs',
      'scripts/check-pack-error-correction.mjs',
    ].flatMap((script) =>
      existsSync(join(root, script)) ? command(process.execPath, [script]) : [`${script} is missing`],
    ),
  'statistics-page': () => page('statistics'),
  'text2reward-page': () => page('text2reward'),
  'error-correction-page': () => page('error-correction'),
  'reward-design-page': () => page('reward-design'),
  'readme-examples': () => checkReadmeExamples(root),
};

const names = process.argv.slice(2);
for (const name of names)
  if (!(name in checks)) throw new Error(`unknown check "${name}"; expected one of ${Object.keys(checks).join(', ')}`);
let passed = 0;
let failed = 0;
for (const [name, check] of Object.entries(checks)) {
  if (names.length > 0 && !names.includes(name)) continue;
  const started = Date.now();
  const problems = await check();
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  if (problems.length === 0) passed++;
  else failed++;
  process.stdout.write(`${problems.length === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)\n`);
  for (const problem of problems) process.stdout.write(`       ${problem.replaceAll('\n', '\n       ')}\n`);
}
process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
process.exitCode = failed > 0 ? 1 : 0;

/** Runs a tool; its output is the problem when it fails. */
/** A page of docs/ says what its results say. */
function page(name) {
  return command(process.execPath, ['--conditions=@moe-rl/source', `scripts/render-${name}.mjs`, '--check']);
}

function command(program, args, cwd = root) {
  const result = spawnSync(program, args, {
    cwd,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    env: { ...process.env, FORCE_COLOR: '0', NO_COLOR: '1' },
  });
  if (result.status === 0) return [];
  return [`${result.error?.message ?? ''}${result.stdout ?? ''}${result.stderr ?? ''}`.trim().slice(-6000)];
}

function forEachPackage(check) {
  return packageFolders(root)
    .filter((folder) => folder.startsWith('packages/'))
    .flatMap((folder) => check(join(root, folder)).map((problem) => `${folder}: ${problem}`));
}
