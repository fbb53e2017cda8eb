// Installs @moe-rl/text2reward as users do: packs it (and core) with npm, installs the tarballs into an empty project outside the workspace, and runs an ESM and
// a CommonJS consumer that write a reward from a stub server and from a recorded reply, and run it in the sandbox. Needs built packages. Prints `N passed, N failed`.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const project = mkdtempSync(join(tmpdir(), 'moe-rl-consumer-'));
const ESM = `
import { findDescription, recordedReplies, writeReward } from '@moe-rl/text2reward';
import { serverModel } from '@moe-rl/text2reward/models';
import { startStubServer } from '@moe-rl/text2reward/testing';
const reply = '\`\`\`js\\nfunction computeReward(env) { return env.ball.row / 9 }\\n\`\`\`';
const state = { ballRow: 0, ballColumn: 2, paddleColumn: 2 };
const step = () => ({ observation: new Float32Array(1), reward: 0, terminated: ++state.ballRow === 9, truncated: false, info: {} });
const environment = { id: 'a/game', observationSpec: { frameShape: [1], stackSize: 1, dtype: 'float32' }, actionCount: 3, step, peekState: () => state };
environment.reset = () => { state.ballRow = 0; return { observation: new Float32Array(1), info: {} }; };
const request = { description: findDescription('bsuite/catch'), environment, goal: 'Fall', checkAgentSteps: 9 };
(async () => {
  const server = await startStubServer([{ text: reply }]);
  const model = serverModel({ url: server.url, model: 'stub', isStreaming: true });
  const one = await writeReward({ ...request, model });
  const two = await writeReward({ ...request, model: recordedReplies([reply]) });
  await server.close();
  console.log(one.report.maximum, one.source === two.source);
})();
`;
const CJS = ESM.replace(/import (.*) from ('.*');/g, 'const $1 = require($2);');
const run = (command, args, cwd = project) =>
  execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

let passed = 0;
let failed = 0;
try {
  const tarballs = ['core', 'text2reward'].map((name) => {
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
      if (output !== '1 true') throw new Error(`printed ${output}; expected 1 true`);
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
