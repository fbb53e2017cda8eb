// How long does an agent take? Our DQN agent's whole update (sampling from replay, recorded step, loss read back) against JAX's and PyTorch's bare step on
// batches that lie ready: rows `agent/<network>/<peer>`, in ms. And a whole step of data-efficient Rainbow (act, four frames of Breakout, replay, learn)
// against Dopamine's own agent on the same plain Nature network: row `agent/der/dopamine`, in ms an agent step, the slope after step 2,000.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createAgent } from '../packages/agents/src/index.ts';
import { makeAtari } from '../packages/ale-env/src/index.ts';
import { runLoop } from '../packages/core/src/index.ts';
import { loadBackend } from '../packages/tfjs-native/src/index.ts';
import { createDqnAgent, NETWORKS } from './lib/dqn-agent.mjs';
import { PEER_VARIANTS, startPeer, takeTurns } from './step.mjs';

const folder = join(dirname(fileURLToPath(import.meta.url)), 'peers');
/** The slope is taken from here on: everything is compiled, and every step learns. */
const DER_WARMUP = 2000;

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
  rows.push(await dataEfficientRainbow(peers, quick ? 500 : 2000, log));
  return rows;
}

function row(name, ours, peer) {
  return { name, ours, peer: peer ?? null, unit: 'ms', ratio: peer === undefined ? null : ours / peer };
}

/** Milliseconds an agent step of DER takes once it learns at every step: ours, and Dopamine's where its environment is there. */
async function dataEfficientRainbow(peers, measuredSteps, log) {
  const python = peers?.has('dopamine') ? peers.python('dopamine') : undefined;
  const total = DER_WARMUP + measuredSteps;
  const rom = python === undefined ? undefined : breakoutRom(python);
  const environment =
    rom === undefined
      ? makeAtari({ repeatActionProbability: 0, terminalOnLifeLoss: true })
      : makeAtari({ game: 'breakout', rom, repeatActionProbability: 0, terminalOnLifeLoss: true });
  const agent = await createAgent('der', { environment, seed: 1, overrides: { 'replay.capacity': 100_000 } });
  let start = 0;
  let steps = 0;
  for await (const _ of runLoop({ environment, agent, seed: 1 })) {
    if (++steps === DER_WARMUP) start = performance.now();
    if (steps === total) break;
  }
  const ours = (performance.now() - start) / measuredSteps;
  agent.dispose();
  log(`agent der: ours ${ours.toFixed(1)} ms an agent step`);
  if (python === undefined) return row('agent/der/dopamine', ours, undefined);
  const output = mkdtempSync(join(tmpdir(), 'moe-rl-der-'));
  try {
    const file = join(output, 'der.jsonl');
    const result = spawnSync(python, [join(folder, 'der_dopamine.py'), 'Breakout', '1', String(total), file], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    if (result.status !== 0) throw new Error(`Dopamine's DER failed: ${String(result.stderr).slice(-2000)}`);
    const progress = readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
      .filter((entry) => entry.progress >= DER_WARMUP);
    const [first, last] = [progress[0], progress.at(-1)];
    const theirs = (1000 * (last.seconds - first.seconds)) / (last.progress - first.progress);
    log(`agent der: Dopamine ${theirs.toFixed(1)} ms an agent step`);
    return row('agent/der/dopamine', ours, theirs);
  } finally {
    rmSync(output, { recursive: true, force: true });
  }
}

function breakoutRom(python) {
  const result = spawnSync(python, ['-c', 'import ale_py; print(ale_py.roms.get_rom_path("breakout"))']);
  return result.status === 0 ? readFileSync(String(result.stdout).trim()) : undefined;
}
