// How fast does a DQN agent learn and act on a GPU, through each engine that can use it, beside JAX's jit-compiled step on the same card? Four networks, batch sizes
// 32 to 1,024, frames/s of a whole training, five seeds as one program, and the card's floor: an empty program's round trip, products of matrices, bytes to the device. `--cpu`: the same on
// the processor, small. Every engine is a process of its own: one that fails, hangs or runs out of memory is a row with its reason.
// Written to results/gpu-<device>.json after every measurement, so that an end by force loses nothing; `--add` goes on with what lies there.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InvalidArgumentError } from '../packages/core/src/index.ts';
import { tryRun } from '../packages/core/src/node/index.ts';
import { explainPlugins } from '../packages/pjrt/src/index.ts';
import { nvidiaDriverVersion } from '../packages/pjrt/src/plugins/locate.ts';
import { ALL_NETWORKS } from './lib/dqn-agent.mjs';
import { Rows } from './lib/gpu/kept.mjs';
import { startAgainSide, startSide } from './lib/gpu/line-process.mjs';
import { measureSides } from './lib/gpu/measuring.mjs';
import { cellRows, floorRows, seedsRows, trainingRow } from './lib/gpu/rows.mjs';

const folder = dirname(fileURLToPath(import.meta.url));
const ENGINES = {
  gpu: ['pjrt-cuda', 'pjrt-rocm', 'webgpu', 'tensorflow'],
  cpu: ['pjrt-cpu'],
};
const BATCHES = { gpu: [32, 64, 128, 256, 512, 1024], cpu: [8, 32], tiny: [2] };
const FLOOR = { gpu: { matrix: 8192, megabytes: 256 }, cpu: { matrix: 1024, megabytes: 32 } };
const TRAINING_NETWORK = 'impala-soft-moe';
/** Seeds that are computed as one program, at batch 32. */
const SEEDS = 5;
const TIME_UP = 'not measured: the time was up';
const TRAINING_SECONDS = { full: 20, quick: 5, tiny: 0.2 };

/**
 * @param {{ peers: object, options: object }} config options: `cpu`, `tiny` (everything runs, small; nothing is worth quoting), `quick`, `engines`, `networks`, `batches`,
 *   `minutes` (what has not begun by then is left out), `python` (an interpreter that has JAX for this device, in place of the pinned peer), `add` (goes on
 *   with the file: what has a figure there is not measured again)
 * @param {(report: { name: string, rows: object[], details: object }) => void} save called after every measurement
 * @param {(name: string) => { file: string, report: object } | undefined} load what an earlier run saved by that name
 */
