// test:engines: do all engines compute the same training? 20 training steps of DQN, Rainbow and top-1 routing with Soft MoE's networks, target networks synced and the
// agent resumed in between: the losses must equal those of the recorded TensorFlow session. And every preset must trace for XLA at every entry point.
//   node --conditions=@moe-rl/source scripts/test-engines.mjs [--engines pjrt-cpu,wasm] [--cases dqn] [--no-traces] [--soak 2000]
//   node --conditions=@moe-rl/source scripts/test-engines.mjs --cuda-compile [--presets dqn,dqn-soft-moe] [--gpu 'NVIDIA H100 80GB HBM3']
// --soak also makes that many updates of DQN with Soft MoE on each engine and requires that memory stays flat. --cuda-compile compiles the presets' learn and act for
// a GPU that need not be there (257 MB are fetched once) and requires that they take over their arguments' memory; nothing else is run then.
// Ends with `N passed, N failed`. Each engine runs in a process of its own; one that this machine can't have is named and counted as failed,
// except WebGPU, which needs an adapter (SwiftShader beside Chromium will do): without one it is skipped, by name.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { compileForCuda, presetEnvironment } from './engines/compile-for-cuda.mjs';

/**
 * The engines by name: which backend is loaded and in which mode programs run. The first is what the others are compared with. `drawsAlike`: random numbers within a
 * step are TensorFlow's own; elsewhere they are drawn in JavaScript, others for the same seed.
 */
const ENGINES = {
  'tensorflow-recorded': { backend: 'tensorflow', mode: 'recorded', drawsAlike: true },
  'tensorflow-eager': { backend: 'tensorflow', mode: 'eager', drawsAlike: true },
  'pjrt-cpu': { backend: 'pjrt-cpu', mode: 'auto', drawsAlike: true },
  webgpu: { backend: 'webgpu', mode: 'auto', drawsAlike: true },
  wasm: { backend: 'wasm', mode: 'auto' },
  cpu: { backend: 'cpu', mode: 'auto' },
};
/** Small frames and networks: a plain JavaScript engine is among them. */
const SMALL = {
  network: { encoder: { type: 'nature', widthScale: 0.25 }, moe: { expertHiddenUnits: 16 } },
  agent: { batchSize: 8, minReplayHistoryAgentSteps: 20 },
  replay: { capacity: 300 },
};
const CASES = {
  dqn: { preset: 'dqn-soft-moe' },
  rainbow: { preset: 'rainbow-soft-moe', changes: { network: { noisy: false } } },
  'rainbow-noisy': { preset: 'rainbow-soft-moe', draws: true },
  top1: { preset: 'dqn-top1-moe' },
};
const STEPS = 20;
const SYNC_BEFORE = [5, 15];
const RESUME_BEFORE = 10;
/** Largest |a - b| / (1 + |b|) of losses over the 20 steps: sums of float32 in another order, grown by 20 updates. */
const TOLERANCE = 1e-3;
const ENVIRONMENT = { observationSpec: { frameShape: [24, 24], stackSize: 4, dtype: 'uint8' }, actionCount: 3 };

const { values } = parseArgs({
  options: {
    engines: { type: 'string', default: Object.keys(ENGINES).join(',') },
    cases: { type: 'string', default: Object.keys(CASES).join(',') },
    traces: { type: 'boolean', default: true },
    soak: { type: 'string', default: '0' },
    'cuda-compile': { type: 'boolean', default: false },
    presets: { type: 'string' },
    gpu: { type: 'string' },
    child: { type: 'string' },
  },
  allowNegative: true,
});
/** How much resident memory may grow over the last three quarters of a soak. */
const SOAK_LIMIT_MEGABYTES = 48;
const soakUpdates = Number(values.soak);
if (!Number.isInteger(soakUpdates) || soakUpdates < 0) refuse(`--soak is ${values.soak}; expected a number of updates`);
const cases = values.cases.split(',');
for (const name of cases)
  if (!Object.hasOwn(CASES, name)) refuse(`there is no case "${name}"; there are ${Object.keys(CASES).join(', ')}`);
for (const option of ['presets', 'gpu'])
  if (values[option] !== undefined && !values['cuda-compile'])
    refuse(`--${option} says what is compiled for a GPU; expected --cuda-compile too`);

