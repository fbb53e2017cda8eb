// Runs the tests and ends with the line `N passed, N failed`, from real counts. `npm test` calls it after the set-up; `.ci/run` adds `--ci`: skips of what needs
// real ROMs or the native backend then count as failures, unit tests try more cases (MOE_RL_THOROUGH), and the slower stages (`pnpm verify`, the built
// packages on two Node versions) run too.
// `--only NAME` runs one stage.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const isCi = process.argv.includes('--ci');
const onlyAt = process.argv.indexOf('--only');
const only = onlyAt === -1 ? undefined : process.argv[onlyAt + 1];
const results = join(root, '.cache/test-results');
mkdirSync(results, { recursive: true });

const environment = {
  ...process.env,
  FORCE_COLOR: process.stdout.isTTY ? '1' : '0',
  TF_CPP_MIN_LOG_LEVEL: '2',
  // Many tests start the program from source: Node keeps what it compiled, which takes a start from 1.2 to 0.4 s of processor time.
  NODE_COMPILE_CACHE: join(root, '.cache/compiled'),
  ...(isCi ? { MOE_RL_REQUIRE_ROMS: '1', MOE_RL_REQUIRE_NATIVE: '1' } : {}),
};

/** Each stage returns its counts. A stage that breaks without counts is one failure. */
const stages = [
  { name: 'prepare', when: true, run: prepare },
  { name: 'unit', when: true, run: () => vitest('unit', isCi ? { MOE_RL_THOROUGH: '1' } : {}) },
  { name: 'examples', when: true, run: () => countedScript('scripts/examples/run.mjs', ['testdata/examples.json']) },
  { name: 'golden', when: true, run: () => countedScript('scripts/golden/run.mjs', ['testdata/golden']) },
  {
    name: 'golden:ale',
    when: true,
    run: () => countedScript('packages/ale-wasm/scripts/golden-ale.mjs', ['testdata/ale/traces']),
  },
  { name: 'mutants', when: isCi, run: () => countedScript('scripts/test-mutants.mjs', ['--sample', '10']) },
  { name: 'verify', when: isCi, run: () => countedScript('tools/verify.mjs', []) },
  { name: 'built packages, Node 24', when: isCi, run: () => vitest('dist-24', { MOE_RL_TEST_TARGET: 'dist' }) },
  { name: 'built packages, Node 20', when: isCi, run: testOnNode20 },
];

let passed = 0;
let failed = 0;
let skipped = 0;
const rows = [];
for (const stage of stages) {
  if (!(only === undefined ? stage.when : stage.name === only)) continue;
  const started = Date.now();
  process.stdout.write(`\n=== ${stage.name}\n`);
  const counts = await stage.run();
  passed += counts.passed;
  failed += counts.failed;
  skipped += counts.skipped ?? 0;
  rows.push([stage.name, counts, (Date.now() - started) / 1000]);
}

process.stdout.write('\n');
for (const [name, counts, seconds] of rows) {
  process.stdout.write(
    `${name.padEnd(26)} ${String(counts.passed).padStart(6)} passed ${String(counts.failed).padStart(4)} failed ${String(counts.skipped ?? 0).padStart(4)} skipped ${seconds.toFixed(0).padStart(5)} s\n`,
  );
}
if (skipped > 0) process.stdout.write(`\n${skipped} skipped\n`);
process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;

/** Fetches once what several tests share (real ROMs, the native backend), so that no test's time limit pays for a download. */
async function prepare() {
  const outcome = { passed: 0, failed: 0, skipped: 0 };
  for (const script of ['packages/ale-wasm/scripts/prepare-roms.mjs', 'packages/tfjs-native/scripts/prepare.mjs']) {
    if (!existsSync(join(root, script))) continue;
    const { status } = await spawned(process.execPath, ['--conditions=@moe-rl/source', script]);
    if (status !== 0 && isCi) outcome.failed++;
  }
  if (isCi) await installRedis();
  return outcome;
}