export async function run({ peers, options, save = () => {}, load = () => undefined }) {
  const { log = () => {}, cpu = false, tiny = false, quick = false, add: isAdding = false } = options;
  const { minutes = Number.POSITIVE_INFINITY } = options;
  const kind = cpu ? 'cpu' : 'gpu';
  const networks = options.networks ?? (tiny ? ['nature'] : Object.keys(ALL_NETWORKS));
  for (const network of networks) {
    if (!(network in ALL_NETWORKS))
      throw new InvalidArgumentError(
        `there is no network "${network}"; expected some of ${Object.keys(ALL_NETWORKS).join(', ')}`,
      );
  }
  for (const engine of options.engines ?? []) {
    if (!Object.values(ENGINES).flat().includes(engine))
      throw new InvalidArgumentError(
        `there is no engine "${engine}"; expected some of ${Object.values(ENGINES).flat().join(', ')}`,
      );
  }
  const batches = options.batches ?? BATCHES[tiny ? 'tiny' : kind];
  const end = performance.now() + minutes * 60_000;
  const isTimeUp = () => performance.now() > end;
  const engines = options.engines ?? (process.env.MOE_RL_PJRT_PLUGIN && !cpu ? withoutRocm() : ENGINES[kind]);
  const report = { device: undefined, engines: {}, peer: undefined, networks, batches, quick, tiny };
  // The file is named by the device: until that is known, rows wait.
  let table = new Rows(undefined);
  let fileName;
  const write = () => {
    if (fileName !== undefined) save({ name: fileName, rows: table.all, details: report });
  };
  const name = (device) => {
    if (fileName !== undefined) return;
    fileName = `gpu-${slug(device)}`;
    const waiting = table.all;
    const earlier = isAdding ? load(fileName) : undefined;
    table = new Rows(earlier, { quick, tiny });
    table.add(waiting);
    if (earlier === undefined) return;
    report.engines = { ...earlier.report.engines, ...report.engines };
    report.peer = report.peer?.name === undefined ? earlier.report.peer : report.peer;
    report.networks = [...new Set([...(earlier.report.networks ?? []), ...networks])];
    report.batches = [...new Set([...(earlier.report.batches ?? []), ...batches])].sort((a, b) => a - b);
  };
  const add = (...made) => {
    for (const row of made.flat())
      log(row.reason === undefined ? `${row.name}: ${figure(row)}` : `${row.name}: ${row.reason}`);
    table.add(made.flat());
    write();
  };
  const refuse = (engine, reason) => {
    report.engines[engine] ??= { reason };
    add({ name: `engine/${engine}`, engine, ours: null, peer: null, unit: '', ratio: null, reason });
  };
  const jax = tiny ? undefined : await startJax(peers, options.python, kind, report, log);
  let isFirst = true;
  for (const engine of engines) {
    if (isTimeUp()) {
      refuse(engine, TIME_UP);
      continue;
    }
    const obstacle = obstacleOf(engine);
    const side = obstacle === undefined ? startAgainSide(() => startEngine(engine, tiny)) : undefined;
    try {
      if (obstacle !== undefined) throw new Error(obstacle);
      const described = await side.ask({ do: 'describe' }, 3600);
      name((engine.startsWith('pjrt-') ? described.device : undefined) ?? cardName(kind, report) ?? described.device);
      report.engines[engine] = described;
      report.device ??= described;
    } catch (error) {
      await side?.stop();
      // What is wrong with the call is no engine's failure.
      if (['INVALID_ARGUMENT', 'CORRUPT_DATA'].includes(error.code)) throw error;
      refuse(engine, error.message);
      continue;
    }
    table.forgetFailure(engine);
    const sides = [{ name: engine, side }];
    // JAX takes turns with the first engine; the others are read against the same figures, so that they have the device's memory to themselves.
    if (isFirst && jax !== undefined) sides.push({ name: 'jax', side: asPeer(jax) });
    if (engine.startsWith('pjrt-') && !isTimeUp() && !table.has(`floor/round-trip/${engine}`)) {
      const size = tiny ? { matrix: 64, megabytes: 1 } : FLOOR[kind];
      const floor = await side.ask({ do: 'floor', ...size }).catch(reasonOf);
      const theirs = isFirst && jax !== undefined ? await jax.ask({ do: 'floor', ...size }).catch(reasonOf) : {};
      add(floorRows(engine, floor, theirs));
    }
    await measureSides(sides, {
      networks,
      batches,
      quick: quick || tiny,
      isTimeUp,
      isDone: (sideName, network, batch) => table.isDone(sideName, network, batch),
      onCell(cells) {
        table.addPeerCells(cells);
        add(cellRows(cells, [...table.peerCells, ...cells.filter(({ side: sideName }) => sideName === 'jax')]));
      },
    });
    if (isFirst) await jax?.stop();
    isFirst = false;
    const network = networks.includes(TRAINING_NETWORK) ? TRAINING_NETWORK : networks[0];
    if (!table.has(`training/${network}/${engine}`)) {
      const seconds = TRAINING_SECONDS[tiny ? 'tiny' : quick ? 'quick' : 'full'];
      const trained = isTimeUp()
        ? { reason: TIME_UP }
        : await side.ask({ do: 'train', network, seconds }, 900).catch(reasonOf);
      add(trainingRow(engine, network, trained));
    }
    // On a processor one network shows it; each takes two more compilations.
    for (const network of engine.startsWith('pjrt-') ? networks.slice(0, cpu ? 1 : networks.length) : []) {
      const request = { do: 'seeds', network, seeds: tiny ? 2 : SEEDS, blocks: quick || tiny ? 1 : 5 };
      if (table.some((row) => row.what === 'seeds' && row.network === network && row.engine === engine)) continue;
      const measured = isTimeUp() ? { reason: TIME_UP } : await side.ask(request, 1800).catch(reasonOf);
      add(seedsRows(engine, network, request.seeds, measured));
    }
    await side.stop();
  }
  await jax?.stop();
  // No engine was there: the file says why.
  name(cardName(kind, report) ?? 'none');
  write();
  return table.all;
}