if (values.child === 'traces') await tracePresets();
else if (values.child !== undefined) await runEngine(values.child);
else if (values['cuda-compile'])
  await compileForCuda({ gpu: values.gpu ?? 'NVIDIA H100 80GB HBM3', presets: values.presets?.split(',') });
else await compareEngines();

function refuse(message) {
  console.error(`test:engines: ${message}`);
  process.exit(2);
}

async function compareEngines() {
  const [reference] = Object.keys(ENGINES);
  const engines = [...new Set([reference, ...values.engines.split(',')])];
  for (const name of engines) {
    if (!Object.hasOwn(ENGINES, name))
      refuse(`there is no engine "${name}"; there are ${Object.keys(ENGINES).join(', ')}`);
  }
  let passed = 0;
  let failed = 0;
  const check = (name, fault) => {
    if (fault === undefined) passed++;
    else failed++;
    console.log(fault === undefined ? `ok      ${name}` : `FAILED  ${name}: ${fault}`);
  };
  const results = {};
  for (const engine of engines) {
    results[engine] = await child(engine);
    if (results[engine].missing !== undefined) {
      console.log(`skipped ${engine}: ${results[engine].missing}`);
      continue;
    }
    if (soakUpdates > 0) {
      const { soak, error } = results[engine];
      const said = soak && `${soakUpdates} updates: memory ${soak.from} -> ${soak.to} MB, tensors ${soak.tensors}`;
      const isFlat = soak && soak.to - soak.from <= SOAK_LIMIT_MEGABYTES && soak.tensors === 0;
      check(
        `${engine} soak ${said ?? ''}`,
        isFlat ? undefined : (error ?? `grew by more than ${SOAK_LIMIT_MEGABYTES} MB`),
      );
    }
    for (const name of casesOf(engine)) {
      const { losses, error } = results[engine].cases?.[name] ?? { error: results[engine].error };
      const wanted = results[reference].cases?.[name]?.losses;
      if (error !== undefined) check(`${engine} ${name}`, error);
      else if (wanted === undefined) check(`${engine} ${name}`, `${reference} gave nothing to compare with`);
      else {
        const worst = Math.max(
          ...losses.map((loss, step) => Math.abs(loss - wanted[step]) / (1 + Math.abs(wanted[step]))),
        );
        const said = `${STEPS} losses within ${worst.toExponential(1)} of ${reference} (${losses[0].toFixed(5)} ... ${losses.at(-1).toFixed(5)})`;
        check(`${engine} ${name}: ${said}`, worst <= TOLERANCE ? undefined : `expected at most ${TOLERANCE}`);
      }
    }
  }
  if (values.traces) {
    const { presets = {}, error } = await child('traces');
    if (error !== undefined) check('traces', error);
    for (const [preset, { entries, error: fault }] of Object.entries(presets)) {
      check(`${preset} traces: ${entries.join(', ')}`, fault);
    }
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

/** Runs this file for one engine; what it prints last is its result. */
function child(name) {
  return new Promise((resolve) => {
    const program = [...process.execArgv, fileURLToPath(import.meta.url), '--child', name];
    program.push('--cases', cases.join(','), '--soak', values.soak);
    const running = spawn(process.execPath, program, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let errors = '';
    running.stdout.on('data', (chunk) => {
      output += chunk;
    });
    running.stderr.on('data', (chunk) => {
      errors = (errors + chunk).slice(-600);
    });
    running.on('close', (code, signal) => {
      const line = output
        .trim()
        .split('\n')
        .findLast((text) => text.startsWith('{'));
      resolve(
        line === undefined
          ? { error: `ended with ${signal ?? `code ${code}`}: ${errors.trim().split('\n').at(-1)}` }
          : JSON.parse(line),
      );
    });
  });
}

/** Cases that need the same random numbers within a step are left out where they are others. */
function casesOf(engine) {
  return cases.filter((name) => !CASES[name].draws || ENGINES[engine].drawsAlike);
}

async function runEngine(engine) {
  const { backend, mode } = ENGINES[engine];
  const { openBackend } = await import('../packages/training/src/backend.ts');
  const { createAgent } = await import('../packages/agents/src/index.ts');
  const { createRng } = await import('../packages/core/src/index.ts');
  const result = {};
  if (backend === 'webgpu') {
    const { missing } = await import('../packages/webgpu/src/testing/software-adapter.ts');
    if (missing !== undefined) {
      console.log(JSON.stringify({ missing }));
      process.exit(0);
    }
  }
  try {
    const { tf } = await opened(backend, () => openBackend({ backend, threads: 1 }, () => {}));
    for (const name of casesOf(engine)) {
      try {
        result[name] = { losses: await train(CASES[name], mode, createAgent, createRng) };
      } catch (error) {
        result[name] = { error: error.message };
      }
    }
    const soak = soakUpdates > 0 ? await soakOf(mode, tf, createAgent, createRng) : undefined;
    console.log(JSON.stringify({ cases: result, soak }));
  } catch (error) {
    console.log(JSON.stringify({ error: error.message }));
  }
  process.exit(0);
}

/** WebGPU opens on SwiftShader, where it is, or else on what the machine has. */
async function opened(backend, open) {
  if (backend !== 'webgpu') return open();
  const { withSoftwareAdapter } = await import('../packages/webgpu/src/testing/software-adapter.ts');
  return withSoftwareAdapter(open);
}

/** Resident memory in MB after a quarter of many updates and after all of them, and how many tensors more there are. */
async function soakOf(mode, tf, createAgent, createRng) {
  const agent = await createAgent(CASES.dqn.preset, { environment: ENVIRONMENT, seed: 3, mode, changes: SMALL });
  fillReplay(agent, createRng);
  const residentMegabytes = () => Math.round(process.memoryUsage().rss / 2 ** 20);
  let from = 0;
  let tensors = 0;
  for (let update = 1; update <= soakUpdates; update++) {
    await agent.learn();
    if (update % 50 === 0) await agent.syncTarget();
    if (update === Math.ceil(soakUpdates / 4)) {
      from = residentMegabytes();
      tensors = tf.memory().numTensors;
    }
  }
  const soak = { from, to: residentMegabytes(), tensors: tf.memory().numTensors - tensors };
  agent.dispose();
  return soak;
}

/** The losses of the training steps. */
async function train({ preset, changes = {} }, mode, createAgent, createRng) {
  const all = Object.fromEntries(Object.entries(SMALL).map(([key, value]) => [key, { ...value, ...changes[key] }]));
  const make = () => createAgent(preset, { environment: ENVIRONMENT, seed: 3, mode, changes: all });
  let agent = await make();
  fillReplay(agent, createRng);
  const losses = [];
  for (let step = 0; step < STEPS; step++) {
    if (SYNC_BEFORE.includes(step)) await agent.syncTarget();
    if (step === RESUME_BEFORE) {
      const resumed = await make();
      await resumed.setState(await agent.getState());
      resumed.replay.setState(agent.replay.getState());
      agent.dispose();
      agent = resumed;
    }
    losses.push((await agent.learn())['train/loss']);
  }
  agent.dispose();
  return losses;
}

/** A hundred made-up transitions, the same for every engine. */
function fillReplay(agent, createRng) {
  const rng = createRng(1, 'engines');
  const pixels = ENVIRONMENT.observationSpec.frameShape.reduce((product, size) => product * size, 1);
  for (let step = 0; step < 100; step++) {
    const observation = Uint8Array.from({ length: 4 * pixels }, () => rng.nextInteger(256));
    const action = rng.nextInteger(ENVIRONMENT.actionCount);
    agent.replay.add({
      observation,
      action,
      reward: rng.nextFloat() * 2 - 1,
      terminated: step % 25 === 24,
      truncated: false,
    });
  }
}

/** Traces every preset at every entry point; needs no plugin and no TensorFlow. */
async function tracePresets() {
  const { traceOnly } = await import('../packages/pjrt/src/testing/trace-only.ts');
  const { createAgent, listPresets } = await import('../packages/agents/src/index.ts');
  const traced = await traceOnly();
  const presets = {};
  for (const { name } of listPresets()) {
    try {
      await createAgent(name, {
        environment: presetEnvironment(name),
        seed: 1,
        changes: { replay: { capacity: 200 } },
      });
      const entries = Object.entries(traced.entryPoints).map(
        ([entry, { operationCount }]) => `${entry} ${operationCount}`,
      );
      const fault = traced.leakedTensors === 0 ? undefined : `${traced.leakedTensors} tensors were left behind`;
      presets[name] = { entries, ...(fault === undefined ? {} : { error: fault }) };
    } catch (error) {
      presets[name] = { entries: [], error: error.message };
    }
    traced.dispose();
  }
  console.log(JSON.stringify({ presets }));
  process.exit(0);
}
