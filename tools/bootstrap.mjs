// `npm start`, `npm test` and `npm run setup` begin here: with nothing but Node and npm, brings pnpm, installs from the lock file, builds what changed, then
// goes on with the job on the Node version that the lock file pins. No dependencies; runs on Node 20.19 and later.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const PNPM_VERSION = '12.21.0';
const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const cache = join(root, '.cache');
const [command, ...rest] = process.argv.slice(2);
const started = Date.now();

/** A problem the reader can act on: printed without a stack trace, exit code 2. */
class SetupError extends Error {}

const JOBS = {
  setup: () => say(`Ready. \`npm start\` trains an agent, \`npm test\` runs the tests.`),
  start: () => runJob(join(root, 'apps/trainer/dist/bin.js'), ['quickstart', ...rest]),
  test: () => runJob(join(root, 'tools/test.mjs'), rest),
};

try {
  if (!(command in JOBS))
    throw new SetupError(`unknown job "${command}"; expected one of ${Object.keys(JOBS).join(', ')}`);
  requireNode();
  const pnpm = await providePnpm();
  await install(pnpm);
  await build(pnpm);
  await JOBS[command]();
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`\nmoe-rl: ${error.message}\n`);
  process.exitCode = 2;
}

function say(text) {
  process.stdout.write(`moe-rl: ${text}\n`);
}

function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    throw new SetupError(`this is Node ${process.versions.node}; moe-rl needs 20.19 or later (https://nodejs.org)`);
  }
}

/** The pinned pnpm, installed by npm into .cache once. */
async function providePnpm() {
  const folder = join(cache, `pnpm-${PNPM_VERSION}`);
  const entry = join(folder, 'node_modules/pnpm/bin/pnpm.mjs');
  if (existsSync(entry)) return entry;
  say(`setting up (1/3): fetching pnpm ${PNPM_VERSION}`);
  const staging = `${folder}.${process.pid}`;
  mkdirSync(staging, { recursive: true });
  writeFileSync(join(staging, 'package.json'), '{"private":true}');
  await run(
    npmCommand(),
    ['install', '--no-audit', '--no-fund', '--no-save', '--loglevel=error', `pnpm@${PNPM_VERSION}`],
    { cwd: staging },
    'fetching pnpm',
  );
  try {
    renameSync(staging, folder);
  } catch (error) {
    // Another process was faster: its copy is as good.
    rmSync(staging, { recursive: true, force: true });
    if (!existsSync(entry)) throw error;
  }
  return entry;
}

/** Installs when the lock file or a manifest changed since the last install. */
async function install(pnpm) {
  const stamp = join(cache, 'installed');
  const fingerprint = fingerprintOf(['pnpm-lock.yaml', 'pnpm-workspace.yaml', ...manifests()]);
  if (existsSync(join(root, 'node_modules/.modules.yaml')) && read(stamp) === fingerprint) return;
  say('setting up (2/3): installing packages from the lock file (some 300 MB the first time)');
  await run(
    process.execPath,
    [pnpm, 'install', '--frozen-lockfile', '--reporter=append-only'],
    { cwd: root },
    'installing packages',
  );
  mkdirSync(cache, { recursive: true });
  writeFileSync(stamp, fingerprint);
}

/** Builds through turbo, which skips every package whose sources did not change. */
async function build(pnpm) {
  const stamp = join(cache, 'built');
  const fingerprint = fingerprintOf(sources());
  if (read(stamp) === fingerprint && manifests().every((file) => hasOutput(dirname(file)))) return;
  say('setting up (3/3): building packages (what did not change is skipped)');
  await run(
    process.execPath,
    [pnpm, 'exec', 'turbo', 'run', 'build', '--output-logs=errors-only'],
    { cwd: root },
    'building',
  );
  mkdirSync(cache, { recursive: true });
  writeFileSync(stamp, fingerprint);
  say(`set up in ${((Date.now() - started) / 1000).toFixed(0)} s`);
}

function hasOutput(folder) {
  // The root's build is that of all the others.
  if (folder === '.') return true;
  const manifest = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
  return manifest.scripts?.build === undefined || existsSync(join(root, folder, 'dist'));
}

