// Installs what users install: packs soft-moe and top-k-moe (and the packages they need) with npm, installs the tarballs into an empty project outside the
// workspace, and runs an ESM, a CommonJS and two TypeScript consumers (moduleResolution node16 and bundler). Then each README alone: what its install lines
// name, with npm and with pnpm, and its examples (pack/readmes.mjs). Also bundles soft-moe with the typed-array
// adapter for browsers and checks that it stays below 6.5 kB compressed. Needs built packages (`turbo run build`). Prints `N passed, N failed`.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { checkReadmes } from './pack/readmes.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const PACKAGES = ['core', 'tensor-ops', 'moe-core', 'soft-moe', 'top-k-moe'];
const LIMIT_BYTES = 6500;

const ESM = `
import { createRng } from '@moe-rl/core';
import { applySoftMoe, initSoftMoe, toTensors } from '@moe-rl/soft-moe';
import { applyTopKMoe, initTopKMoe, routerTypes } from '@moe-rl/top-k-moe';
import { typedArrayOps as ops } from '@moe-rl/tensor-ops/typed-array';
const config = { numExperts: 4, numTokens: 6, tokenSize: 3, hiddenSize: 8 };
const tokens = ops.fill([2, 6, 3], 0.5);
const soft = applySoftMoe(ops, toTensors(ops, initSoftMoe(createRng(1), config)), tokens, config).output;
const sparseConfig = { numExperts: 4, tokenSize: 3, hiddenSize: 8 };
const sparse = applyTopKMoe(ops, toTensors(ops, initTopKMoe(createRng(1), sparseConfig)), tokens, sparseConfig).output;
console.log(soft.shape.join(), sparse.shape.join(), routerTypes.length > 10);
`;
const CJS = ESM.replace(/import (.*) from ('.*');/g, 'const $1 = require($2);').replace(
  'typedArrayOps as ops',
  'typedArrayOps: ops',
);
const TYPESCRIPT = ESM.replace(
  'const config = {',
  `import type { SoftMoeConfig, SoftMoeOutput } from '@moe-rl/soft-moe';
import type { RouterConfig } from '@moe-rl/top-k-moe';
import type { TypedArrayTensor } from '@moe-rl/tensor-ops/typed-array';
export type Output = SoftMoeOutput<TypedArrayTensor>;
export const router: RouterConfig = { type: 'deepseek', k: 2 };
// @ts-expect-error an unknown router is a type error
export const unknown: RouterConfig = { type: 'top-9' };
const config: SoftMoeConfig = {`,
);

const require = createRequire(import.meta.url);
const project = mkdtempSync(join(tmpdir(), 'moe-rl-consumer-'));
// Not within the other one, whose packages would be found.
const readers = mkdtempSync(join(tmpdir(), 'moe-rl-reader-'));
let passed = 0;
let failed = 0;
function check(name, body) {
  try {
    body();
    passed++;
    console.log(`ok      ${name}`);
  } catch (error) {
    failed++;
    console.log(`FAILED  ${name}\n${String(error.stdout ?? '')}${String(error.stderr ?? '')}${error.message}`);
  }
}
const run = (command, args, cwd = project) =>
  execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

try {
  for (const name of PACKAGES) {
    if (!existsSync(join(root, 'packages', name, 'dist')))
      throw new Error(`packages/${name} is not built; run: pnpm build`);
  }
  const tarballs = PACKAGES.map((name) => {
    const folder = join(root, 'packages', name);
    const manifest = readFileSync(join(folder, 'package.json'), 'utf8');
    const output = run('npm', ['pack', '--silent', '--pack-destination', project], folder);
    check(`${name}: packing leaves package.json as it was`, () => {
      if (readFileSync(join(folder, 'package.json'), 'utf8') !== manifest) throw new Error('it changed');
    });
    return join(project, output.trim().split('\n').at(-1));
  });
  writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  check('npm install of the tarballs', () => {
    run('npm', ['install', '--no-audit', '--no-fund', '--silent', '--prefer-offline', ...tarballs]);
    const installed = readdirSync(join(project, 'node_modules')).filter((name) => !name.startsWith('.'));
    if (installed.join() !== '@moe-rl') throw new Error(`installed ${installed}; expected nothing but @moe-rl`);
  });
  const expected = '2,6,3 2,6,3 true';
  const expectOutput = (file) => {
    const output = run(process.execPath, [file]).trim();
    if (output !== expected) throw new Error(`printed ${output}; expected ${expected}`);
  };
  check('an ESM consumer runs', () => {
    writeFileSync(join(project, 'consumer.mjs'), ESM);
    expectOutput('consumer.mjs');
  });
  check('a CommonJS consumer runs', () => {
    writeFileSync(join(project, 'consumer.cjs'), CJS);
    expectOutput('consumer.cjs');
  });
  const tsc = join(dirname(require.resolve('typescript/package.json')), 'bin/tsc');
  for (const [moduleResolution, module] of [
    ['node16', 'node16'],
    ['bundler', 'esnext'],
  ]) {
    for (const extension of moduleResolution === 'node16' ? ['mts', 'cts'] : ['ts']) {
      check(`a TypeScript consumer type-checks and runs: moduleResolution ${moduleResolution}, .${extension}`, () => {
        const folder = join(project, `${moduleResolution}-${extension}`);
        mkdirSync(folder);
        writeFileSync(
          join(folder, `consumer.${extension}`),
          `declare const console: { log(...values: unknown[]): void };${TYPESCRIPT}`,
        );
        const options = [
          '--strict',
          '--target',
          'es2022',
          '--lib',
          'es2022',
          '--types',
          '',
          '--skipLibCheck',
          'false',
          '--outDir',
          'out',
        ];
        run(
          process.execPath,
          [tsc, ...options, '--module', module, '--moduleResolution', moduleResolution, `consumer.${extension}`],
          folder,
        );
        const [output] = readdirSync(join(folder, 'out'));
        expectOutput(join(folder, 'out', output));
      });
    }
  }
  const packed = Object.fromEntries(PACKAGES.map((name, index) => [name, tarballs[index]]));
  checkReadmes({ root, folder: readers, packed, check, run });
  check(`soft-moe with the typed-array adapter bundles to less than ${LIMIT_BYTES} bytes compressed`, () => {
    const tsup = createRequire(require.resolve('tsup'));
    const { buildSync } = tsup('esbuild');
    const contents = `export { applySoftMoe, initSoftMoe } from '@moe-rl/soft-moe'; export { typedArrayOps } from '@moe-rl/tensor-ops/typed-array';`;
    const [file] = buildSync({
      stdin: { contents, resolveDir: project },
      bundle: true,
      minify: true,
      write: false,
      format: 'esm',
      target: 'es2022',
      platform: 'browser',
    }).outputFiles;
    const brotli = brotliCompressSync(file.contents).length;
    console.log(
      `        ${file.contents.length} bytes minified, ${gzipSync(file.contents).length} gzip, ${brotli} brotli`,
    );
    if (brotli >= LIMIT_BYTES) throw new Error(`${brotli} bytes; expected less than ${LIMIT_BYTES}`);
  });
} finally {
  for (const folder of [project, readers]) rmSync(folder, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
