// `pnpm bench [name ...]`: runs benchmarks and prints a table of ours against a peer; `--json FILE` writes the rows. Each file beside this one answers one
// question and exports `run({ peers, options })`, which returns rows `{ name, ours, peer, unit, ratio }` (ratio = ours / peer).
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { makeFolder, readJsonObject, replaceFile, requireWritable } from '../packages/core/src/node/index.ts';
import { createPeers, PEERS } from './lib/peers.mjs';
import { otherProcessorUse } from './lib/quiet.mjs';

const folder = dirname(fileURLToPath(import.meta.url));
const available = readdirSync(folder)
  .filter((name) => name.endsWith('.mjs') && !name.endsWith('.test.mjs') && name !== 'run.mjs')
  .map((name) => name.replace(/\.mjs$/, ''));

const USAGE = `usage: pnpm bench [name ...] [--json FILE] [--save] [--peers a,b | --no-peers] [--quick] [--threads N]
       pnpm bench gpu [--cpu] [--engines a,b] [--networks a,b] [--batches 32,64] [--minutes N] [--python FILE] [--results FOLDER] [--add] [--tiny]

  names:  ${available.join(', ')} (all when none is given)
  gpu:    writes results/gpu-<device>.json; --add goes on with that file: what has a figure there is not measured again; --cpu measures the processor, --python names an interpreter that has JAX for the device,
          --tiny runs everything small, without peers
  peers:  ${Object.entries(PEERS)
    .map(([name, peer]) => `${name} (${peer.size})`)
    .join(', ')}
`;

/** Options that are one benchmark's own. */
const OWN_OPTIONS = {
  moe: { threads: { type: 'string' } },
  gpu: {
    cpu: { type: 'boolean' },
    tiny: { type: 'boolean' },
    engines: { type: 'string' },
    networks: { type: 'string' },
    batches: { type: 'string' },
    minutes: { type: 'string' },
    python: { type: 'string' },
    results: { type: 'string' },
    add: { type: 'boolean' },
  },
};

let values;
let positionals;
let own;
try {
  ({ values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'string' },
      save: { type: 'boolean', default: false },
      peers: { type: 'string' },
      'no-peers': { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      ...OWN_OPTIONS.moe,
      ...OWN_OPTIONS.gpu,
      help: { type: 'boolean', default: false },
    },
  }));
  for (const name of positionals)
    if (!available.includes(name))
      throw new Error(`unknown benchmark "${name}"; expected one of ${available.join(', ')}`);
  for (const [benchmark, options] of Object.entries(OWN_OPTIONS)) {
    const given = Object.keys(options).find((name) => values[name] !== undefined);
    if (given !== undefined && positionals.join() !== benchmark)
      throw new Error(`--${given} is for "${benchmark}" alone: pnpm bench ${benchmark} --${given} ...`);
  }
  own = ownOptions();
  for (const name of values.peers?.split(',') ?? [])
    if (!(name in PEERS)) throw new Error(`unknown peer "${name}"; expected some of ${Object.keys(PEERS).join(', ')}`);
} catch (error) {
  process.stderr.write(`${error.message}\n\n${USAGE}`);
  process.exit(2);
}
if (values.help) {
  process.stdout.write(USAGE);
  process.exit(0);
}