/** The card, as JAX or its driver calls it. */
function cardName(kind, { peer }) {
  if (peer?.device !== undefined) return peer.device;
  if (kind === 'cpu') return undefined;
  const { ok, printed } = tryRun(['nvidia-smi'], ['--query-gpu=name', '--format=csv,noheader']);
  return ok && printed !== '' ? printed.split('\n')[0].trim() : undefined;
}

/** A plugin of somebody's own is one engine, not two. */
function withoutRocm() {
  return ENGINES.gpu.filter((engine) => engine !== 'pjrt-rocm');
}

/** Why an engine can't be had, as far as is known without starting it: nothing large is downloaded for a card that is not there. */
function obstacleOf(engine) {
  const plugins = explainPlugins();
  if (engine === 'pjrt-cuda' || engine === 'pjrt-rocm') {
    if (plugins.some(({ name }) => name === 'user')) return undefined;
    const fitting = plugins.filter(({ name }) => name.startsWith(engine === 'pjrt-cuda' ? 'cuda' : 'rocm'));
    return fitting.some(({ state }) => state !== 'unavailable') ? undefined : fitting[0]?.reason;
  }
  if (engine === 'tensorflow' && nvidiaDriverVersion() === undefined)
    return 'no NVIDIA GPU was found: its driver shows none';
  return undefined;
}

function startEngine(engine, tiny) {
  return startSide({
    command: process.execPath,
    args: [...process.execArgv, join(folder, 'lib/gpu/engine-process.mjs'), engine, ...(tiny ? ['tiny'] : [])],
    environment: { TF_CPP_MIN_LOG_LEVEL: '3', ...(engine === 'tensorflow' ? { MOE_RL_TENSORFLOW: 'cuda' } : {}) },
  });
}

/** JAX for this device: an interpreter that was handed over, or the pinned peer. */
async function startJax(peers, handed, kind, report, log) {
  const driver = nvidiaDriverVersion();
  const name = kind === 'cpu' ? 'jax' : `jax-cuda${driver !== undefined && driver < 580 ? 12 : 13}`;
  const isWanted = handed !== undefined || peers.wanted('jax') || peers.wanted(name);
  const fail = (reason) => {
    report.peer = { reason };
    log(`peer jax: ${reason}`);
  };
  if (!isWanted) return fail('left out (--no-peers)');
  if (handed === undefined && kind === 'gpu' && driver === undefined) return fail('no NVIDIA GPU was found');
  // `--peers jax` means the one for this device.
  const python = handed ?? peers.python(name, true);
  if (python === undefined) return fail('its environment could not be made');
  const start = () =>
    startSide({
      command: python,
      args: [join(folder, 'peers/gpu_jax.py')],
      environment: { PYTHONDONTWRITEBYTECODE: '1', ...(kind === 'cpu' ? { JAX_PLATFORMS: 'cpu' } : {}) },
    });
  const side = startAgainSide(start);
  try {
    report.peer = { name: 'jax', ...(await side.ask({ do: 'describe' })) };
    if (kind === 'gpu' && report.peer.platform === 'cpu') throw new Error('JAX finds no GPU');
    return side;
  } catch (error) {
    await side.stop();
    return fail(error.message);
  }
}

/** Networks have other names there. */
function asPeer(jax) {
  return {
    ask: (request, seconds) =>
      jax.ask(
        request.network === undefined ? request : { ...request, kind: ALL_NETWORKS[request.network].peer },
        seconds,
      ),
  };
}

function reasonOf(error) {
  return { reason: error.message };
}

function figure({ ours, peer, unit, ratio }) {
  const number = (value) => (value === null || value === undefined ? '-' : value.toPrecision(3));
  return `${number(ours)} ${unit}${peer === null ? '' : `, jax ${number(peer)} (${number(ratio)})`}`;
}

/** `NVIDIA H100 80GB HBM3` -> `nvidia-h100-80gb-hbm3` */
function slug(device) {
  return (device || 'unknown')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
}
