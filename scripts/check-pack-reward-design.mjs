// Installs @moe-rl/reward-design as users do: packs it (and what it needs of ours) with npm, installs the tarballs into an empty project outside the workspace, and
// runs an ESM and a CommonJS consumer that solve a linear program and play under a designed reward. Needs built packages. Prints `N passed, N failed`.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const project = mkdtempSync(join(tmpdir(), 'moe-rl-consumer-'));
const ESM = `
import { designExprd, designTarget, isInvariant, lineKey, tableDesign, tabularEnvironment, withDesignedReward } from '@moe-rl/reward-design';
const game = lineKey();
designExprd(game.mdp, { budget: 2, horizons: [1, 4] }).then(({ rewards, chosen }) => {
  const environment = tabularEnvironment(game, { seed: 1 });
  const designed = withDesignedReward(environment, tableDesign(environment, rewards));
  designed.reset();
  const { info } = designed.step(0);
  console.log(chosen.length, isInvariant(designTarget(game.mdp), rewards), info.trueReward);
});
`;
const CJS = ESM.replace(/import (.*) from ('.*');/g, 'const $1 = require($2);');
const run = (command, args, cwd = project) =>
  execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

let passed = 0;
let failed = 0;
try {
  const tarballs = ['core', 'small-environments', 'reward-design'].map((name) => {
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
      const output = run(process.execPath, [file]).trim();
      if (output !== '2 true 0') throw new Error(`printed ${output}; expected 2 true 0`);
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