/** The benchmark's own options, checked. */
function ownOptions() {
  const wholeNumbers = (name, text) =>
    text.split(',').map((part) => {
      if (!/^[1-9]\d*$/.test(part))
        throw new Error(`--${name} is ${JSON.stringify(text)}; expected whole numbers of at least 1`);
      return Number(part);
    });
  const { threads, cpu, tiny, engines, networks, batches, minutes, python, results, add } = values;
  if (minutes !== undefined && !(Number(minutes) > 0))
    throw new Error(`--minutes is ${JSON.stringify(minutes)}; expected a number above 0`);
  if (tiny && python !== undefined) throw new Error('--tiny measures without peers, so --python does nothing');
  const options = {
    cpu,
    tiny,
    add,
    engines: engines?.split(','),
    networks: networks?.split(','),
    batches: batches === undefined ? undefined : wholeNumbers('batches', batches).sort((a, b) => a - b),
    minutes: minutes === undefined ? undefined : Number(minutes),
    python,
    results: results === undefined ? undefined : resolve(results),
    threads: threads === undefined ? undefined : wholeNumbers('threads', threads)[0],
  };
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

const peers = createPeers(values['no-peers'] ? [] : (values.peers?.split(',') ?? Object.keys(PEERS)));
const rows = [];
for (const name of positionals.length > 0 ? positionals : available) {
  process.stdout.write(`\n=== ${name}\n`);
  const { run } = await import(`./${name}.mjs`);
  const others = otherProcessorUse();
  const resultsFolder = own.results ?? join(folder, 'results');
  const fileOf = (report) => join(resultsFolder, `${report}.json`);
  if (name === 'gpu') refuseUnwritable(fileOf('gpu'));
  let saved;
  const measured = await runOrRefuse(run, {
    peers,
    options: { quick: values.quick, ...own, log: (text) => process.stdout.write(`${text}\n`) },
    // A benchmark that takes long keeps what it has after each measurement.
    save(report) {
      try {
        writeResults(fileOf(report.name), report.rows, report.details);
        saved = fileOf(report.name);
      } catch (error) {
        // The figures are still printed.
        process.stdout.write(`not written: ${error.message}\n`);
      }
    },
    load(report) {
      const file = fileOf(report);
      return existsSync(file) ? { file, report: readJsonObject(file) } : undefined;
    },
  });
  if (saved !== undefined) process.stdout.write(`written: ${relative(process.cwd(), saved)}\n`);
  const use = others.stop();
  const clean = use < 0.1;
  for (const row of measured) rows.push({ benchmark: name, ...row, clean });
  printTable(measured);
  if (!clean)
    process.stdout.write(
      `not clean: other programs used ${(use * 100).toFixed(0)} % of the processors meanwhile; repeat on a quiet machine before quoting these\n`,
    );
}
if (values.json !== undefined) {
  writeResults(resolve(values.json), rows);
  process.stdout.write(`\nwritten: ${values.json}\n`);
}
if (values.save) {
  // One file per benchmark, the newest run: the repository's own figures come from these.
  for (const name of new Set(rows.map((row) => row.benchmark))) {
    // Those of the GPU are written already, by the device's name.
    if (name === 'gpu') continue;
    const file = join(folder, 'results', `${name}.json`);
    writeResults(
      file,
      rows.filter((row) => row.benchmark === name),
    );
    process.stdout.write(`\nwritten: ${relative(process.cwd(), file)}\n`);
  }
}
// Benchmarks may leave worker threads or native handles open.
process.exit(0);

function printTable(table) {
  const number = (value) =>
    value === undefined || value === null
      ? '-'
      : Math.abs(value) >= 1000
        ? Math.round(value).toLocaleString('en-US')
        : value.toPrecision(3);
  const width = Math.max(4, ...table.map((row) => row.name.length));
  process.stdout.write(
    `${'row'.padEnd(width)} ${'ours'.padStart(12)} ${'peer'.padStart(12)} ${'unit'.padEnd(14)} ${'ratio'.padStart(7)}\n`,
  );
  for (const row of table) {
    process.stdout.write(
      `${row.name.padEnd(width)} ${number(row.ours).padStart(12)} ${number(row.peer).padStart(12)} ${String(row.unit).padEnd(14)} ${row.ratio === undefined || row.ratio === null ? '      -' : row.ratio.toFixed(2).padStart(7)}\n`,
    );
  }
}

/** Measuring takes long: where nothing could be kept of it, it does not begin. */
function refuseUnwritable(file) {
  try {
    requireWritable(file);
  } catch (error) {
    process.stderr.write(`results can't be kept: ${error.message}; name another folder by --results\n`);
    process.exit(2);
  }
}

/** What a benchmark finds wrong with its own options, or with a file that it is to go on with, is a mistake of the caller, not of ours. */
async function runOrRefuse(run, config) {
  try {
    return await run(config);
  } catch (error) {
    if (!['INVALID_ARGUMENT', 'CORRUPT_DATA'].includes(error.code)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(2);
  }
}

/** Rows with the machine and the date that they were measured on, and the versions of the peers. */
function writeResults(file, results, details = {}) {
  makeFolder(dirname(file));
  const processor = cpus();
  const content = {
    rows: results,
    ...details,
    machine: {
      processor: processor[0]?.model.trim(),
      processors: processor.length,
      memoryBytes: totalmem(),
      platform: `${process.platform}-${process.arch}`,
      node: process.version,
      date: new Date().toISOString(),
      version: JSON.parse(readFileSync(join(folder, '../packages/core/package.json'), 'utf8')).version,
    },
    quick: values.quick,
    peers: Object.fromEntries(Object.entries(PEERS).map(([name, { requires }]) => [name, requires])),
  };
  replaceFile(file, `${JSON.stringify(content, null, 2)}\n`);
}
