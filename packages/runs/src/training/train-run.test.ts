// A run is exact across interruptions: same learner, same metric rows, whether it ran straight or was stopped and resumed anywhere.
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CheckpointError, CorruptDataError, type RewardDesign } from '@moe-rl/core';
import { storageError } from '@moe-rl/core/node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newRunConfig } from '../config/run-config.ts';
import { createRunFolder, openRunFolder, type RunFolder } from '../folder/run-folder.ts';
import { metricDefinition } from '../metrics/metric-registry.ts';
import type { RunSink } from '../registry/kinds.ts';
import { readMetricRows } from '../sinks/metrics-file.ts';
import { captureOutput, createToyAgent, createToyEnvironment, createToyReward } from '../testing/toy.ts';
import type { ReplayPersistence } from './replay-persistence.ts';
import { trainRun } from './train-run.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'moe-rl-train-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const config = {
  ...newRunConfig({}),
  game: 'toy',
  trainingAgentSteps: 1000,
  logPeriodAgentSteps: 70,
  checkpointPeriodAgentSteps: 150,
};

async function start(
  folder: RunFolder,
  isResume: boolean,
  stopAfterAgentSteps?: number,
  stopAfterEvaluationSteps?: number,
  reward?: RewardDesign,
) {
  const agent = createToyAgent(config.seed);
  const environment = createToyEnvironment();
  const stop = new AbortController();
  if (stopAfterAgentSteps !== undefined) {
    const step = environment.step;
    let taken = 0;
    environment.step = (action) => {
      if (++taken === stopAfterAgentSteps) stop.abort();
      return step(action);
    };
  }
  let evaluationSteps = 0;
  const makeEvaluationEnvironment = () => {
    const evaluationEnvironment = createToyEnvironment();
    const { step } = evaluationEnvironment;
    evaluationEnvironment.step = (action) => {
      if (++evaluationSteps === stopAfterEvaluationSteps) stop.abort();
      return step(action);
    };
    return evaluationEnvironment;
  };
  const output = captureOutput();
  const result = await trainRun({
    folder,
    agent,
    environment,
    makeEvaluationEnvironment,
    isResume,
    output,
    signal: stop.signal,
    ...(reward === undefined ? {} : { reward }),
  });
  folder.unlock();
  return { agent, result, output };
}

/** Rows without what depends on the clock and the machine. */
function reproducibleRows(folder: string) {
  return readMetricRows(join(folder, 'metrics.jsonl')).map(({ agentSteps, values }) => ({
    agentSteps,
    ...Object.fromEntries(Object.entries(values).filter(([tag]) => metricDefinition(tag).isTiming !== true)),
  }));
}

