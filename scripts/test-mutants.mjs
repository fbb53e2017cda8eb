// `pnpm test:mutants`: applies named mistakes to our sources, one at a time and in memory only, and runs the fast tests that should notice. A mutant that all tests
// survive is a hole in the tests. `--sample N` takes N of them, others each day (`--seed` chooses); `--only TEXT` those whose name holds the text. Ends with
// `N passed, N failed`: passed are the killed ones.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { MUTANTS } from './mutants/list.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const { values: options } = parseArgs({
  options: {
    sample: { type: 'string' },
    seed: { type: 'string' },
    only: { type: 'string' },
    list: { type: 'boolean' },
  },
});
if (options.list) {
  for (const { name, file } of MUTANTS) console.log(`${name}  (${file})`);
  process.exit(0);
}
const chosen = choose(MUTANTS.filter(({ name }) => options.only === undefined || name.includes(options.only)));
if (chosen.length === 0) {
  console.error(`test-mutants: no mutant's name holds "${options.only}"; see --list`);
  process.exit(2);
}

const started = Date.now();
let passed = 0;
let failed = 0;
// Also of those that this sample leaves out: a mutant whose place was rewritten is found by the change that did it, not on some later day.
for (const mutant of options.only === undefined ? MUTANTS : []) {
  const problem = chosen.includes(mutant) ? undefined : misplaced(mutant);
  if (problem === undefined) continue;
  failed++;
  console.log(`LOST     ${mutant.name}${problem}`);
}
const queue = [...chosen];
await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, work));
console.log(`\n${chosen.length} mutants in ${((Date.now() - started) / 1000).toFixed(0)} s`);
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;

/** All, or a sample that a number chooses: the same number, the same sample. */
function choose(mutants) {
  if (options.sample === undefined) return mutants;
  const count = Number(options.sample);
  if (!Number.isInteger(count) || count < 1) {
    console.error(`test-mutants: --sample is "${options.sample}"; expected a number of mutants`);
    process.exit(2);
  }
  let state = Number(options.seed ?? Math.floor(Date.now() / 86_400_000)) >>> 0;
  const next = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  return mutants
    .map((mutant) => ({ mutant, key: next() }))
    .sort((left, right) => left.key - right.key)
    .slice(0, count)
    .map(({ mutant }) => mutant);
}

async function work() {
  for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
    const began = Date.now();
    const problem = await survives(mutant);
    if (problem === undefined) passed++;
    else failed++;
    const seconds = ((Date.now() - began) / 1000).toFixed(1).padStart(6);
    console.log(`${problem === undefined ? 'killed  ' : 'SURVIVED'} ${seconds} s  ${mutant.name}${problem ?? ''}`);
  }
}

/** Why a mutant can't be made; undefined when it can. */
function misplaced({ file, find }) {
  const occurrences = readFileSync(join(root, file), 'utf8').split(find).length - 1;
  return occurrences === 1 ? undefined : `: its text occurs ${occurrences} times in ${file}; expected once`;
}

/** Why a mutant counts as a failure; undefined when tests failed because of it. */
async function survives(mutant) {
  const problem = misplaced(mutant);
  if (problem !== undefined) return problem;
  const { status, output } = await vitest(mutant);
  // Failing tests, not a file that no longer loads: a mutant must be a mistake that types let through.
  if (status !== 0 && /Tests .*\d+ failed/.test(output)) return undefined;
  if (status !== 0) return `: the tests did not run:\n${output.slice(-1500)}`;
  return `: ${mutant.tests.join(', ')} pass with it`;
}

function vitest(mutant) {
  return new Promise((done) => {
    const child = spawn(
      process.execPath,
      [
        join(root, 'node_modules/vitest/vitest.mjs'),
        'run',
        '--config',
        join(root, 'scripts/mutants/vitest.config.mjs'),
        '--reporter=dot',
        ...mutant.tests,
      ],
      {
        cwd: root,
        env: { ...process.env, MOE_RL_MUTANT: mutant.name, NO_COLOR: '1', FORCE_COLOR: '0', TF_CPP_MIN_LOG_LEVEL: '2' },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
    child.on('close', (status) => done({ status, output }));
  });
}
