// test:resume: is resuming exact? The program trains straight to the end; then again, is killed (kill -9) past the middle, and resumed from its newest
// checkpoint. Parameters, optimizer state, random streams, environment, the whole replay memory, metrics and the final evaluation must be identical.
//   node --conditions=@moe-rl/source scripts/test-resume.mjs [--backend wasm] [--threads 1] [--game windfall] [--preset quickstart] [--agent-steps 1200]
//     [--set path=value ...] [--keep FOLDER]
// `--backend webgpu` runs on SwiftShader, where Chromium brings it, and is skipped where there is no adapter.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { createRng } from '../packages/core/src/index.ts';
import { ReplayBuffer } from '../packages/replay/src/index.ts';
import { ReplayCheckpointer } from '../packages/replay/src/node/index.ts';
import { checkpointStore, metricDefinition, readCheckpoint } from '../packages/runs/src/index.ts';

const { values } = parseArgs({
  options: {
    backend: { type: 'string', default: 'wasm' },
    threads: { type: 'string', default: '1' },
    game: { type: 'string', default: 'windfall' },
    preset: { type: 'string', default: 'quickstart' },
    'agent-steps': { type: 'string', default: '1200' },
    set: { type: 'string', multiple: true, default: [] },
    keep: { type: 'string' },
  },
});
const agentSteps = Number(values['agent-steps']);
const checkpointPeriod = Math.max(1, Math.floor(agentSteps / 6));
const program = [
  '--conditions=@moe-rl/source',
  '--disable-warning=ExperimentalWarning',
  join(dirname(fileURLToPath(import.meta.url)), '../apps/trainer/src/bin.ts'),
];
const training = [
  ...['train', '--game', values.game, '--preset', values.preset, '--backend', values.backend, '--seed', '7'],
  ...['--agent-steps', String(agentSteps), '--set', `threads=${values.threads}`],
  ...[
    '--set',
    `checkpointPeriodAgentSteps=${checkpointPeriod}`,
    '--set',
    `logPeriodAgentSteps=${checkpointPeriod >> 1}`,
  ],
  ...['--set', `agent.minReplayHistoryAgentSteps=${agentSteps >> 3}`, '--set', 'evaluationEpisodes=1'],
  ...values.set.flatMap((setting) => ['--set', setting]),
];
if (values.backend === 'webgpu') {
  const { missing, softwareEnvironment } = await import('../packages/webgpu/src/testing/software-adapter.ts');
  if (missing !== undefined) {
    console.log(`skipped: ${missing}`);
    process.exit(0);
  }
  Object.assign(process.env, softwareEnvironment());
}
if (values.keep !== undefined) mkdirSync(values.keep, { recursive: true });
const root = values.keep ?? mkdtempSync(join(tmpdir(), 'moe-rl-resume-'));
const [straight, killed] = [join(root, 'straight'), join(root, 'killed')];

try {
  console.log(`moe-rl ${training.join(' ')}`);
  timed('trained straight', () => runToEnd([...training, '--run-folder', straight]));
  await killPastTheMiddle();
  timed('resumed', () => runToEnd(['train', '--resume', '--run-folder', killed]));
  const differences = await compare();
  for (const difference of differences) console.log(`FAILED ${difference}`);
  process.exitCode = differences.length === 0 ? 0 : 1;
} finally {
  if (values.keep === undefined) rmSync(root, { recursive: true, force: true });
}

function timed(what, work) {
  const start = performance.now();
  work();
  console.log(`${what} (${((performance.now() - start) / 1000).toFixed(0)} s)`);
}

function runToEnd(args) {
  const result = spawnSync(process.execPath, [...program, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  if (result.status !== 0) throw new Error(`the program ended with ${result.status}:\n${result.stderr}`);
}

/** Waits for a checkpoint at or after the middle, and half as long again as it took from the one before, so that work is lost; then kill -9. */
async function killPastTheMiddle() {
  const child = spawn(process.execPath, [...program, ...training, '--run-folder', killed], { stdio: 'ignore' });
  const ended = new Promise((resolve) => child.on('close', (code, signal) => resolve(signal ?? `code ${code}`)));
  const { list } = checkpointStore(join(killed, 'checkpoints'));
  const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  let [newest, seenAt, periodMs] = [0, performance.now(), 0];
  while (child.exitCode === null && newest < agentSteps / 2) {
    await sleep(10);
    const checkpoint = list().at(-1) ?? 0;
    if (checkpoint === newest) continue;
    periodMs = performance.now() - seenAt;
    [newest, seenAt] = [checkpoint, performance.now()];
  }
  await sleep(periodMs / 2);
  child.kill('SIGKILL');
  const how = await ended;
  if (how !== 'SIGKILL')
    throw new Error(`the run ended with ${how} before it could be killed: ask for more --agent-steps`);
  console.log(
    `killed ${(periodMs / 2000).toFixed(1)} s after the checkpoint of agent step ${newest}; newest checkpoint at ${list().at(-1)}`,
  );
}

function metricRows(folder) {
  const path = join(folder, 'metrics.jsonl');
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines.slice(0, -1).map((line) => JSON.parse(line));
}

async function compare() {
  const sides = await Promise.all([straight, killed].map(contents));
  const differences = [];
  for (const [name, describe] of Object.entries(sides[0])) {
    if (isDeepStrictEqual(sides[0][name], sides[1][name])) console.log(`ok     ${name}: ${summary(describe)}`);
    else differences.push(`${name} differs between ${straight} and ${killed}`);
  }
  return differences;
}

/** Everything of a run that must not depend on whether it was interrupted. */
async function contents(folder) {
  const newest = checkpointStore(join(folder, 'checkpoints')).newestFirst()[0];
  const { agentSteps: at, parts } = readCheckpoint(newest);
  if (at !== agentSteps) throw new Error(`${newest} is not of agent step ${agentSteps}`);
  return {
    agent: parts.agent,
    environment: parts.environment,
    replay: (await restoredReplay(join(folder, 'checkpoints', 'replay'))).liveState(),
    // Without what depends on the clock and the machine.
    metrics: metricRows(folder).map((row) =>
      Object.fromEntries(Object.entries(row).filter(([tag]) => tag === 'agentSteps' || !isTiming(tag))),
    ),
    evaluation: JSON.parse(readFileSync(join(folder, 'summary.json'), 'utf8')).evaluation,
  };
}

function isTiming(tag) {
  return tag === 'time' || metricDefinition(tag).isTiming === true;
}

/** The replay memory as the newest checkpoint has it, in a buffer made after the manifest. */
async function restoredReplay(folder) {
  const manifest = readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .at(-1);
  const { layout } = JSON.parse(readFileSync(join(folder, manifest), 'utf8')).state;
  const { frameShape, stackSize, dtype, sampling, ...config } = layout;
  const replay = new ReplayBuffer({
    ...config,
    observationSpec: { frameShape, stackSize, dtype },
    sampling: { kind: sampling },
    rng: createRng(0, 'replaced by the checkpoint'),
  });
  await new ReplayCheckpointer({ replay, folder }).restore();
  return replay;
}

function summary(value) {
  const sizes = { numbers: 0, leaves: 0 };
  const walk = (node) => {
    if (ArrayBuffer.isView(node)) sizes.numbers += node.length;
    else if (node !== null && typeof node === 'object') for (const child of Object.values(node)) walk(child);
    else sizes.leaves++;
  };
  walk(value);
  return `${sizes.numbers.toLocaleString('en-US')} numbers in arrays and ${sizes.leaves} single values agree`;
}