describe('trainRun', () => {
  it('gives the same learner and metrics after any number of interruptions', async () => {
    const straight = await start(createRunFolder(join(root, 'straight'), config), false);
    expect(straight.result).toMatchObject({ isComplete: true, agentSteps: 1000, updates: 1000 });
    expect(straight.result.meanReturn).toBeGreaterThan(0.5);

    const broken = join(root, 'broken');
    const first = await start(createRunFolder(broken, config), false, 333);
    expect(first.result).toMatchObject({ isComplete: false, agentSteps: 333 });
    await start(openRunFolder(broken), true, 401);
    const last = await start(openRunFolder(broken), true);
    expect(last.output.text).toContain('resumed from');
    expect(last.result).toMatchObject({ isComplete: true, agentSteps: 1000, episodes: straight.result.episodes });
    expect(last.agent.table).toEqual(straight.agent.table);
    const rows = reproducibleRows(broken);
    expect(rows).toEqual(reproducibleRows(join(root, 'straight')));
    expect(rows.length).toBeGreaterThan(20);
  });

  it('learns from a designed reward, logs the true one, and resumes the design exactly, in the middle of an episode too', async () => {
    const rewarded = (folder: RunFolder, isResume: boolean, stopAfter?: number) =>
      start(folder, isResume, stopAfter, undefined, createToyReward(0.5));
    const plain = await start(createRunFolder(join(root, 'plain'), config), false);
    const straight = await rewarded(createRunFolder(join(root, 'straight'), config), false);
    expect(straight.agent.table).not.toEqual(plain.agent.table);
    const rows = reproducibleRows(join(root, 'straight')) as Record<string, number>[];
    const returns = rows.flatMap((row) => ('episode/return' in row ? [row['episode/return']!] : []));
    expect(new Set(returns)).toEqual(new Set([0, 1]));
    expect(rows.filter((row) => 'train/designedReward' in row).length).toBeGreaterThan(5);
    const broken = join(root, 'broken');
    await rewarded(createRunFolder(broken, config), false, 333);
    await rewarded(openRunFolder(broken), true, 401);
    const last = await rewarded(openRunFolder(broken), true);
    expect(last.agent.table).toEqual(straight.agent.table);
    expect(reproducibleRows(broken)).toEqual(rows);
    // A run that was made without the design has no state of it.
    await expect(
      start(openRunFolder(join(root, 'plain')), true, undefined, undefined, createToyReward(0.5)),
    ).rejects.toThrow('has no state of the reward design');
  });

  it('writes rows that need the end of training when it has come, and anew when it is put off', async () => {
    const path = join(root, 'final');
    const run = async (folder: RunFolder, isResume: boolean): Promise<void> => {
      const agent = createToyAgent(config.seed);
      const finalRows = () => [{ agentSteps: 5, values: { 'router/saturation': agent.updates } }];
      const environment = createToyEnvironment();
      await trainRun({ folder, agent, environment, isResume, output: captureOutput(), finalRows });
      folder.unlock();
    };
    const final = () =>
      readMetricRows(join(path, 'metrics.jsonl')).flatMap(({ values }) => values['router/saturation'] ?? []);
    await run(createRunFolder(path, config), false);
    expect(final()).toEqual([1000]);
    await run(
      openRunFolder(path, (stored) => ({ ...stored, trainingAgentSteps: 1100 })),
      true,
    );
    expect(final()).toEqual([1100]);
    const stopped = await start(createRunFolder(join(root, 'stopped'), config), false, 200);
    expect(stopped.result.isComplete).toBe(false);
  });

  it('cuts off what was written after the checkpoint, and resumes from the one before when the newest is damaged', async () => {
    const straight = await start(createRunFolder(join(root, 'straight'), config), false);
    const killed = join(root, 'killed');
    await start(createRunFolder(killed, config), false, 500);
    // As kill -9 would leave it: rows behind the checkpoint, half a line, a half-written checkpoint, and a newest one with a bad byte.
    writeFileSync(join(killed, 'metrics.jsonl'), '{"agentSteps":501,"episode/return":99}\n{"agentSt', { flag: 'a' });
    const checkpoints = join(killed, 'checkpoints');
    cpSync(join(checkpoints, 'checkpoint-000000000450'), join(checkpoints, '.checkpoint-000000000600.tmp-1'), {
      recursive: true,
    });
    truncateSync(join(checkpoints, 'checkpoint-000000000500', 'agent.safetensors'), 20);
    const resumed = await start(openRunFolder(killed), true);
    expect(resumed.output.text).toContain("skipped a checkpoint that can't be read");
    expect(resumed.output.text).toContain('450 agent steps');
    expect(resumed.agent.table).toEqual(straight.agent.table);
    expect(reproducibleRows(killed)).toEqual(reproducibleRows(join(root, 'straight')));
    expect(readdirSync(checkpoints).sort()).toEqual(['checkpoint-000000000900', 'checkpoint-000000001000']);
  });

  it('begins a new episode, and says so, when the environment can not be put back', async () => {
    const path = join(root, 'other-build');
    await start(createRunFolder(path, config), false, 333);
    const folder = openRunFolder(path);
    const environment = createToyEnvironment();
    environment.setState = () => {
      throw new CheckpointError('the state was made by another build');
    };
    let interruptions = 0;
    const replay: ReplayPersistence = {
      folder: folder.replayFolder,
      save: () => ({ checkpointId: 1 }),
      restore() {},
      interruptEpisode() {
        interruptions++;
      },
    };
    const output = captureOutput();
    const parts = { agent: createToyAgent(config.seed), environment, output, isResume: true };
    // Saved without a replay memory: not a checkpoint of this agent.
    await expect(trainRun({ ...parts, folder, replay })).rejects.toMatchObject({ code: 'CHECKPOINT' });
    expect(interruptions).toBe(0);
    const result = await trainRun({ ...parts, folder });
    expect(output.text).toContain('a new episode begins, because the state was made by another build');
    expect(result).toMatchObject({ isComplete: true, agentSteps: 1000, updates: 1000 });
  });

  it('starts from the beginning when it was killed before the first checkpoint', async () => {
    const straight = await start(createRunFolder(join(root, 'straight'), config), false);
    const folder = createRunFolder(join(root, 'early'), config);
    writeFileSync(folder.metricsFile, '{"agentSteps":3,"episode/return":0}\n');
    folder.unlock();
    const resumed = await start(openRunFolder(folder.path), true);
    expect(resumed.agent.table).toEqual(straight.agent.table);
    expect(reproducibleRows(folder.path)).toEqual(reproducibleRows(join(root, 'straight')));
  });

  it('refuses when no checkpoint is whole', async () => {
    const path = join(root, 'damaged');
    await start(createRunFolder(path, config), false, 100);
    const manifest = join(path, 'checkpoints', 'checkpoint-000000000100', 'manifest.json');
    writeFileSync(manifest, '{"format":"something else"}');
    const foreign = openRunFolder(path);
    await expect(start(foreign, true)).rejects.toMatchObject({ code: 'CHECKPOINT' });
    foreign.unlock();
    writeFileSync(manifest, '{"format"');
    await expect(start(openRunFolder(path), true)).rejects.toMatchObject({ code: 'CORRUPT_DATA' });
  });

  it.runIf(existsSync('/dev/full'))('stops with a typed error when the metrics meet a full disk', async () => {
    const folder = createRunFolder(join(root, 'full'), { ...config, checkpointPeriodAgentSteps: 400 });
    symlinkSync('/dev/full', folder.metricsFile);
    await expect(start(folder, false)).rejects.toMatchObject({
      code: 'STORAGE',
      message: expect.stringMatching(
        /metrics\.jsonl: the disk is full \(training stopped at agent step 400; no checkpoint/,
      ),
    });
  });

  it('keeps the last checkpoint whole, and names it, when the next one does not fit on the disk', async () => {
    const straight = await start(createRunFolder(join(root, 'straight'), config), false);
    const folder = createRunFolder(join(root, 'full'), config);
    let saves = 0;
    const replay: ReplayPersistence = {
      folder: folder.replayFolder,
      save() {
        if (++saves === 3)
          throw storageError('write', 'replay/chunk-7', Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' }));
        return { saves };
      },
      restore() {},
      interruptEpisode() {},
    };
    const parts = { agent: createToyAgent(config.seed), environment: createToyEnvironment(), output: captureOutput() };
    await expect(trainRun({ ...parts, folder, replay, isResume: false })).rejects.toMatchObject({
      code: 'STORAGE',
      message: expect.stringMatching(/replay\/chunk-7: the disk is full .* the checkpoint at agent step 300 is whole/),
    });
    folder.unlock();
    const resumed = await start(openRunFolder(folder.path), true);
    expect(resumed.agent.table).toEqual(straight.agent.table);
  });
});

describe('what a run tells and takes', () => {
  const parts = () => ({ agent: createToyAgent(config.seed), environment: createToyEnvironment() });

  it('goes on without its log, and says what is lost', async () => {
    const path = join(root, 'lost');
    await start(createRunFolder(path, config), false, 500);
    rmSync(join(path, 'metrics.jsonl'));
    const resumed = await start(openRunFolder(path), true);
    expect(resumed.output.text).toMatch(
      /metrics\.jsonl lacks its last \d+ bytes before the checkpoint: these rows are lost/,
    );
    expect(resumed.result).toMatchObject({ isComplete: true, agentSteps: 1000 });
    expect(readMetricRows(join(path, 'metrics.jsonl'))[0]!.agentSteps).toBeGreaterThan(500);
  });

  it('gives rows to sinks of any kind, with their state across interruptions, and notes a tag that nobody registered once', async () => {
    const sinkOf = () => {
      const rows: number[] = [];
      let restored: unknown = 'not called';
      const sink: RunSink = {
        write: (row) => void rows.push(row.agentSteps),
        getState: () => ({ rows: rows.length }),
        setState: (state) => {
          restored = state;
        },
      };
      return { sink, rows, restored: () => restored };
    };
    const folder = createRunFolder(join(root, 'sinks'), { ...config, trainingAgentSteps: 300 });
    const first = sinkOf();
    const output = captureOutput();
    const agent = createToyAgent(1);
    const observe = agent.observe.bind(agent);
    agent.observe = async (transition) => ({ ...(await observe(transition)), 'mine/extra': 1 });
    await trainRun({
      folder,
      agent,
      environment: createToyEnvironment(),
      isResume: false,
      output,
      sinks: { mine: first.sink },
    });
    expect(output.text.match(/the metric mine\/extra is not registered/g)).toHaveLength(1);
    expect(first.rows).toEqual(readMetricRows(folder.metricsFile).map(({ agentSteps }) => agentSteps));
    expect(readMetricRows(folder.metricsFile).some(({ values }) => values['mine/extra'] === 1)).toBe(true);
    expect(first.restored()).toBe('not called');
    folder.unlock();
    const longer = openRunFolder(folder.path, (stored) => ({ ...stored, trainingAgentSteps: 400 }));
    const [known, unknown] = [sinkOf(), sinkOf()];
    await trainRun({
      ...parts(),
      ...{ folder: longer, isResume: true, output: captureOutput(), sinks: { mine: known.sink, other: unknown.sink } },
    });
    expect(known.restored()).toEqual({ rows: first.rows.length });
    expect(unknown.restored()).toBe(undefined);
    longer.unlock();
  });

  it('makes a checkpoint when asked, and goes on', async () => {
    const folder = createRunFolder(join(root, 'asked'), { ...config, checkpointPeriodAgentSteps: 1e9 });
    let steps = 0;
    const wantsCheckpoint = () => ++steps === 321;
    const result = await trainRun({ ...parts(), folder, isResume: false, output: captureOutput(), wantsCheckpoint });
    expect(result.isComplete).toBe(true);
    expect(folder.checkpoints.list()).toEqual([321, 1000]);
    folder.unlock();
  });

  it('goes on with what was learned and an empty replay memory when that is asked for', async () => {
    const folder = createRunFolder(join(root, 'fresh'), { ...config, trainingAgentSteps: 300 });
    const replayOf = (restore: () => void): ReplayPersistence => ({
      folder: folder.replayFolder,
      save: () => ({ id: 1 }),
      restore,
      interruptEpisode() {},
    });
    await trainRun({ ...parts(), folder, isResume: false, output: captureOutput(), replay: replayOf(() => {}) });
    folder.unlock();
    const longer = openRunFolder(folder.path, (stored) => ({ ...stored, trainingAgentSteps: 400 }));
    const replay = replayOf(() => {
      throw new CorruptDataError('replay/chunk-1 is damaged');
    });
    const resume = { folder: longer, isResume: true, replay };
    await expect(trainRun({ ...parts(), ...resume, output: captureOutput() })).rejects.toThrow(
      /chunk-1 is damaged.*--resume --fresh-replay goes on with what was learned/,
    );
    const output = captureOutput();
    const result = await trainRun({ ...parts(), ...resume, freshReplay: true, output });
    expect(result).toMatchObject({ isComplete: true, agentSteps: 400, updates: 400 });
    expect(output.text).toContain('the replay memory is empty');
    longer.unlock();
  });
});

describe('evaluation during training', () => {
  const evaluated = {
    ...config,
    evaluation: { periodAgentSteps: 200, episodes: 4, agentSteps: null, maxEpisodeAgentSteps: 30 },
  };
  const evaluationRows = (folder: string) =>
    readMetricRows(join(folder, 'metrics.jsonl')).filter(({ values }) => 'evaluation/return' in values);

  it('gives equal results wherever the run is interrupted, in the middle of an evaluation too', async () => {
    const straight = await start(createRunFolder(join(root, 'straight'), evaluated), false);
    const rows = evaluationRows(join(root, 'straight'));
    expect(rows.map(({ agentSteps }) => agentSteps)).toEqual([200, 400, 600, 800, 1000]);
    for (const { values } of rows) {
      expect(values['evaluation/episodes']).toBe(4);
      expect(values['evaluation/standardError']).not.toBeNaN();
    }
    expect(rows.at(-1)!.values['evaluation/return']).toBeGreaterThan(0.5);

    const broken = join(root, 'broken');
    // Ctrl-C in the first evaluation, before an episode ended; in a later one; and in training.
    const first = await start(createRunFolder(broken, evaluated), false, undefined, 1);
    expect(first.result).toMatchObject({ isComplete: false, agentSteps: 200 });
    expect(evaluationRows(broken)).toEqual([]);
    const second = await start(openRunFolder(broken), true, undefined, 70);
    expect(second.result.isComplete).toBe(false);
    await start(openRunFolder(broken), true, 33);
    // As kill -9 in an evaluation would leave it: the newest checkpoint is from before it.
    const killed = await start(openRunFolder(broken), true, 100);
    rmSync(join(broken, 'checkpoints', `checkpoint-${String(killed.result.agentSteps).padStart(12, '0')}`), {
      recursive: true,
    });
    const last = await start(openRunFolder(broken), true);
    expect(last.result.isComplete).toBe(true);
    expect(last.agent.table).toEqual(straight.agent.table);
    expect(reproducibleRows(broken)).toEqual(reproducibleRows(join(root, 'straight')));
  });

  it('is not complete while the last evaluation is missing, and makes it up', async () => {
    const path = join(root, 'last');
    const lastOnly = { ...evaluated, evaluation: { ...evaluated.evaluation, periodAgentSteps: 1000 } };
    const stopped = await start(createRunFolder(path, lastOnly), false, undefined, 1);
    expect(stopped.result).toMatchObject({ isComplete: false, agentSteps: 1000 });
    const resumed = await start(openRunFolder(path), true);
    expect(resumed.result).toMatchObject({ isComplete: true, agentSteps: 1000 });
    expect(evaluationRows(path)).toHaveLength(1);
    // Nothing is made twice when it is resumed once more.
    await start(openRunFolder(path), true);
    expect(evaluationRows(path)).toHaveLength(1);
  });

  it('counts agent steps as Dopamine does: whole episodes until they are reached; one episode has no standard error', async () => {
    const path = join(root, 'steps');
    const evaluation = { periodAgentSteps: 500, episodes: null, agentSteps: 1, maxEpisodeAgentSteps: null };
    await start(createRunFolder(path, { ...config, evaluation }), false);
    const rows = evaluationRows(path);
    expect(rows).toHaveLength(2);
    for (const { values } of rows) {
      expect(values['evaluation/episodes']).toBe(1);
      expect(values['evaluation/standardError']).toBeNaN();
      expect([0, 1]).toContain(values['evaluation/return']);
    }
  });

  it('refuses a period without a way to make its environment, before anything is written', async () => {
    const folder = createRunFolder(join(root, 'none'), evaluated);
    const parts = { agent: createToyAgent(1), environment: createToyEnvironment(), output: captureOutput() };
    await expect(trainRun({ ...parts, folder, isResume: false })).rejects.toThrow(/makeEvaluationEnvironment/);
    expect(existsSync(folder.metricsFile)).toBe(false);
  });
});
