// npm's own `npm pack` leaves pnpm's "workspace:^" in a tarball's dependencies, which npm can't install. As `prepack` this writes the real versions into
// package.json and keeps the original beside it; as `postpack` it puts the original back. (pnpm pack and pnpm publish rewrite them themselves.)
//   node ../../scripts/pack-manifest.mjs prepack|postpack      in the package's folder
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';

const manifest = resolve('package.json');
const original = resolve('.package.json.original');
if (process.argv[2] === 'postpack') {
  if (existsSync(original)) renameSync(original, manifest);
} else {
  const text = readFileSync(existsSync(original) ? original : manifest, 'utf8');
  const content = JSON.parse(text);
  for (const dependencies of [content.dependencies, content.peerDependencies, content.optionalDependencies]) {
    for (const [name, range] of Object.entries(dependencies ?? {})) {
      if (!range.startsWith('workspace:')) continue;
      const { version } = createRequire(manifest)(`${name}/package.json`);
      const prefix = range.slice('workspace:'.length);
      dependencies[name] = prefix === '*' ? version : /^[\^~]$/.test(prefix) ? prefix + version : prefix;
    }
  }
  writeFileSync(original, text);
  // In one step: whoever imports the package meanwhile finds a whole manifest, the old or the new one.
  const packed = resolve('.package.json.packed');
  writeFileSync(packed, `${JSON.stringify(content, null, 2)}\n`);
  renameSync(packed, manifest);
}
