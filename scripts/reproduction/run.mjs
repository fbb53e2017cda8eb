// Runs the experiments of the ledger, one after the other, and keeps their results as small JSON files in docs/reproduction/. Resumable: stop it whenever you like.
//   node --conditions=@moe-rl/source scripts/reproduction/run.mjs [--only windfall] [--folder experiments/reproduction] [--dopamine-python PYTHON] [--costs] [--export]
// `--export` runs nothing and writes the results of the runs that are done.
// With a Python that has Dopamine (see benchmarks/peers/der_dopamine.py), Dopamine's own DER is run on the same budget too. Then: ledger.mjs.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { jobConfig, openExperimentFolder, readResults } from '../../packages/experiments/src/index.ts';
import { readLedger } from './read-ledger.mjs';

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    folder: { type: 'string', default: join('experiments', 'reproduction') },
    'dopamine-python': { type: 'string' },
    costs: { type: 'boolean', default: false },
    export: { type: 'boolean', default: false },
  },
});
const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const results = join(root, 'docs/reproduction');
const program = [
  '--conditions=@moe-rl/source',
  '--disable-warning=ExperimentalWarning',
  join(root, 'apps/trainer/src/bin.ts'),
];
const { experiments, costs } = readLedger();
mkdirSync(results, { recursive: true });

for (const [name, { options }] of Object.entries(experiments)) {
  if (values.only !== undefined && values.only !== name) continue;
  const path = join(values.folder, name);
  if (values.export && !existsSync(path)) continue;
  if (!values.export) moeRl(['experiment', 'run', ...options, '--folder', path]);
  write(name, exportResults(openExperimentFolder(path)));
}
if (values.costs) {
  const machine = `${cpus()[0].model}, ${cpus().length} cores`;
  write(
    'costs',
    costs.map(({ title, options }) => ({
      title,
      machine,
      text: moeRl(['experiment', 'plan', ...options, '--seeds', '1', '--jobs', '1']).trim(),
    })),
  );
}
if (values['dopamine-python'] !== undefined) write('dopamine-der', dopamine(values['dopamine-python']));

/** What the ledger needs of each run, and on what it was made. */
function exportResults(folder) {
  const { experiment, runs } = readResults(folder);
  const [job] = folder.jobs;
  return {
    agentSteps: jobConfig(experiment, job).trainingAgentSteps,
    seeds: experiment.seeds.length,
    runs: runs.map(({ job: { game, variant, seed }, score, normalized, trainingSeconds, record, rows }) => ({
      ...{ game, variant, seed, score, normalized: normalized ?? null, trainingSeconds },
      ...trainingReturns(rows.flatMap(({ values }) => values['episode/return'] ?? [])),
      machine: record === undefined ? null : `${record.cpu}, ${record.cores} cores, ${record.backend}`,
    })),
  };
}

/** Dopamine's own DER, as its file has it. */
function dopamine(python) {
  const folder = join(values.folder, 'dopamine-der');
  mkdirSync(folder, { recursive: true });
  return ['Freeway', 'Boxing'].flatMap((game) =>
    [1, 2].flatMap((seed) => {
      const file = join(folder, `${game}-${seed}.jsonl`);
      const isWhole = existsSync(file) && lines(file).some((line) => line.progress === 12_000);
      if (!isWhole && values.export) return [];
      if (!isWhole) run(python, [join(root, 'benchmarks/peers/der_dopamine.py'), game, String(seed), '12000', file]);
      return {
        game: game.toLowerCase(),
        seed,
        ...trainingReturns(lines(file).flatMap((line) => line.return ?? [])),
      };
    }),
  );
}

/** The last 20 training episodes, or all where there are fewer, and their mean. */
function trainingReturns(returns) {
  const last = returns.slice(-20);
  return { trainingReturn: last.reduce((sum, value) => sum + value, 0) / last.length, episodes: last };
}

function lines(file) {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

function moeRl(args) {
  return run(process.execPath, [...program, ...args]);
}

function run(command, args) {
  const { status, signal, stdout } = spawnSync(command, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  });
  if (status !== 0) {
    // Stopped, or refused with a message of its own above; what is done is kept.
    console.error(`${command} ${args.join(' ')} ended with ${signal ?? `exit code ${status}`}`);
    process.exit(status ?? 130);
  }
  return stdout;
}

function write(name, content) {
  const file = join(results, `${name}.json`);
  writeFileSync(file, `${JSON.stringify(content, null, 2)}\n`);
  // Lists of numbers in lines, as everything that is kept is formatted.
  run(process.execPath, [join(root, 'node_modules/@biomejs/biome/bin/biome'), 'format', '--write', file]);
  console.log(`docs/reproduction/${name}.json`);
}
