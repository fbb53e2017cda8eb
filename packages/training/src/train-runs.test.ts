// Runs of several seeds computed as one program: each is what it is alone, goes on exactly where all were stopped, and may go on alone; and what can't be batched.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isMoeRlError, type StateTree } from '@moe-rl/core';
import {
  createRunFolder,
  findMetric,
  openRunFolder,
  type ProgressOutput,
  type RunFolder,
  readBatchStretches,
  readCheckpoint,
  readMetricRows,
} from '@moe-rl/runs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newRunConfig, trainInFolder, trainRuns } from './index.ts';

const root = mkdtempSync(join(tmpdir(), 'moe-rl-train-runs-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const quiet = { write: () => true };
const { signal } = new AbortController();
const SEEDS = [1, 2, 3];

const configFor = (seed: number, set: readonly (readonly [string, string])[] = [], backend = 'pjrt-cpu') =>
  newRunConfig({
    options: {
      game: 'bsuite/catch',
      preset: 'classic-control-soft-moe',
      backend: backend as 'pjrt-cpu',
      threads: 1,
      seed,
      trainingAgentSteps: 120,
      evaluationEpisodes: 2,
    },
    set: [
      ['agent.minReplayHistoryAgentSteps', '60'],
      ['agent.targetUpdatePeriodAgentSteps', '32'],
      ['agent.batchSize', '8'],
      ['replay.sampling', 'prioritized'],
      ['network.hiddenUnits', '16'],
      ['network.encoder.hiddenUnits', '16'],
      ['network.moe.expertHiddenUnits', '8'],
      ['checkpointPeriodAgentSteps', '50'],
      ['logPeriodAgentSteps', '10'],
      ['evaluation.periodAgentSteps', '40'],
      ['evaluation.episodes', '2'],
      ...set,
    ],
  });
const makeFolder = (name: string, seed: number): RunFolder =>
  createRunFolder(join(root, `${name}-${seed}`), configFor(seed));

/** What a run has learned and drawn, to be compared bit by bit. */
function stateOf({ checkpoints }: RunFolder) {
  const { agent, environment, run } = readCheckpoint(checkpoints.newestFirst()[0]!).parts;
  const { agentSteps, episode, statistics } = run as Record<string, StateTree>;
  return { agent, environment, agentSteps, episode, episodes: statistics!.episodes };
}
const rowsOf = ({ metricsFile }: RunFolder): { agentSteps: number; values: [string, number][] }[] =>
  readMetricRows(metricsFile).map(({ agentSteps, values }) => ({
    agentSteps,
    values: Object.entries(values).filter(([tag]) => findMetric(tag)?.isTiming !== true && !tag.startsWith('process/')),
  }));

async function trainTogether(
  folders: readonly RunFolder[],
  isResume = false,
  stop = signal,
  output: ProgressOutput = quiet,
): Promise<void> {
  const runs = folders.map((folder) => ({ folder, isResume }));
  const say = (line: string) => output.write(`${line}\n`);
  const results = await trainRuns({ runs, signal: stop, say, output });
  for (const folder of folders) folder.unlock();
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

async function trainAlone(folder: RunFolder, isResume = false, lines: string[] = []): Promise<void> {
  const output = { write: (text: string) => lines.push(text) };
  const session = await trainInFolder(folder, { isResume, signal, say: () => {}, output });
  session.dispose();
  folder.unlock();
}

describe.skipIf(process.platform !== 'linux' || process.arch !== 'x64')('runs of several seeds as one program', () => {
  const batched: RunFolder[] = SEEDS.map((seed) => makeFolder('batched', seed));
  let shown = '';
  const write = (text: string): void => {
    shown += text;
  };
  const terminal: ProgressOutput = { isTTY: true, columns: 160, write };
  beforeAll(() => trainTogether(batched, false, signal, terminal), 600_000);

  it('share the line of a terminal, and end with a line each', () => {
    const drawn = shown.split('\r\u001b[2K').map((text) => text.split('\n')[0]!);
    expect(drawn.some((line) => /^seed \d: \d+% .* \| \d: \d+% /.test(line))).toBe(true);
    // Each of these lines has one for itself: none is written behind a status that stands there.
    for (const seed of SEEDS) {
      for (const line of ['100% {2}120/120 steps.*', 'evaluating the trained agent: 2 episodes']) {
        expect(shown).toMatch(new RegExp(`(\\n|\\[2K)seed ${seed}: ${line}\\n`));
      }
    }
    expect(shown.endsWith('\r\u001b[2K') || shown.endsWith('\n')).toBe(true);
  });

  it('are what each is alone, within the rounding of sums', { timeout: 300_000 }, async () => {
    const alone = makeFolder('alone', 2);
    await trainAlone(alone);
    const [wanted, rows] = [rowsOf(alone), rowsOf(batched[1]!)];
    expect(rows.length).toBeGreaterThan(20);
    expect(rows.map(({ agentSteps }) => agentSteps)).toEqual(wanted.map(({ agentSteps }) => agentSteps));
    for (const [index, { values }] of wanted.entries()) {
      for (const [at, [tag, value]] of values.entries()) {
        const [ownTag, own] = rows[index]!.values[at]!;
        expect(ownTag).toBe(tag);
        if (Number.isNaN(value)) expect(own).toBeNaN();
        else expect(Math.abs(own - value), tag).toBeLessThan(1e-4 * (1 + Math.abs(value)));
      }
    }
    const losses = (folder: RunFolder) => readMetricRows(folder.metricsFile).map(({ values }) => values['train/loss']);
    expect(losses(batched[0]!)).not.toEqual(losses(batched[1]!));
  });

  it('have folders of their own that say so', () => {
    for (const [place, folder] of batched.entries()) {
      const summary = JSON.parse(readFileSync(folder.summaryFile, 'utf8'));
      const stretch = { fromAgentSteps: 0, size: 3, place, seeds: SEEDS };
      expect(readBatchStretches(folder.path)).toEqual([stretch]);
      expect(summary).toMatchObject({ seed: place + 1, backend: 'pjrt-cpu', batch: [stretch] });
      expect(summary.training).toMatchObject({ isComplete: true, agentSteps: 120 });
      expect(summary.evaluation.trained.episodes).toBe(2);
      expect(existsSync(folder.curvePngFile)).toBe(true);
    }
  });

  it('go on exactly from their checkpoints, also from different ones; alone, they say what differs', {
    timeout: 300_000,
  }, async () => {
    const folders = SEEDS.map((seed) => makeFolder('stopped', seed));
    const controller = new AbortController();
    const timer = setInterval(() => {
      if (folders[0]!.checkpoints.list().length > 0) controller.abort();
    }, 1);
    await trainTogether(folders, false, controller.signal);
    clearInterval(timer);
    // One of them was stopped earlier than the others.
    const steps = folders.map(({ checkpoints }) => checkpoints.list());
    expect(steps[0]!.at(-1)!).toBeLessThan(120);
    rmSync(folders[2]!.checkpoints.newestFirst()[0]!, { recursive: true });
    const open = () => folders.map(({ path }) => openRunFolder(path));
    await trainTogether(open(), true);
    for (const [place, folder] of folders.entries()) {
      expect(stateOf(folder)).toEqual(stateOf(batched[place]!));
      expect(rowsOf(folder)).toEqual(rowsOf(batched[place]!));
    }
    expect(readBatchStretches(folders[0]!.path).map(({ size, place }) => [size, place])).toEqual([
      [3, 0],
      [3, 0],
    ]);
  });

  it('can be resumed alone', { timeout: 300_000 }, async () => {
    const [folder] = batched;
    rmSync(folder!.checkpoints.newestFirst()[0]!, { recursive: true });
    const lines: string[] = [];
    await trainAlone(openRunFolder(folder!.path), true, lines);
    expect(lines.join('')).toMatch(/the run was at place 0 of a batch of 3; elsewhere it goes on equal up to rounding/);
    expect(readBatchStretches(folder!.path)).toMatchObject([{ size: 3 }, { fromAgentSteps: 100, size: 1, seeds: [1] }]);
    expect(rowsOf(folder!).at(-1)!.agentSteps).toBe(120);
  });
});

describe('what can’t be batched', () => {
  const refusal = async (name: string, configs: readonly ReturnType<typeof configFor>[]): Promise<string> => {
    const folders = configs.map((config, index) => createRunFolder(join(root, `${name}-${index}`), config));
    try {
      const runs = folders.map((folder) => ({ folder, isResume: false }));
      await trainRuns({ runs, signal, say: () => {}, output: quiet });
      return 'nothing was refused';
    } catch (error) {
      expect(isMoeRlError(error)).toBe(true);
      return (error as Error).message;
    } finally {
      for (const folder of folders) folder.discard();
    }
  };

  it('is refused by name', async () => {
    await expect(trainRuns({ runs: [], signal, say: () => {} })).rejects.toThrow(/runs is \[\]/);
    expect(await refusal('tensorflow', [configFor(1, [], 'tensorflow'), configFor(2, [], 'tensorflow')])).toMatch(
      /backend is "tensorflow", which runs one step at a time: .*expected one of pjrt-cpu, pjrt-cuda, pjrt-rocm/,
    );
    const other = configFor(2, [['agent.batchSize', '16']]);
    expect(await refusal('differs', [configFor(1), other])).toMatch(
      /differs from .* in agent.batchSize; a batch trains/,
    );
    const tabular = newRunConfig({ options: { game: 'navigation/room', preset: 'tabular-q-learning', seed: 1 } });
    expect(await refusal('tabular', [tabular])).toMatch(
      /preset is tabular-q-learning, whose agents \(of the kind .*\) can't be computed together/,
    );
  });
});
