// How long does a DQN training step take, and choosing one action? Our DQN agent's, recorded as a TensorFlow graph, against the same agent run eagerly, acting through a compiled function and through PJRT's CPU plugin, and
// against JAX, TensorFlow's own Python and PyTorch. Rows `step/<network>/<peer>` (batch 32) and `act/<network>/<peer>` (batch 1), in ms.
// All sides stay loaded and take turns in blocks, so that whatever else the machine does hits all of them; a side's time is the median of its
// quieter half of blocks.
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { loadBackend } from '../packages/tfjs-native/src/index.ts';
import { createDqnAgent, NETWORKS } from './lib/dqn-agent.mjs';
import { startPjrtSide } from './lib/pjrt-side.mjs';

const folder = join(dirname(fileURLToPath(import.meta.url)), 'peers');

/** Threads of every side: all processors. */
export const THREADS = availableParallelism();

/**
 * A peer is measured at its best of these: TensorFlow with oneDNN, as ours, compiled by XLA or not; PyTorch compiled or not, and it prefers one way of waiting on
 * a busy machine, the other on a quiet one. All have as many threads as ours.
 */
export const PEER_VARIANTS = {
  jax: [{}],
  tf: [{ TF_ENABLE_ONEDNN_OPTS: '1' }, { TF_ENABLE_ONEDNN_OPTS: '1', JIT: '1' }],
  torch: [
    { CL: '1' },
    { CL: '1', OMP_WAIT_POLICY: 'PASSIVE' },
    { CL: '1', COMPILE: '1' },
    { CL: '1', COMPILE: '1', OMP_WAIT_POLICY: 'PASSIVE' },
  ],
};

/** @param {{ peers: { has(name: string): boolean, python(name: string): string }, options: { quick?: boolean, log(text: string): void } }} config */
export async function run({ peers, options }) {
  const { quick = false, log = () => {} } = options ?? {};
  const { name, report } = await loadBackend({
    backend: 'tensorflow',
    threads: THREADS,
    onProgress: ({ message }) => log(message),
  });
  log(`ours: ${report.used.source}, backend ${name}; ${THREADS} threads on every side`);
  const rows = [];
  for (const [network, { peer: kind }] of Object.entries(NETWORKS)) {
    const sides = [
      { name: 'recorded', ...(await createDqnAgent(network, 'recorded')) },
      { name: 'eager', ...(await createDqnAgent(network, 'eager')) },
    ];
    try {
      // The same session's variables, acting through a function that XLA compiled: its row is `act/<network>/compiled`.
      const compiled = { whats: ['act'], compiledActing: 0 };
      try {
        sides.push({ name: 'compiled', ...compiled, ...(await createDqnAgent(network, 'recorded', compiled)) });
      } catch (error) {
        // XLA knows no operation of our own kernels, which mixtures have where they are installed.
        log(`act ${network}/compiled left out: ${error.message}`);
      }
      // XLA's CPU compiler acts faster than the session and learns slower: its row is `act/<network>/pjrt`.
      sides.push({ name: 'pjrt', whats: ['act'], ...(await startPjrtSide(network, THREADS)) });
      for (const [peer, variants] of Object.entries(PEER_VARIANTS)) {
        if (!peers?.has(peer)) continue;
        for (const environment of variants) {
          sides.push({ name: peer, ...(await startPeer(peers.python(peer), peer, kind, environment)) });
        }
      }
      for (const { what, blocks, calls } of [
        { what: 'step', blocks: quick ? 4 : 12, calls: quick ? 5 : 10 },
        { what: 'act', blocks: quick ? 4 : 12, calls: quick ? 25 : 50 },
      ]) {
        const taking = sides.filter(({ whats = [what] }) => whats.includes(what));
        const times = await takeTurns(taking, what, blocks, calls);
        const { recorded } = times;
        for (const [peer, milliseconds] of Object.entries(times)) {
          if (peer === 'recorded') continue;
          rows.push({
            name: `${what}/${network}/${peer}`,
            ours: recorded,
            peer: milliseconds,
            unit: 'ms',
            ratio: recorded / milliseconds,
          });
        }
        if (Object.keys(times).length === 1) {
          rows.push({ name: `${what}/${network}`, ours: recorded, peer: null, unit: 'ms', ratio: null });
        }
        log(
          `${what} ${network}: ${Object.entries(times)
            .map(([side, ms]) => `${side} ${ms.toFixed(2)} ms`)
            .join(', ')}`,
        );
      }
    } finally {
      for (const side of sides) side.stop();
    }
  }
  return rows;
}

/** A peer in its own process, asked line by line (see peers/step_common.py). */
export async function startPeer(python, peer, kind, environment) {
  const child = spawn(python, [join(folder, `step_${peer}.py`), kind], {
    cwd: folder,
    env: {
      ...process.env,
      TH: String(THREADS),
      ...environment,
      SERVE: '1',
      TF_CPP_MIN_LOG_LEVEL: '3',
      PYTHONDONTWRITEBYTECODE: '1',
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (chunk) => {
    errors = (errors + chunk).slice(-2000);
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`peer ${peer} ended early:\n${errors}`);
    return JSON.parse(value);
  };
  await answer();
  return {
    measure(what, count) {
      child.stdin.write(`${what} ${count}\n`);
      return answer();
    },
    stop: () => child.stdin.end(),
  };
}

/** Milliseconds per call of each side's best variant. */
export async function takeTurns(sides, what, blocks, calls) {
  const medians = sides.map(() => []);
  for (let block = 0; block < blocks; block++) {
    for (const [index, side] of sides.entries()) medians[index].push(median(await side.measure(what, calls)));
  }
  const best = {};
  for (const [index, { name }] of sides.entries()) {
    const quieter = medians[index].sort((a, b) => a - b).slice(0, Math.ceil(blocks / 2));
    best[name] = Math.min(best[name] ?? Number.POSITIVE_INFINITY, median(quieter));
  }
  return best;
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}
