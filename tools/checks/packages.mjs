// Every package has what its users and our tools expect: README with a runnable example, license, engines, exports with types, sideEffects, tests.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { listFiles, packageFolders, readManifest } from './workspace.mjs';

export function checkPackages(root) {
  const problems = [];
  const ours = new Map(
    packageFolders(root).map((folder) => [readManifest(root, folder).name, readManifest(root, folder)]),
  );
  for (const folder of packageFolders(root)) {
    const manifest = readManifest(root, folder);
    const missing = (what) => problems.push(`${folder}: ${what}`);
    if (manifest.name !== `@moe-rl/${folder.split('/')[1]}`)
      missing(`is named ${manifest.name}; expected @moe-rl/${folder.split('/')[1]}`);
    if (!manifest.description) missing('has no description');
    if (manifest.license !== 'Apache-2.0') missing('license is not Apache-2.0');
    if (manifest.type !== 'module') missing('type is not module');
    if (manifest.engines?.node !== '>=20.19') missing('engines.node is not >=20.19');
    if (manifest.sideEffects === undefined) missing('does not state sideEffects');
    if (manifest.private) missing('is private');
    for (const [entry, target] of Object.entries(manifest.exports ?? {})) {
      if (typeof target === 'string') continue;
      for (const condition of ['import', 'require']) {
        if (!target[condition]?.types || !target[condition]?.default)
          missing(`exports["${entry}"] lacks ${condition} types or default`);
      }
      const source = target['@moe-rl/source'];
      const isProgram = source?.endsWith('.ts') && !/^export /m.test(readFileSync(join(root, folder, source), 'utf8'));
      const files = [source, target.import?.default, target.require?.default];
      // Bundlers leave an import of it out otherwise.
      if (isProgram && !files.every((file) => manifest.sideEffects?.includes?.(file)))
        missing(`exports["${entry}"] exports nothing, but sideEffects does not name ${files.join(', ')}`);
    }
    // Not every package manager lets a package's user provide the peers of what it depends on: it asks for them itself, or brings them.
    for (const dependency of Object.keys(manifest.dependencies ?? {})) {
      const { peerDependencies = {}, peerDependenciesMeta = {} } = ours.get(dependency) ?? {};
      for (const peer of Object.keys(peerDependencies)) {
        if (peerDependenciesMeta[peer]?.optional || peer in { ...manifest.dependencies, ...manifest.peerDependencies })
          continue;
        missing(`${dependency} has the peer ${peer}, which is neither a peer nor a dependency here`);
      }
    }
    if (!listFiles(root, `${folder}/src`).some((file) => file.endsWith('.test.ts'))) missing('has no tests');
    const readme = join(root, folder, 'README.md');
    if (!existsSync(readme)) missing('has no README.md');
    else if (folder.startsWith('packages/') && !readFileSync(readme, 'utf8').includes('```ts'))
      missing('README.md has no runnable example (a ```ts block)');
    else
      for (const name of notInstalled(readFileSync(readme, 'utf8')))
        missing(`README.md: an example imports ${name}, which no install line of it names`);
  }
  return problems;
}

/** What the examples of a README import and its `npm install` lines leave out: with pnpm a program finds only what it names itself. */
function notInstalled(text) {
  const lines = [...text.matchAll(/npm install ([^\n`]+)/g)];
  const installed = new Set(lines.flatMap(([, names]) => names.split(/\s+/)));
  const blocks = [...text.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, block]) => block);
  const imported = blocks.flatMap((block) =>
    [...block.matchAll(/(?:from|import)\s*\(?\s*'([^'.][^']*)'/g)].map(([, name]) => name),
  );
  return new Set(
    imported
      .filter((name) => !name.startsWith('node:'))
      .map((name) => name.match(/^(@[^/]+\/)?[^/]+/)[0])
      .filter((name) => !installed.has(name)),
  );
}
