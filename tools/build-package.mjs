// Builds one package (run from its folder): every `exports` entry that has an `@moe-rl/source` condition becomes ESM, CJS and both kinds of
// declarations in dist/, mirroring src/. Bundling is tsup's; declarations are TypeScript's own, copied for CommonJS with their imports renamed.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'tsup';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const folder = process.cwd();
const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
const sources = Object.values(manifest.exports ?? {})
  .map((target) => target?.['@moe-rl/source'])
  .filter((source) => typeof source === 'string' && source.endsWith('.ts'));
if (sources.length === 0) throw new Error(`${manifest.name}: no exports entry has an "@moe-rl/source" condition`);

const entry = Object.fromEntries(
  sources.map((source) => [source.replace(/^\.\/src\//, '').replace(/\.ts$/, ''), source]),
);
await build({
  entry,
  format: ['esm', 'cjs'],
  target: 'node20',
  platform: manifest.moeRl?.platform ?? 'neutral',
  outDir: 'dist',
  clean: true,
  dts: false,
  splitting: true,
  sourcemap: true,
  silent: true,
  config: false,
  shims: manifest.moeRl?.platform === 'node',
  // Dependencies and peers stay imports; Node's own modules too.
  external: [
    /^node:/,
    ...Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies, ...manifest.optionalDependencies }),
  ],
  outExtension: ({ format }) => ({ js: format === 'cjs' ? '.cjs' : '.js' }),
});

// tsc -b writes declarations of this package (and what it needs) to .tsbuild/<name>; incremental, so a second build costs little.
const tsc = createRequire(import.meta.url).resolve('typescript/package.json');
const result = spawnSync(process.execPath, [join(dirname(tsc), 'bin/tsc'), '-b', folder], { stdio: 'inherit' });
if (result.status !== 0) process.exit(result.status ?? 1);
const declarations = join(root, '.tsbuild', relative(join(root, 'packages'), folder).replace(/^.*\//, ''));
copyDeclarations(declarations, join(folder, 'dist'));

function copyDeclarations(from, to) {
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from, { withFileTypes: true })) {
    if (name.isDirectory()) copyDeclarations(join(from, name.name), join(to, name.name));
    else if (name.name.endsWith('.d.ts') && !name.name.endsWith('.test.d.ts')) {
      const text = readFileSync(join(from, name.name), 'utf8').replace(/\n?\/\/# sourceMappingURL=.*\n?$/, '\n');
      const rename = (extension) =>
        text.replace(/((?:from|import)\s*\(?['"])(\.{1,2}\/[^'"]*?)\.ts(['"])/g, `$1$2${extension}$3`);
      writeFileSync(join(to, name.name), rename('.js'));
      writeFileSync(join(to, name.name.replace(/\.d\.ts$/, '.d.cts')), rename('.cjs'));
    }
  }
}
