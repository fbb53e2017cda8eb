// A whole training, as `moe-rl train` does it (acting, the embedded game, replay, learning, logs), for some seconds: frames a second once learning is under way.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRunFolder } from '../../../packages/runs/src/index.ts';
import { newRunConfig, trainInFolder } from '../../../packages/training/src/index.ts';

/** Agent steps that are logged together; the clock starts some rows after learning did. */
const PERIOD_AGENT_STEPS = 50;
const HISTORY_AGENT_STEPS = 300;
/** What shows that a training runs at all. */
const TINY = { game: 'bsuite/catch', preset: 'classic-control-soft-moe' };

/** @param {{ backend: string, preset: string, seconds: number, isTiny: boolean }} config */
export async function trainFor({ backend, preset, seconds, isTiny }) {
  const parent = mkdtempSync(join(tmpdir(), 'moe-rl-bench-'));
  const set = [
    ['agent.minReplayHistoryAgentSteps', String(HISTORY_AGENT_STEPS)],
    ['replay.capacity', '20000'],
    ['logPeriodAgentSteps', String(PERIOD_AGENT_STEPS)],
    // As late in training: nearly all actions are the network's.
    ...(isTiny ? [] : [['agent.epsilonDecayPeriodAgentSteps', '1']]),
  ];
  const what = isTiny ? TINY : { game: 'windfall', preset };
  const options = { ...what, backend, evaluationEpisodes: 0, trainingAgentSteps: 1_000_000 };
  const config = newRunConfig({ options, set });
  const folder = createRunFolder(join(parent, 'run'), config);
  const stop = new AbortController();
  const rows = [];
  const clock = {
    write({ agentSteps }) {
      if (agentSteps < HISTORY_AGENT_STEPS + 2 * PERIOD_AGENT_STEPS) return;
      rows.push({ agentSteps, atMs: performance.now() });
      if (rows.length > 1 && rows.at(-1).atMs - rows[0].atMs >= seconds * 1000) stop.abort();
    },
    close() {},
  };
  try {
    const silent = { write: () => {} };
    const start = { isResume: false, signal: stop.signal, say: () => {}, output: silent, sinks: { clock } };
    (await trainInFolder(folder, start)).dispose();
  } finally {
    folder.unlock();
    rmSync(parent, { recursive: true, force: true });
  }
  const [first, last] = [rows[0], rows.at(-1)];
  const agentSteps = last.agentSteps - first.agentSteps;
  return {
    framesPerSecond: (agentSteps * (config.environment.frameSkip ?? 1)) / ((last.atMs - first.atMs) / 1000),
    agentSteps,
  };
}
