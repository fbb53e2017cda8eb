// One package as its users have it: packed with npm together with what it needs of ours, installed into an empty project outside the workspace, and used there by
// an ESM and a CommonJS program. What the check-pack-*.mjs scripts share. Needs built packages.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const packagesFolder = resolve(dirname(fileURLToPath(import.meta.url)), '../../packages');

/**
 * Prints each program's outcome and `N passed, N failed`, and sets the exit code.
 * @param packages folder names of our packages that are installed
 * @param others versions of other packages by name
 * @param program an ES module, whose imports stand on lines of their own and which awaits nothing outside of functions; gets a folder for itself as its argument
 * @param expected its last line of output
 */
export function checkConsumers({ packages, others = {}, program, expected }) {
  const project = mkdtempSync(join(tmpdir(), 'moe-rl-consumer-'));
  const run = (command, args, cwd = project) =>
    execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  let passed = 0;
  let failed = 0;
  try {
    install(project, packages, others, run);
    for (const [file, text] of [
      ['consumer.mjs', program],
      ['consumer.cjs', withRequire(program)],
    ]) {
      try {
        writeFileSync(join(project, file), text);
        const output = run(process.execPath, [file, join(project, `own-${file}`)])
          .trim()
          .split('\n')
          .at(-1);
        if (output !== expected) throw new Error(`printed ${output}; expected ${expected}`);
        passed++;
        console.log(`ok      ${file}`);
      } catch (error) {
        failed++;
        console.log(`FAILED  ${file}\n${String(error.stderr ?? '').slice(-1500)}${error.message}`);
      }
    }
  } finally {
    rmSync(project, { recursive: true, force: true });
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 && passed === 2 ? 0 : 1;
}

function install(project, packages, others, run) {
  const ours = Object.fromEntries(packages.map((name) => [`@moe-rl/${name}`, `file:${tarballOf(name, project, run)}`]));
  // Given as arguments, npm looks for the ones that it has not come to yet in the registry; so they are named as overrides, too.
  const overrides = Object.fromEntries(Object.keys(ours).map((name) => [name, `$${name}`]));
  const manifest = { private: true, type: 'module', dependencies: { ...ours, ...others }, overrides };
  writeFileSync(join(project, 'package.json'), JSON.stringify(manifest));
  run('npm', ['install', '--no-audit', '--no-fund', '--silent', '--prefer-offline']);
}

/** The tarball among those of the folder MOE_RL_TARBALLS (`pnpm verify` packs every package once), else packed now. */
function tarballOf(name, project, run) {
  const folder = join(packagesFolder, name);
  if (process.env.MOE_RL_TARBALLS !== undefined) {
    const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    return join(process.env.MOE_RL_TARBALLS, `moe-rl-${name}-${version}.tgz`);
  }
  const output = run('npm', ['pack', '--silent', '--pack-destination', project], folder);
  return join(project, output.trim().split('\n').at(-1));
}

/** The same program for CommonJS. */
function withRequire(program) {
  return program
    .replace(/^import \* as (\w+) from ('.*');/gm, 'const $1 = require($2);')
    .replace(/^import (\{.*\}) from ('.*');/gm, 'const $1 = require($2);')
    .replace(/^import ('.*');/gm, 'require($1);');
}
