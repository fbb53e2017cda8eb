// What `auto` means: figures decide, measurements are kept, a short run measures nothing, and a run goes on with what it began with.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MoeRlError } from '@moe-rl/core';
import { devicesHere } from '@moe-rl/pjrt';
import { createRunFolder, openRunFolder, type RunConfig } from '@moe-rl/runs';
import { afterAll, describe, expect, it } from 'vitest';
import { agentConfigOf, makeEnvironment, newRunConfig, registry, trainInFolder } from '../index.ts';
import { chooseBackend, MEASURED_FROM_UPDATES, openOrGoOn, workOf } from './choose.ts';
import { explainTrainingBackends } from './explain.ts';
import { keepBackend, openOnKeptBackend } from './kept-backend.ts';
import { backendsHere, measureBackends } from './measure.ts';
import { type BackendMeasurement, choiceOf, explainChoice, fastestFirst, secondsOf } from './measurement.ts';
import { measurementFile, readMeasurements, writeMeasurements } from './measurement-cache.ts';

const root = mkdtempSync(join(tmpdir(), 'moe-rl-backends-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const time = (firstMs: number, ms: number) => ({ firstMs, ms });
const session: BackendMeasurement = { backend: 'tensorflow', version: '2.21', learn: time(800, 20), act: time(200, 3) };
const xla: BackendMeasurement = { backend: 'pjrt-cuda', version: '13', learn: time(20_000, 2), act: time(4000, 1) };
const broken: BackendMeasurement = { backend: 'webgpu', version: '', reason: 'no adapter' };

const tiny = (backend: string, changes: readonly (readonly [string, string])[] = []): RunConfig =>
  newRunConfig({
    options: { game: 'bsuite/catch', preset: 'classic-control-soft-moe', backend, trainingAgentSteps: 70 },
    set: [
      ['agent.minReplayHistoryAgentSteps', '60'],
      ['agent.batchSize', '8'],
      ['network.hiddenUnits', '16'],
      ['network.encoder.hiddenUnits', '16'],
      ['network.moe.expertHiddenUnits', '8'],
      ['evaluationEpisodes', '0'],
      ...changes,
    ],
  });
const measured = (config: RunConfig) => {
  const { observationSpec, actionCount } = makeEnvironment(config);
  return { config: agentConfigOf(config), observationSpec, actionCount, threads: config.threads };
};

describe('what is here', () => {
  it('says of WebGPU what the engine that computes there needs', () => {
    const rows = explainTrainingBackends().filter(({ name }) => name === 'webgpu');
    expect(rows).toEqual([expect.objectContaining({ source: 'WebGPU (@moe-rl/webgpu)', isInstalled: true })]);
    expect(backendsHere([])).toContainEqual({ backend: 'webgpu', version: 'WebGPU (@moe-rl/webgpu)' });
  });
});

it('a plugin that the user names is measured, in place of those in the cache', () => {
  const version = 'MOE_RL_PJRT_PLUGIN: /own/plugin.so';
  const [user, cpu] = [
    { name: 'user', state: 'found', reason: version },
    { name: 'cpu', state: 'found', reason: 'version 1' },
  ] as const;
  const plugins = (explained: Parameters<typeof backendsHere>[0]) =>
    backendsHere(explained).filter(({ backend }) => backend.startsWith('pjrt-'));
  expect(plugins([cpu])).toEqual([{ backend: 'pjrt-cpu', version: 'version 1' }]);
  // On a machine with a card, for its device too: only loading the plugin tells which it is for.
  expect(plugins([user, cpu])).toEqual(devicesHere().map((device) => ({ backend: `pjrt-${device}`, version })));
  expect(plugins([user])).toContainEqual({ backend: 'pjrt-cpu', version });
});

describe('the choice', () => {
  it('is by the whole run: what compiles long wins a long run only, and what failed never', () => {
    const all = [broken, session, xla];
    expect(secondsOf(session, { actions: 1000, updates: 250 })).toBeCloseTo(1 + 3 + 5);
    expect(fastestFirst(all, { actions: 1000, updates: 250 }).map(({ backend }) => backend)).toEqual([
      ...['tensorflow', 'pjrt-cuda', 'webgpu'],
    ]);
    expect(fastestFirst(all, { actions: 100_000, updates: 25_000 })[0]).toBe(xla);
    expect(explainChoice(all, { actions: 100_000, updates: 25_000 })).toBe(
      'pjrt-cuda: its steps (learn 2.0 ms, act 1.0 ms) would take this run 174 s against tensorflow 801 s',
    );
    expect(explainChoice([broken], { actions: 1, updates: 1 })).toContain('none');
    // Not for a few percent: measurements differ by as much.
    const alike = { ...session, backend: 'pjrt-cpu', learn: time(800, 19), act: time(200, 2.8) } as const;
    expect(choiceOf([broken, session, alike], { actions: 1000, updates: 250 })).toBe(session);
    expect(choiceOf([broken, session, xla], { actions: 100_000, updates: 25_000 })).toBe(xla);
  });

  it('counts the updates that a run makes', () => {
    const config = agentConfigOf(tiny('auto', [['agent.updatePeriodAgentSteps', '4']]));
    const dataset = { folder: null, recordFolder: null };
    expect(workOf(config, { trainingAgentSteps: 100, dataset })).toEqual({ actions: 100, updates: 10 });
    expect(workOf(config, { trainingAgentSteps: 50, dataset }).updates).toBe(0);
    const offline = { ...dataset, folder: '/data' };
    expect(workOf(config, { trainingAgentSteps: 50, dataset: offline })).toEqual({ actions: 0, updates: 13 });
  });

  it('of a short run is not measured, and says so or has nothing to choose from', async () => {
    const lines: string[] = [];
    const config = tiny('auto');
    const environment = makeEnvironment(config);
    const before = process.env.MOE_RL_CACHE;
    process.env.MOE_RL_CACHE = join(root, 'empty-cache');
    try {
      expect(await chooseBackend(config, agentConfigOf(config), environment, (line) => lines.push(line))).toBe(
        undefined,
      );
      expect(existsSync(join(root, 'empty-cache', 'backends'))).toBe(false);
    } finally {
      if (before === undefined) delete process.env.MOE_RL_CACHE;
      else process.env.MOE_RL_CACHE = before;
    }
    for (const line of lines) expect(line).toMatch(/not the fastest of|a GPU is here/);
    expect(workOf(agentConfigOf(config), config).updates).toBeLessThan(MEASURED_FROM_UPDATES);
  });

  it('that turns out to be missing is said, and the first that works is taken', async () => {
    const lines: string[] = [];
    const opened: string[] = [];
    const open = async (backend: string) => {
      opened.push(backend);
      if (backend === 'pjrt-rocm') await registry.presets.get('no such preset');
      return backend;
    };
    expect(await openOrGoOn('pjrt-rocm', open, (line) => lines.push(line))).toBe('auto');
    expect(opened).toEqual(['pjrt-rocm', 'auto']);
    expect(lines[0]).toMatch(/pjrt-rocm can't be used: .*no such preset/);
  });
});

describe('measurements', () => {
  it('are made in processes of their own, where a backend that fails is a reason', async () => {
    const here = (['cpu', 'pjrt-rocm'] as const).map((backend) => ({ backend, version: 'as it is' }));
    const before = process.env.MOE_RL_PJRT_PLUGIN;
    process.env.MOE_RL_PJRT_PLUGIN = join(root, 'no-plugin.so');
    try {
      const [cpu, rocm] = await measureBackends(measured(tiny('auto')), here);
      expect(cpu).toMatchObject({ backend: 'cpu', version: 'as it is' });
      for (const { firstMs, ms } of [cpu!.learn!, cpu!.act!]) {
        expect(ms).toBeGreaterThan(0);
        expect(firstMs).toBeGreaterThan(0);
      }
      expect(rocm).toMatchObject({ reason: expect.stringContaining('there is no such file') });
    } finally {
      if (before === undefined) delete process.env.MOE_RL_PJRT_PLUGIN;
      else process.env.MOE_RL_PJRT_PLUGIN = before;
    }
  }, 300_000);

  it('are kept by network, threads and versions, not by rates and periods', () => {
    const backends = [{ backend: 'tensorflow', version: '2.21' }] as const;
    const file = measurementFile(measured(tiny('auto')), backends);
    const other = (changes: readonly (readonly [string, string])[]) =>
      measurementFile(measured(tiny('auto', changes)), backends);
    expect(other([['agent.updatePeriodAgentSteps', '2']])).toBe(file);
    expect(other([['optimizer.learningRate', '0.5']])).toBe(file);
    expect(other([['seed', '9']])).toBe(file);
    expect(other([['network.hiddenUnits', '17']])).not.toBe(file);
    expect(other([['agent.batchSize', '9']])).not.toBe(file);
    expect(other([['threads', '2']])).not.toBe(file);
    expect(measurementFile(measured(tiny('auto')), [{ backend: 'tensorflow', version: '2.22' }])).not.toBe(file);
  });

  it('come back as they were; a damaged file is measured anew, one that cannot be written is said', () => {
    const file = join(root, 'kept', 'one.json');
    expect(readMeasurements(file)).toBe(undefined);
    writeMeasurements(file, [session, broken], () => {});
    expect(readMeasurements(file)).toEqual([session, broken]);
    writeFileSync(file, readFileSync(file, 'utf8').slice(0, 40));
    expect(readMeasurements(file)).toBe(undefined);
    const wrong = [null, 1, {}, { ...session, backend: 'abacus' }, { ...session, act: { firstMs: 1, ms: null } }];
    for (const measurements of [[], ...wrong.map((one) => [session, one])]) {
      writeFileSync(file, JSON.stringify({ formatVersion: 1, measurements }));
      expect(readMeasurements(file)).toBe(undefined);
    }
    const lines: string[] = [];
    writeMeasurements(join(file, 'below-a-file', 'two.json'), [session], (line) => lines.push(line));
    expect(lines[0]).toMatch(/not kept/);
  });
});

describe('a run of auto', () => {
  it('that began on a device which is missing here is told so, a card or an adapter', async () => {
    const path = join(root, 'elsewhere');
    const folder = { config: tiny('auto'), path, backendFile: `${path}.json` };
    for (const [backend, code] of [
      ['webgpu', 'WEBGPU_DEVICE'],
      ['pjrt-cuda', 'MISSING_GPU'],
    ] as const) {
      keepBackend(folder, backend);
      const open = () => Promise.reject(new MoeRlError(code, 'none is here'));
      await expect(openOnKeptBackend(folder, true, () => {}, open)).rejects.toThrow(
        `none is here. The run in ${path} began with the backend ${backend}`,
      );
    }
  });

  const quiet = { write: () => true };
  const train = async (path: string, isResume: boolean, steps: number, lines: string[]) => {
    const config = { ...tiny('auto'), trainingAgentSteps: steps };
    const folder = isResume ? openRunFolder(path, () => config, registry) : createRunFolder(path, config);
    try {
      const { signal } = new AbortController();
      const say = (line: string) => lines.push(line);
      const trained = await trainInFolder(folder, { isResume, signal, say, output: quiet });
      trained.dispose();
      return { name: trained.backendName, backendFile: folder.backendFile };
    } finally {
      folder.unlock();
    }
  };

  it('goes on with the backend that it began with, and says so where that is missing', async () => {
    const path = join(root, 'run');
    const lines: string[] = [];
    const { name, backendFile } = await train(path, false, 70, lines);
    expect(JSON.parse(readFileSync(backendFile, 'utf8'))).toEqual({ formatVersion: 1, backend: name });
    // As if it had begun on another machine: what it began with is taken, not what auto means here.
    keepBackend({ config: tiny('auto'), backendFile, path }, 'cpu');
    expect((await train(path, true, 75, lines)).name).toBe('cpu');
    writeFileSync(backendFile, '{ "formatVersion": 1, "backend": "abacus" }');
    await expect(train(path, true, 80, lines)).rejects.toThrow(
      /names the backend "abacus"; expected one of tensorflow/,
    );
    writeFileSync(backendFile, '{ "formatVersion": 2, "backend": "cpu" }');
    await expect(train(path, true, 80, lines)).rejects.toThrow(/has formatVersion 2; expected 1/);
    rmSync(backendFile);
    await train(path, true, 80, lines);
    expect(lines.at(-1)).not.toBe(undefined);
    expect(lines.some((line) => line.includes('does not say which backend'))).toBe(true);
  }, 300_000);
});