function manifests() {
  const files = ['package.json'];
  for (const group of ['packages', 'apps', 'examples']) {
    for (const name of list(group)) {
      if (existsSync(join(root, group, name, 'package.json'))) files.push(`${group}/${name}/package.json`);
    }
  }
  return files;
}

function sources() {
  const files = ['tsconfig.base.json', 'tools/build-package.mjs', 'pnpm-lock.yaml'];
  const walk = (folder) => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      if (['node_modules', 'dist', '.turbo', '.tsbuild'].includes(entry.name)) continue;
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) walk(path);
      else if (!path.endsWith('.test.ts') && !path.endsWith('.md')) files.push(path);
    }
  };
  for (const group of ['packages', 'apps'])
    for (const name of list(group)) if (existsSync(join(root, group, name, 'package.json'))) walk(`${group}/${name}`);
  return files;
}

function list(group) {
  return existsSync(join(root, group)) ? readdirSync(join(root, group)).sort() : [];
}

function fingerprintOf(files) {
  // Not the Node version: npm puts the pinned Node first on the path once it is installed, and what needs it runs on that one.
  const hash = createHash('sha256');
  for (const file of files)
    if (existsSync(join(root, file)))
      hash
        .update(file)
        .update('\0')
        .update(readFileSync(join(root, file)))
        .update('\0');
  return hash.digest('hex');
}

function read(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

function npmCommand() {
  return process.platform === 'win32' ? 'npm.cmd' : 'npm';
}

/** Runs a set-up step, its output passed through; a failure that looks like the network's says so. */
async function run(program, args, options, what) {
  const child = spawn(program, args, {
    ...options,
    env: environment(),
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: program.endsWith('.cmd'),
  });
  let output = '';
  for (const stream of ['stdout', 'stderr']) {
    child[stream].on('data', (chunk) => {
      output = (output + chunk).slice(-100_000);
      process[stream].write(chunk);
    });
  }
  const status = await new Promise((done) => {
    child.on('error', (error) => {
      output += error.message;
      done(-1);
    });
    child.on('close', done);
  });
  if (status === 0) return;
  if (
    /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|META_FETCH_FAIL|socket hang up/i.test(
      output,
    )
  ) {
    throw new SetupError(
      `${what} failed: the package registry can't be reached. Check the network connection (and npm's proxy and registry settings), then run the same command again.`,
    );
  }
  if (/ENOSPC|no space left/i.test(output)) throw new SetupError(`${what} failed: the disk is full.`);
  if (/EACCES|EPERM|permission denied/i.test(output))
    throw new SetupError(`${what} failed: no permission to write below ${root}.`);
  throw new SetupError(`${what} failed (exit code ${status}); the lines above say why.`);
}

function environment() {
  return {
    ...process.env,
    // turbo starts the package manager by name.
    PATH: `${join(cache, `pnpm-${PNPM_VERSION}`, 'node_modules/.bin')}${delimiter}${process.env.PATH}`,
    TURBO_TELEMETRY_DISABLED: '1',
    DO_NOT_TRACK: '1',
    npm_config_update_notifier: 'false',
    MOE_RL_OUTER_NODE: process.execPath,
  };
}

/** Hands over to the job on the pinned Node, signals included, and ends with its exit code. */
function runJob(script, args) {
  const pinned = join(root, 'node_modules/node/bin/node');
  const node = existsSync(pinned) ? pinned : process.execPath;
  return new Promise((done) => {
    const child = spawn(node, [script, ...args], {
      cwd: root,
      stdio: 'inherit',
      env: {
        ...environment(),
        PATH: [dirname(node), join(root, 'node_modules/.bin'), environment().PATH].join(delimiter),
      },
    });
    // A terminal's Ctrl-C reaches the child itself; this process only waits for it to save and end.
    process.on('SIGINT', () => {});
    process.on('SIGTERM', () => child.kill('SIGTERM'));
    child.on('exit', (code, signal) => {
      process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 1);
      done();
    });
  });
}
