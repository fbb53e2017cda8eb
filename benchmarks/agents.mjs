// How long does an agent take? Our DQN agent's whole update (sampling from replay, recorded step, loss read back) against JAX's and PyTorch's bare step on
// batches that lie ready: rows `agent/<network>/<peer>`, in ms. And a whole step of data-efficient Rainbow (act, four frames of Breakout, replay, learn)
// against Dopamine's own agent on the same plain Nature network: row `agent/der/dopamine`, in ms an agent step after
// step 2,000, in turns of 500 steps.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createAgent } from '../packages/agents/src/index.ts';
import { makeAtari } from '../packages/ale-env/src/index.ts';
import { runLoop } from '../packages/core/src/index.ts';
import { loadBackend } from '../packages/tfjs-native/src/index.ts';
import { createDqnAgent, NETWORKS } from './lib/dqn-agent.mjs';
import { median, PEER_VARIANTS, startPeer, takeTurns } from './step.mjs';

const folder = join(dirname(fileURLToPath(import.meta.url)), 'peers');
/** The slope is taken from here on: everything is compiled, and every step learns. */
const DER_WARMUP = 2000;
/** Agent steps in a block: how often Dopamine's script writes down where it is. */
const DER_BLOCK = 500;

/** @param {{ peers: { has(name: string): boolean, python(name: string): string }, options: { quick?: boolean, log(text: string): void } }} config */
export async function run({ peers, options }) {
  const { quick = false, log = () => {} } = options ?? {};
  await loadBackend({ backend: 'tensorflow', onProgress: ({ message }) => log(message) });
  const rows = [];
  for (const [network, { peer: kind }] of Object.entries(NETWORKS)) {
    const sides = [{ name: 'ours', ...(await createDqnAgent(network, 'recorded')) }];
    try {
      for (const peer of ['jax', 'torch']) {
        if (!peers?.has(peer)) continue;
        for (const environment of PEER_VARIANTS[peer])
          sides.push({ name: peer, ...(await startPeer(peers.python(peer), peer, kind, environment)) });
      }
      const { ours, ...others } = await takeTurns(sides, 'step', quick ? 4 : 12, quick ? 5 : 10);
      log(
        `agent ${network}: ${Object.entries({ ours, ...others })
          .map(([side, ms]) => `${side} ${ms.toFixed(2)} ms`)
          .join(', ')}`,
      );
      if (Object.keys(others).length === 0) rows.push(row(`agent/${network}`, ours, undefined));
      for (const [peer, theirs] of Object.entries(others)) rows.push(row(`agent/${network}/${peer}`, ours, theirs));
    } finally {
      for (const side of sides) side.stop();
    }
  }
  rows.push(await dataEfficientRainbow(peers, quick ? 1 : 5, log));
  return rows;
}

function row(name, ours, peer) {
  return { name, ours, peer: peer ?? null, unit: 'ms', ratio: peer === undefined ? null : ours / peer };
}

/** Milliseconds an agent step of DER takes once it learns at every step: ours, and Dopamine's where its environment is there, in turns. */
async function dataEfficientRainbow(peers, blocks, log) {
  const python = peers?.has('dopamine') ? peers.python('dopamine') : undefined;
  const total = DER_WARMUP + blocks * DER_BLOCK;
  const peer = python === undefined ? undefined : startDopamine(python, total);
  try {
    const ours = await startOurs(python === undefined ? undefined : breakoutRom(python));
    // Both compile and fill their replay at the same time; from then on one stands still while the other is measured.
    await Promise.all([ours.advance(DER_WARMUP), peer?.advance(DER_WARMUP)]);
    const times = { ours: [], peer: [] };
    for (let block = 0; block < blocks; block++) {
      times.ours.push(await ours.advance(DER_BLOCK));
      if (peer !== undefined) times.peer.push(await peer.advance(DER_BLOCK));
    }
    ours.stop();
    const [oursMs, peerMs] = [times.ours, times.peer].map((blockTimes) => median(blockTimes) / DER_BLOCK);
    log(`agent der: ours ${oursMs.toFixed(1)} ms an agent step${peer ? `, Dopamine ${peerMs.toFixed(1)} ms` : ''}`);
    return row('agent/der/dopamine', oursMs, peer && peerMs);
  } finally {
    peer?.stop();
  }
}

/** Our agent on Breakout (on our embedded game where there is no ROM). `advance(count)` runs `count` agent steps and gives the ms it took. */
async function startOurs(rom) {
  const rules = { repeatActionProbability: 0, terminalOnLifeLoss: true };
  const environment = makeAtari(rom === undefined ? rules : { ...rules, game: 'breakout', rom });
  const agent = await createAgent('der', { environment, seed: 1, overrides: { 'replay.capacity': 100_000 } });
  const steps = runLoop({ environment, agent, seed: 1 })[Symbol.asyncIterator]();
  return {
    async advance(count) {
      const start = performance.now();
      for (let step = 0; step < count; step++) await steps.next();
      return performance.now() - start;
    },
    stop: () => agent.dispose(),
  };
}

/** Dopamine's agent in a process of its own, which stands still (SIGSTOP) outside of `advance`. It tells its progress every `DER_BLOCK` steps. */
function startDopamine(python, agentSteps) {
  const output = mkdtempSync(join(tmpdir(), 'moe-rl-der-'));
  const file = join(output, 'der.jsonl');
  const child = spawn(python, [join(folder, 'der_dopamine.py'), 'Breakout', '1', String(agentSteps), file], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (chunk) => {
    errors = (errors + chunk).slice(-2000);
  });
  let done = 0;
  const progress = () =>
    existsSync(file) ? Number(readFileSync(file, 'utf8').match(/"progress": \d+/g)?.length ?? 0) : 0;
  return {
    async advance(count) {
      const start = performance.now();
      child.kill('SIGCONT');
      done += count / DER_BLOCK;
      while (progress() < done) {
        if (child.exitCode !== null) throw new Error(`Dopamine's DER ended early: ${errors}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      child.kill('SIGSTOP');
      return performance.now() - start;
    },
    stop() {
      child.kill('SIGKILL');
      rmSync(output, { recursive: true, force: true });
    },
  };
}

function breakoutRom(python) {
  const result = spawnSync(python, ['-c', 'import ale_py; print(ale_py.roms.get_rom_path("breakout"))']);
  return result.status === 0 ? readFileSync(String(result.stdout).trim()) : undefined;
}
