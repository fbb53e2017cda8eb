// What a reader of a README does: an empty folder, the README's install lines, its examples. With npm, and with pnpm without hoisting, where a package finds
// only what it declares and an example only what was installed by name. Part of check-pack.mjs.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const READMES = ['soft-moe', 'top-k-moe'];
const MANAGERS = ['npm', 'pnpm'];

/**
 * @param packed tarballs of our packages by folder name; versions of anything else are the registry's, within the ranges that the packages name
 * @param check (name, body): counts a check, failed when its body throws
 * @param run (command, arguments, folder): the standard output; throws when the program fails
 */
export function checkReadmes({ root, folder, packed, check, run }) {
  const pnpm = findPnpm(root);
  for (const name of READMES) {
    const readme = readFileSync(join(root, 'packages', name, 'README.md'), 'utf8');
    const examples = examplesOf(readme);
    check(`README of ${name}: every example comes after an install line`, () => {
      if (examples.length === 0 || examples.some(({ words }) => words === undefined))
        throw new Error(`${examples.length} examples, of which some come before the first install line`);
    });
    for (const manager of MANAGERS) {
      const project = join(folder, `${name}-${manager}`);
      examples.forEach(({ example, words = [] }, index) => {
        check(`README of ${name}, example ${index + 1}: ${manager} install ${words.join(' ')}`, () => {
          install({ manager, pnpm, project, words, packed, ranges: rangesOf(root, name), run });
          const file = join(project, `example-${index + 1}.ts`);
          writeFileSync(file, example);
          run(process.execPath, ['--no-warnings', file], project);
        });
        if (index > 0) return;
        check(`${name} without TensorFlow.js, ${manager}: ./tfjs says what to install`, () => {
          for (const [file, source] of [
            ['bare.mjs', `await import('@moe-rl/${name}/tfjs')`],
            ['bare.cjs', `require('@moe-rl/${name}/tfjs')`],
          ]) {
            writeFileSync(join(project, file), source);
            expectFailure(() => run(process.execPath, [file], project), /MissingDependencyError: .* npm install @tens/);
          }
        });
      });
      if (manager === 'pnpm') {
        check(`${name}, pnpm: the folder is strict, so that a package left out of an install line is noticed`, () => {
          writeFileSync(join(project, 'strict.mjs'), "import '@moe-rl/tensor-ops';");
          expectFailure(() => run(process.execPath, ['strict.mjs'], project), /ERR_MODULE_NOT_FOUND/);
        });
      }
    }
  }
}

/** TypeScript examples, each with what the last install line before it names. */
function examplesOf(readme) {
  const found = [];
  let words;
  for (const [, line, example] of readme.matchAll(/^npm install (.+)$|^```ts\n([\s\S]*?)^```/gm)) {
    if (example === undefined) words = line.trim().split(/\s+/);
    else found.push({ example, words });
  }
  return found;
}

/** Installs what the line names into a project of its own; our packages, also those that they need, come from the tarballs. */
function install({ manager, pnpm, project, words, packed, ranges, run }) {
  const ours = Object.fromEntries(Object.entries(packed).map(([name, file]) => [`@moe-rl/${name}`, `file:${file}`]));
  const dependencies = Object.fromEntries(words.map((word) => [word, ours[word] ?? ranges[word] ?? 'latest']));
  // npm refuses to override what the project itself depends on
  const overrides = Object.fromEntries(Object.entries(ours).filter(([name]) => !(name in dependencies)));
  mkdirSync(project, { recursive: true });
  const manifest = { name: 'reader', private: true, type: 'module', dependencies };
  writeFileSync(
    join(project, 'package.json'),
    JSON.stringify(manager === 'npm' ? { ...manifest, overrides } : manifest),
  );
  if (manager === 'npm') {
    run('npm', ['install', '--no-audit', '--no-fund', '--silent', '--prefer-offline'], project);
    return;
  }
  const settings = ['packages: []', 'hoist: false', 'autoInstallPeers: false', 'strictDepBuilds: false', 'overrides:'];
  const lines = Object.entries(ours).map(([name, file]) => `  '${name}': '${file}'`);
  writeFileSync(join(project, 'pnpm-workspace.yaml'), `${[...settings, ...lines].join('\n')}\n`);
  run(pnpm[0], [...pnpm.slice(1), 'install', '--no-frozen-lockfile', '--prefer-offline', '--silent'], project);
}

/** Ranges of everything that a package names in its manifest. */
function rangesOf(root, name) {
  const manifest = JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8'));
  return { ...manifest.devDependencies, ...manifest.peerDependencies };
}

/** The pnpm in the clone's cache, else that of the path. */
function findPnpm(root) {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).devEngines.packageManager;
  const cached = join(root, '.cache', `pnpm-${version}`, 'node_modules/pnpm/bin/pnpm.mjs');
  return existsSync(cached) ? [process.execPath, cached] : ['pnpm'];
}

function expectFailure(body, pattern) {
  let output = '';
  try {
    body();
  } catch (error) {
    output = `${error.stderr ?? ''}${error.message}`;
    if (pattern.test(output)) return;
  }
  throw new Error(`expected a failure that matches ${pattern}; got ${output.slice(0, 500) || 'none'}`);
}
