// Installs @moe-rl/moe-statistics as users do: packs it (and core) with npm, installs the tarballs into an empty project outside the workspace, and runs an ESM
// and a CommonJS consumer that fit a model, read a CSV and run a study on worker threads. Needs built packages. Prints `N passed, N failed`.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const project = mkdtempSync(join(tmpdir(), 'moe-rl-consumer-'));
const ESM = `
import { polynomialMixture } from '@moe-rl/moe-statistics';
import { parseCsv, runStudy } from '@moe-rl/moe-statistics/node';
const lines = Array.from({ length: 60 }, (_, i) => i + ',' + (i < 30 ? 30 - i + (i % 3) / 9 : i - 30 + (i % 5) / 9));
const samples = parseCsv('x,y\\n' + lines.join('\\n'), { y: 'y' });
const { model } = polynomialMixture.fit(samples, { experts: 2, degree: 1 });
const [mean] = polynomialMixture.predict(model, [10]).mean;
const plan = [{ size: 100, repeats: 2 }, { size: 400, repeats: 2 }];
runStudy('estimation', { folder: process.argv[2], plan, workers: 2 }).then(({ summary, isComplete }) =>
  console.log(Math.round(mean), isComplete, summary.lines),
);
`;
const CJS = ESM.replace(/import (.*) from ('.*');/g, 'const $1 = require($2);');
const run = (command, args, cwd = project) =>
  execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

let passed = 0;
let failed = 0;
try {
  const tarballs = ['core', 'moe-statistics'].map((name) => {
    const output = run('npm', ['pack', '--silent', '--pack-destination', project], join(root, 'packages', name));
    return join(project, output.trim().split('\n').at(-1));
  });
  writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  run('npm', ['install', '--no-audit', '--no-fund', '--silent', '--prefer-offline', ...tarballs]);
  for (const [file, text] of [
    ['consumer.mjs', ESM],
    ['consumer.cjs', CJS],
  ]) {
    try {
      writeFileSync(join(project, file), text);
      const output = run(process.execPath, [file, join(project, `results-${file}`)]).trim();
      if (output !== '20 true 16') throw new Error(`printed ${output}; expected 20 true 16`);
      passed++;
      console.log(`ok      ${file}`);
    } catch (error) {
      failed++;
      console.log(`FAILED  ${file}\n${String(error.stderr ?? '')}${error.message}`);
    }
  }
} finally {
  rmSync(project, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed === 2 ? 0 : 1;
