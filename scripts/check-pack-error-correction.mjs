// Installs @moe-rl/error-correction as users do: packs it (and what it needs of ours) with npm, installs the tarballs into an empty project outside the
// workspace, and runs an ESM and a CommonJS consumer: a plan is checked, the network answers, a model server that is down is named. Needs built
// packages. Prints `N passed, N failed`.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const project = mkdtempSync(join(tmpdir(), 'moe-rl-consumer-'));
const PACKAGES = ['core', 'tensor-ops', 'moe-core', 'soft-moe', 'top-k-moe', 'tfjs-graph', 'error-correction'];
const ESM = `
import { checkPlan, createRng, demonstrate, drawArrangement, planExamples, taskByInstruction } from '@moe-rl/error-correction';
import { createLanguageModelRoles } from '@moe-rl/error-correction/language-model';
import { requireSettings } from '@moe-rl/error-correction/node';
import { createPolicy } from '@moe-rl/error-correction/tfjs';
import '@tensorflow/tfjs-backend-cpu';
const task = taskByInstruction('wash cup');
const world = drawArrangement(createRng(1), task);
const { steps } = checkPlan(world, ['grab unicorn'], task);
const examples = planExamples(demonstrate([{ task, world }])).slice(0, 2);
const network = { wordSize: 8, size: 8, heads: 2, hiddenSize: 8, mixture: { type: 'soft', experts: 2, hiddenSize: 4 } };
async function main() {
  const policy = await createPolicy({ seed: 1, batchSize: 2, network });
  const [reply] = await policy.roles.plan([examples[0].question]);
  const down = createLanguageModelRoles({ url: 'http://127.0.0.1:1/v1', model: 'none', retries: 0 });
  const { code } = await down.plan([examples[0].question]).catch((error) => error);
  console.log(steps[0].feedback.text, typeof reply, code, requireSettings({}).seed);
}
main();
`;
const CJS = ESM.replace(/import (\{.*\}) from ('.*');/g, 'const $1 = require($2);').replace(
  /import ('.*');/g,
  'require($1);',
);
const EXPECTED = 'Error, there is no unicorn string MODEL_SERVER 1';
const run = (command, args, cwd = project) =>
  execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

let passed = 0;
let failed = 0;
try {
  const tarballs = PACKAGES.map((name) => {
    const output = run('npm', ['pack', '--silent', '--pack-destination', project], join(root, 'packages', name));
    return join(project, output.trim().split('\n').at(-1));
  });
  // Given as arguments, npm looks for the ones that it has not come to yet in the registry; so they are named as overrides, too.
  const ours = Object.fromEntries(tarballs.map((path, index) => [`@moe-rl/${PACKAGES[index]}`, `file:${path}`]));
  const dependencies = { ...ours, '@tensorflow/tfjs-core': '4', '@tensorflow/tfjs-backend-cpu': '4' };
  const overrides = Object.fromEntries(Object.keys(ours).map((name) => [name, `$${name}`]));
  writeFileSync(
    join(project, 'package.json'),
    JSON.stringify({ private: true, type: 'module', dependencies, overrides }),
  );
  run('npm', ['install', '--no-audit', '--no-fund', '--silent', '--prefer-offline']);
  for (const [file, text] of [
    ['consumer.mjs', ESM],
    ['consumer.cjs', CJS],
  ]) {
    try {
      writeFileSync(join(project, file), text);
      const output = run(process.execPath, [file]).trim().split('\n').at(-1);
      if (output !== EXPECTED) throw new Error(`printed ${output}; expected ${EXPECTED}`);
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