/** The tests of the queue want a real Redis, which they start themselves; without one they are skipped by name. */
async function installRedis() {
  if ((await spawned('redis-server', ['--version'], {}, true)).status === 0) return;
  process.stdout.write('installing redis-server (Debian package), for the tests of the queue\n');
  // Runlevel 1 keeps the package from starting a server of its own.
  const quiet = { DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  const install = ['install', '-y', '-q', '--no-install-recommends', 'redis-server'];
  if ((await spawned('apt-get', install, quiet, true)).status === 0) return;
  await spawned('apt-get', ['update', '-q'], quiet, true);
  const { status } = await spawned('apt-get', install, quiet, true);
  if (status !== 0)
    process.stdout.write('redis-server is missing and cannot be installed: the tests of the queue are skipped\n');
}

async function vitest(
  label,
  extra,
  { node = process.execPath, entry = join(root, 'node_modules/vitest/vitest.mjs'), args = [] } = {},
) {
  const report = join(results, `${label}.json`);
  rmSync(report, { force: true });
  // Two test files run at a time: with threads of its own each would only be in the other's way (some learn in half the processor time so). Tests of what
  // is computed on several threads say how many they want.
  const oneThread = { TF_NUM_INTRAOP_THREADS: '1', TF_NUM_INTEROP_THREADS: '1' };
  const { status } = await spawned(
    node,
    [entry, 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...args],
    { ...oneThread, ...extra },
  );
  if (!existsSync(report)) return { passed: 0, failed: 1, skipped: 0 };
  const summary = JSON.parse(readFileSync(report, 'utf8'));
  const skips = summary.numPendingTests + summary.numTodoTests;
  // A suite that fails to load runs no test of its own; count it, or a broken import would pass.
  const brokenSuites = summary.testResults.filter(
    (suite) => suite.status === 'failed' && suite.assertionResults.length === 0,
  ).length;
  const failures = summary.numFailedTests + brokenSuites;
  return { passed: summary.numPassedTests, failed: failures === 0 && status !== 0 ? 1 : failures, skipped: skips };
}

/** A script that ends with its own line `N passed, N failed`. */
async function countedScript(script, args) {
  if (!existsSync(join(root, script))) {
    process.stdout.write(`${script} is missing\n`);
    return { passed: 0, failed: 1 };
  }
  const { status, output } = await spawned(process.execPath, [
    '--conditions=@moe-rl/source',
    join(root, script),
    ...args,
  ]);
  const line = [...output.matchAll(/^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?\s*$/gm)].at(-1);
  if (line === undefined) return { passed: 0, failed: 1 };
  const counts = { passed: Number(line[1]), failed: Number(line[2]), skipped: Number(line[3] ?? 0) };
  return status !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}

/** The same test files against dist/ on the oldest supported Node: the one the set-up ran on if it is a Node 20, else one from the registry. */
async function testOnNode20() {
  const outer = process.env.MOE_RL_OUTER_NODE;
  let node = outer !== undefined && (await versionOf(outer)).startsWith('v20.') ? outer : undefined;
  if (node === undefined) {
    const folder = join(root, '.cache/node-20');
    node = join(folder, 'node_modules/node/bin/node');
    if (!existsSync(node)) {
      await spawned('npm', ['install', '--no-audit', '--no-fund', '--no-save', '--prefix', folder, 'node@20']);
    }
  }
  return vitest(
    'dist-20',
    { MOE_RL_TEST_TARGET: 'dist' },
    {
      node,
      entry: join(root, 'node_modules/vitest-node-20/vitest.mjs'),
      args: ['--config', 'tools/vitest.node-20.config.mjs'],
    },
  );
}

async function versionOf(node) {
  return (await spawned(node, ['--version'], {}, true)).output.trim();
}

function spawned(program, args, extra = {}, quiet = false) {
  return new Promise((done) => {
    const child = spawn(program, args, {
      cwd: root,
      env: { ...environment, ...extra },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        output = (output + chunk).slice(-200_000);
        if (!quiet) process.stdout.write(chunk);
      });
    }
    child.on('error', (error) => {
      process.stdout.write(`${program}: ${error.message}\n`);
      done({ status: -1, output });
    });
    child.on('close', (status) => done({ status, output }));
  });
}
