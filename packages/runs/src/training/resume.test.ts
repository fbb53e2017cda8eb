// Runs that are stopped, killed or damaged at awkward moments, and what is said and kept then.
import { closeSync, existsSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StorageError, type Transition } from '@moe-rl/core';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { changeOnResume, newRunConfig } from '../config/run-config.ts';
import { createRunFolder, openRunFolder, type RunFolder, readRunConfig } from '../folder/run-folder.ts';
import { metricDefinition } from '../metrics/metric-registry.ts';
import { readMetricRows } from '../sinks/metrics-file.ts';
import { captureOutput, createToyAgent, createToyEnvironment } from '../testing/toy.ts';
import type { TransitionRecorder } from './replay-persistence.ts';
import { trainRun } from './train-run.ts';
import type { TrainRunOptions } from './train-run-options.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'moe-rl-resume-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const config = {
  ...newRunConfig({}),
  ...{ game: 'toy', seed: 7, trainingAgentSteps: 300, logPeriodAgentSteps: 50, checkpointPeriodAgentSteps: 100 },
};

async function train(folder: RunFolder, isResume: boolean, more: Partial<TrainRunOptions> = {}) {
  const output = captureOutput();
  const agent = createToyAgent(config.seed);
  try {
    const environment = createToyEnvironment();
    return { agent, output, result: await trainRun({ folder, agent, environment, isResume, output, ...more }) };
  } finally {
    folder.unlock();
  }
}

function rowsOf(path: string) {
  return readMetricRows(join(path, 'metrics.jsonl')).map(({ agentSteps, values }) => ({
    agentSteps,
    ...Object.fromEntries(Object.entries(values).filter(([tag]) => metricDefinition(tag).isTiming !== true)),
  }));
}

/** Throws in place of the step with this number. */
function failingAt(step: number) {
  const environment = createToyEnvironment();
  const { step: take } = environment;
  let taken = 0;
  environment.step = (action) => {
    if (++taken === step) throw new StorageError('the power is gone');
    return take(action);
  };
  return environment;
}

it('stopped before its first step, is the run that was not stopped', async () => {
  const [straight, stopped] = ['straight', 'stopped'].map((name) => join(root, name)) as [string, string];
  await train(createRunFolder(straight, config), false);
  const first = await train(createRunFolder(stopped, config), false, { signal: AbortSignal.abort() });
  expect(first.result).toMatchObject({ agentSteps: 0, isComplete: false });
  await train(openRunFolder(stopped), true);
  expect(rowsOf(stopped)).toEqual(rowsOf(straight));
});

it('killed before its first checkpoint, begins its recording anew', async () => {
  const path = join(root, 'run');
  const recorded: number[] = [];
  const restored: unknown[] = [];
  const recorder: TransitionRecorder = {
    add: ({ action }: Transition) => void recorded.push(action),
    save: () => ({ count: recorded.length }),
    restore(state) {
      restored.push(state);
      recorded.length = Number(state?.count ?? 0);
    },
    interruptEpisode() {},
  };
  await expect(train(createRunFolder(path, config), false, { environment: failingAt(30), recorder })).rejects.toThrow(
    'the power is gone (training stopped at agent step 29; no checkpoint was made before)',
  );
  await train(openRunFolder(path), true, { recorder });
  expect(restored).toEqual([undefined]);
  expect(recorded).toHaveLength(300);
});

it('gone on from an older checkpoint, forgets the damaged newer one and does not call it whole', async () => {
  const path = join(root, 'run');
  await train(createRunFolder(path, config), false);
  rmSync(join(path, 'checkpoints', 'checkpoint-000000000300', 'agent.json'));
  const folder = openRunFolder(path);
  let asked = 0;
  await expect(
    train(folder, true, { environment: failingAt(60), wantsCheckpoint: () => ++asked === 40 }),
  ).rejects.toThrow('the checkpoint at agent step 240 is whole');
  expect(folder.checkpoints.list()).toEqual([200, 240]);
  rmSync(join(path, 'checkpoints', 'checkpoint-000000000240', 'agent.json'));
  await expect(train(openRunFolder(path), true, { environment: failingAt(5) })).rejects.toThrow(
    'the checkpoint at agent step 200 is whole',
  );
});

