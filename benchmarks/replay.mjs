// How fast is replay? Adding a step, and sampling 32, uniformly and prioritized, from a full buffer of 1,000,000 frames of 84x84 (`--quick`: 200,000),
// against the replay of Dopamine's JAX agents. Both are filled one after the other (7 GB each) with the same 200,000 frames of Breakout, over and over.
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, readSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRng } from '../packages/core/src/index.ts';
import { ReplayBuffer } from '../packages/replay/src/index.ts';

const FRAME_BYTES = 84 * 84;
const FRAME_COUNT = 200_000;
const BLOCK_FRAMES = 1_000;
const PEER = join(dirname(fileURLToPath(import.meta.url)), 'peers', 'replay_dopamine.py');

export async function run({ peers, options }) {
  const capacity = options.quick ? FRAME_COUNT : 1_000_000;
  const python = peers.has('dopamine') ? peers.python('dopamine') : undefined;
  const frames = python === undefined ? madeUpFrames() : recordedFrames(python, options.log);
  options.log(`filling a buffer of ${capacity} with ${frames.name}`);
  const uniform = measure('uniform', capacity, frames, options.log);
  const prioritized = measure('prioritized', capacity, frames, options.log);
  let peer = {};
  if (python !== undefined) {
    options.log('filling Dopamine’s (minutes)');
    const result = spawnSync(python, [PEER, 'measure', frames.path, String(capacity)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    if (result.status !== 0) throw new Error(`Dopamine's replay failed: ${String(result.stderr).slice(-2000)}`);
    peer = JSON.parse(String(result.stdout).trim().split('\n').at(-1));
  }
  const row = (name, ours, theirs) => ({
    name: `replay/${name}`,
    ours: 1e6 / ours,
    peer: theirs === undefined ? undefined : 1e6 / theirs,
    unit: '1/s',
    ratio: theirs === undefined ? undefined : theirs / ours,
  });
  return [
    row('add', uniform.addMicroseconds, peer.add),
    row('sample-uniform', uniform.sampleMicroseconds, peer.uniform),
    row('sample-prioritized', prioritized.sampleMicroseconds, peer.prioritized),
  ];
}

/** Frames of Breakout under a random policy, played once in ALE by the peer's Python and kept in the cache. */
function recordedFrames(python, log) {
  const cache = process.env.MOE_RL_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'moe-rl');
  const path = join(cache, 'bench', `breakout-${FRAME_COUNT}.frames`);
  if (!existsSync(path)) {
    log(`playing ${FRAME_COUNT} agent steps of Breakout once, for real frames (1.4 GB in the cache folder; minutes)`);
    mkdirSync(dirname(path), { recursive: true });
    const result = spawnSync(python, [PEER, 'frames', path, String(FRAME_COUNT)], {
      stdio: ['ignore', 'inherit', 'pipe'],
    });
    if (result.status !== 0) throw new Error(`recording frames failed: ${String(result.stderr).slice(-2000)}`);
  }
  const steps = readFileSync(`${path}.steps`);
  return {
    name: 'frames of Breakout',
    path,
    *steps() {
      const block = new Uint8Array(BLOCK_FRAMES * FRAME_BYTES);
      const file = openSync(path, 'r');
      try {
        for (let first = 0; ; first = (first + BLOCK_FRAMES) % FRAME_COUNT) {
          readSync(file, block, 0, block.length, first * FRAME_BYTES);
          for (let index = 0; index < BLOCK_FRAMES; index++) {
            const at = 3 * (first + index);
            yield {
              observation: block.subarray(index * FRAME_BYTES, (index + 1) * FRAME_BYTES),
              action: steps[at],
              reward: steps[at + 1] - 1,
              terminated: steps[at + 2] === 1,
              truncated: false,
            };
          }
        }
      } finally {
        closeSync(file);
      }
    },
  };
}

/** Without the peer there is nothing to compare with: any frames do. */
function madeUpFrames() {
  return {
    name: 'made-up frames',
    *steps() {
      const observation = new Uint8Array(FRAME_BYTES);
      for (let step = 0; ; step++) {
        observation.fill(step, (step * 84) % FRAME_BYTES, ((step * 84) % FRAME_BYTES) + 84);
        yield { observation, action: step % 4, reward: 0, terminated: step % 500 === 499, truncated: false };
      }
    },
  };
}

function measure(kind, capacity, frames, log) {
  const replay = new ReplayBuffer({
    observationSpec: { frameShape: [84, 84], stackSize: 4, dtype: 'uint8' },
    capacity,
    updateHorizon: 1,
    sampling: { kind },
    rng: createRng(1, 'replay'),
  });
  const steps = frames.steps();
  while (replay.size < capacity) replay.add(steps.next().value);
  for (let warm = 0; warm < 500; warm++) replay.sample(32);
  const sampleMicroseconds = medianOfBlocks(20, 200, () => replay.sample(32));
  // The frames of a block are read before it is timed.
  const addMicroseconds = median(
    Array.from({ length: 20 }, () => {
      const block = Array.from({ length: 500 }, () => {
        const step = steps.next().value;
        return { ...step, observation: step.observation.slice() };
      });
      const start = performance.now();
      for (const step of block) replay.add(step);
      return ((performance.now() - start) * 1e3) / block.length;
    }),
  );
  steps.return();
  log(
    `${kind}: add ${addMicroseconds.toFixed(2)} us, sample of 32 ${sampleMicroseconds.toFixed(0)} us (copying as many frames from random places alone: ` +
      `${copyMicroseconds(replay).toFixed(0)} us), ${(replay.memoryBytes / 1e9).toFixed(2)} GB`,
  );
  return { addMicroseconds, sampleMicroseconds };
}

/** The floor: 32 windows of frames copied out of the buffer's chunks, and nothing else. */
function copyMicroseconds(replay) {
  const chunks = replay.liveState().frames;
  const window = replay.windowLength * FRAME_BYTES;
  const target = new Uint8Array(32 * window);
  return medianOfBlocks(20, 200, () => {
    for (let row = 0; row < 32; row++) {
      const chunk = chunks[Math.floor(Math.random() * (chunks.length - 1))];
      const first = Math.floor(Math.random() * (chunk.length / FRAME_BYTES - replay.windowLength)) * FRAME_BYTES;
      target.set(chunk.subarray(first, first + window), row * window);
    }
  });
}

function medianOfBlocks(blocks, size, call) {
  return median(
    Array.from({ length: blocks }, () => {
      const start = performance.now();
      for (let index = 0; index < size; index++) call();
      return ((performance.now() - start) * 1e3) / size;
    }),
  );
}

function median(values) {
  return values.sort((a, b) => a - b)[values.length >> 1];
}
