// Imports go one way: a package depends on lower layers only, never sideways, and uses only what its manifest declares. (Cycles between files are the linter's,
// `noImportCycles`.) The table is the one in ARCHITECTURE.md.
import { readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { listFiles, packageFolders, readManifest } from './workspace.mjs';

const LAYERS = {
  core: 0,
  'tensor-ops': 0,
  'ale-wasm': 0,
  evaluation: 1,
  figures: 1,
  'moe-statistics': 1,
  replay: 1,
  runs: 1,
  'tfjs-kernels': 1,
  'tfjs-graph': 1,
  'tfjs-native': 2,
  pjrt: 2,
  webgpu: 2,
  'moe-core': 1,
  'small-environments': 1,
  text2reward: 1,
  'reward-design': 2,
  'ale-env': 2,
  encoders: 2,
  'soft-moe': 2,
  'top-k-moe': 2,
  agents: 3,
  'error-correction': 3,
  training: 5,
  experiments: 6,
  trainer: 7,
  dashboard: 8,
};

export function checkLayers(root) {
  const problems = [];
  for (const folder of packageFolders(root)) {
    const manifest = readManifest(root, folder);
    const name = manifest.name.replace('@moe-rl/', '');
    if (!(name in LAYERS)) {
      problems.push(`${folder}: "${name}" has no layer; add it to tools/checks/layers.mjs and ARCHITECTURE.md`);
      continue;
    }
    const declared = { ...manifest.dependencies, ...manifest.peerDependencies, ...manifest.optionalDependencies };
    for (const dependency of Object.keys(declared)) {
      if (!dependency.startsWith('@moe-rl/')) continue;
      const target = dependency.replace('@moe-rl/', '');
      if (!((LAYERS[target] ?? 99) < LAYERS[name])) {
        problems.push(
          `${folder} (layer ${LAYERS[name]}) depends on ${target} (layer ${LAYERS[target]}); only lower layers may be imported`,
        );
      }
    }
    for (const file of listFiles(root, `${folder}/src`)) {
      if (!/\.ts$/.test(file)) continue;
      // Helpers of tests (not published, see `files` in the manifest) may use what tests may use.
      const isTest = /\.test\.ts$|\/testing\/|\/test-support\.ts$/.test(file);
      const allowed = isTest ? { ...declared, ...manifest.devDependencies } : declared;
      const source = readFileSync(join(root, file), 'utf8')
        .replace(/\/\*[\s\S]*?\*\//g, '')
        .replace(/^\s*\/\/.*$/gm, '');
      for (const [, specifier] of source.matchAll(
        /(?:^|\s)(?:import|export)\s[^'"`;]*?from\s*['"]([^'"]+)['"]|(?:^|\s)import\s*['"]([^'"]+)['"]/g,
      )) {
        if (specifier === undefined || specifier.startsWith('.') || specifier.startsWith('node:')) continue;
        const owner = specifier.startsWith('@') ? specifier.split('/').slice(0, 2).join('/') : specifier.split('/')[0];
        if (builtinModules.includes(owner)) problems.push(`${file}: import "node:${owner}", not "${owner}"`);
        else if (owner !== manifest.name && !(owner in allowed) && !(isTest && owner === 'vitest')) {
          problems.push(`${file}: imports ${owner}, which ${folder}/package.json does not declare`);
        }
      }
    }
  }
  return problems;
}