it('whose folder is moved away while it goes on, can still be gone on with', async () => {
  const path = join(root, 'run');
  const { output, agent } = await train(createRunFolder(path, config), false, {
    onStep: (agentSteps) => {
      if (agentSteps === 150) rmSync(path, { recursive: true });
    },
  });
  expect(output.text).toContain('has lost its config.json, or was moved away');
  expect(readRunConfig(path)).toEqual(config);
  const resumed = await train(openRunFolder(path), true);
  expect(resumed.agent.table).toEqual(agent.table);
  expect(resumed.output.text).toMatch(/metrics\.jsonl lacks its last \d+ bytes/);
});

it.skipIf(!existsSync('/proc/self/fd'))('whose last rows could not be written, says so', async () => {
  const path = join(root, 'run');
  const folder = createRunFolder(path, config);
  const finalRows = () => {
    // The file fails behind the last checkpoint.
    for (const name of readdirSync('/proc/self/fd')) {
      try {
        if (readlinkSync(`/proc/self/fd/${name}`) === folder.metricsFile) closeSync(Number(name));
      } catch {
        // the descriptor of the listing itself
      }
    }
    return [{ agentSteps: 5, values: { 'router/saturation': 1 } }];
  };
  await expect(train(folder, false, { finalRows })).rejects.toThrow(/cannot write .*metrics\.jsonl: .*300 is whole/);
});

it('refuses a fresh replay memory where there is none to leave behind', async () => {
  const path = join(root, 'run');
  await train(createRunFolder(path, config), false);
  const go = (more: Partial<TrainRunOptions>) => train(openRunFolder(path), true, { freshReplay: true, ...more });
  await expect(go({})).rejects.toThrow('--fresh-replay) would do nothing for this run: its agent keeps none');
  const replay = { folder: join(root, 'replay'), save: () => ({}), restore() {}, interruptEpisode() {} };
  await expect(go({ replay, learnOffline: async () => undefined })).rejects.toThrow('it is filled with the dataset in');
});

it('refuses a metric that is no number, by its name', async () => {
  const agent = createToyAgent(1);
  const { observe } = agent;
  agent.observe = (transition) => ({ ...observe(transition), 'my/measure': 'high' as unknown as number });
  await expect(train(createRunFolder(join(root, 'run'), config), false, { agent })).rejects.toThrow(
    'the metric my/measure is "high"; expected a number',
  );
});

it('refuses a metric called as the steps of a row, and a sink that would have to be waited for', async () => {
  const agent = createToyAgent(1);
  const { observe } = agent;
  agent.observe = (transition) => ({ ...observe(transition), agentSteps: 3 });
  await expect(train(createRunFolder(join(root, 'a'), config), false, { agent })).rejects.toThrow(
    'a metric is called "agentSteps"',
  );
  const slow = { write: () => Promise.reject(new Error('no network')) as never };
  await expect(train(createRunFolder(join(root, 'b'), config), false, { sinks: { slow } })).rejects.toThrow(
    'write of the sink "slow" returned a promise',
  );
});

it('has its configuration back where a change of it did not lead to a start', async () => {
  const path = join(root, 'run');
  await train(createRunFolder(path, config), false);
  const longer = openRunFolder(path, (stored) => changeOnResume(stored, { options: { trainingAgentSteps: 400 } }));
  expect(readRunConfig(path).trainingAgentSteps).toBe(400);
  longer.discard();
  expect(readRunConfig(path).trainingAgentSteps).toBe(300);
  openRunFolder(path).unlock();
});

it('keeps to its environment, or to its dataset, on resume', () => {
  const offline = { ...config, dataset: { folder: '/data/first', recordFolder: null } };
  expect(changeOnResume(offline, { set: [['dataset.folder', '/data/moved']] }).dataset.folder).toBe('/data/moved');
  expect(() => changeOnResume(offline, { set: [['dataset.folder', 'null']] })).toThrow(
    "dataset.folder can't change on resume",
  );
  expect(() => changeOnResume(config, { set: [['dataset.folder', '/data/first']] })).toThrow(
    "dataset.folder can't change on resume: the run has null",
  );
});
