// A whole run as a library does it: configuration, folder, training, evaluation, curve and summary; and games by name.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRandomAgent } from '@moe-rl/core';
import { checkRunConfig, createRunFolder, describeRunConfig, readCheckpoint, readMetricRows } from '@moe-rl/runs';
import { afterAll, describe, expect, it } from 'vitest';
import { agentConfigOf, checkRun, finishRun, makeEnvironment, newRunConfig, registry, trainInFolder } from './index.ts';
import type { TrainedSession } from './run-session.ts';

const root = mkdtempSync(join(tmpdir(), 'moe-rl-training-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const quiet = { write: () => true };

describe('a run put together from its configuration', () => {
  it('trains, evaluates, draws and summarizes', async () => {
    const config = newRunConfig({
      options: {
        game: 'bsuite/catch',
        preset: 'classic-control-soft-moe',
        backend: 'cpu',
        trainingAgentSteps: 80,
        evaluationEpisodes: 2,
      },
      set: [
        ['agent.minReplayHistoryAgentSteps', '60'],
        ['agent.batchSize', '8'],
        ['network.hiddenUnits', '16'],
        ['network.encoder.hiddenUnits', '16'],
        ['network.moe.expertHiddenUnits', '8'],
      ],
    });
    const folder = createRunFolder(join(root, 'run'), config);
    const { signal } = new AbortController();
    const session = await trainInFolder(folder, { isResume: false, signal, say: () => {}, output: quiet });
    const text = await finishRun(folder, session, signal, () => {}, quiet);
    session.dispose();
    folder.unlock();
    expect(text).toMatch(/80 agent steps, 5 updates/);
    const summary = JSON.parse(readFileSync(folder.summaryFile, 'utf8'));
    expect(summary).toMatchObject({ game: 'bsuite/catch', backend: 'cpu', training: { isComplete: true } });
    expect(summary.evaluation.trained.episodes).toBe(2);
    expect(existsSync(folder.curvePngFile)).toBe(true);
  });
});

describe('the end of a run', () => {
  it('is an evaluation for the largest seed of a run too', async () => {
    const seed = 2 ** 31 - 1;
    const options = { game: 'windfall', preset: 'dqn', seed, trainingAgentSteps: 30_000, evaluationEpisodes: 1 };
    const config = newRunConfig({ options, set: [['environment.maxEpisodeFrames', '40']] });
    const folder = createRunFolder(join(root, 'ended'), config);
    // As after the training, which has nothing to do with it.
    const output = { agentSteps: 30_000, updates: 1, episodes: 1, elapsedSeconds: 1 };
    const session = { agent: createRandomAgent(3, 1), output } as unknown as TrainedSession;
    await finishRun(folder, session, new AbortController().signal, () => {}, quiet);
    folder.unlock();
    expect(JSON.parse(readFileSync(folder.summaryFile, 'utf8')).evaluation.trained.episodes).toBe(1);
  });
});

describe('evaluation during training', () => {
  it('changes nothing of what is learned', async () => {
    const learned = async (name: string, set: readonly (readonly [string, string])[]) => {
      const config = newRunConfig({
        options: { game: 'bsuite/catch', preset: 'classic-control-soft-moe', backend: 'cpu', trainingAgentSteps: 100 },
        set: [
          ...set,
          ['agent.minReplayHistoryAgentSteps', '60'],
          ['agent.batchSize', '8'],
          ['network.hiddenUnits', '16'],
          ['network.encoder.hiddenUnits', '16'],
          ['network.moe.expertHiddenUnits', '8'],
        ],
      });
      const folder = createRunFolder(join(root, name), config);
      const { signal } = new AbortController();
      const session = await trainInFolder(folder, { isResume: false, signal, say: () => {}, output: quiet });
      session.dispose();
      folder.unlock();
      const { agent, environment } = readCheckpoint(folder.checkpoints.newestFirst()[0]!).parts;
      return { variables: agent!.variables, environment, rows: readMetricRows(folder.metricsFile) };
    };
    const without = await learned('without', []);
    const evaluated = await learned('evaluated', [
      ['evaluation.periodAgentSteps', '30'],
      ['evaluation.episodes', '3'],
    ]);
    expect(evaluated.rows.filter(({ values }) => 'evaluation/return' in values)).toHaveLength(3);
    expect(Object.keys(evaluated.variables as object).length).toBeGreaterThan(5);
    expect(evaluated.variables).toEqual(without.variables);
    expect(evaluated.environment).toEqual(without.environment);
  });
});

describe('games by name', () => {
  it('makes the embedded game and small environments', () => {
    for (const [game, shape] of [
      ['windfall', [84, 84]],
      ['bsuite/catch', [10, 5]],
    ] as const) {
      const config = newRunConfig({ options: { game, preset: 'dqn' } });
      const environment = makeEnvironment(config);
      expect(environment.observationSpec.frameShape).toEqual(shape);
      environment.close?.();
    }
  });

  it('ends an episode at a lost life in training, and plays the game to its end in evaluation', () => {
    const set = [['environment.terminalOnLifeLoss', 'true']] as const;
    const config = newRunConfig({ options: { game: 'windfall', preset: 'dqn' }, set });
    const livesAtTheEnd = (['training', 'evaluation'] as const).map((purpose) => {
      const environment = makeEnvironment(config, purpose);
      environment.reset({ seed: 1 });
      let step = environment.step(0);
      for (let action = 1; !step.terminated; action++) step = environment.step(action % 3);
      environment.close?.();
      return step.info.lives;
    });
    expect(livesAtTheEnd[0]).toBeGreaterThan(0);
    expect(livesAtTheEnd[1]).toBe(0);
  });

  it('refuses unknown names with near ones', () => {
    expect(() => newRunConfig({ options: { game: 'bsuite/cach', preset: 'dqn' } })).toThrow(
      expect.objectContaining({ code: 'NOT_FOUND', message: expect.stringMatching(/did you mean bsuite\/catch/) }),
    );
  });
});

describe('the configuration of a run', () => {
  it('is the preset of the agent and its protocol, and changes', () => {
    const config = newRunConfig({
      file: { preset: 'der', seed: 3, agent: { batchSize: 16, updateHorizon: 5 }, environment: { stackSize: 2 } },
      set: [
        ['agent.batchSize', '8'],
        ['environment.noopMax', '30'],
      ],
    });
    expect(config).toMatchObject({ preset: 'der', seed: 3, game: 'windfall', trainingAgentSteps: 100_000 });
    expect(config.agent).toMatchObject({ batchSize: 8, updateHorizon: 5, atoms: 51 });
    // DER's own environment rules, the changes, and Dopamine's defaults for the rest.
    expect(config.environment).toMatchObject({
      ...{ type: 'atari', repeatActionProbability: 0, terminalOnLifeLoss: true, maxEpisodeFrames: 108_000 },
      ...{ stackSize: 2, noopMax: 30, frameSkip: 4, rom: null },
    });
    expect(checkRunConfig(JSON.parse(JSON.stringify(config)), registry)).toEqual(config);
    expect(agentConfigOf(config).environment.maxEpisodeAgentSteps).toBe(27_000);
    // Whole games in evaluation.
    const environment = makeEnvironment(config, 'evaluation');
    expect(environment.observationSpec.stackSize).toBe(2);
    environment.close?.();
  });

  it('lists exactly what can be set, for every preset', () => {
    for (const preset of registry.presets.names()) {
      for (const game of ['windfall', 'minatar/breakout']) {
        const config = newRunConfig({ options: { preset, game } });
        const set = describeRunConfig(config, registry).map(
          ({ path, value }) => [path, typeof value === 'string' ? value : JSON.stringify(value)] as const,
        );
        expect(newRunConfig({ set })).toEqual(config);
      }
    }
  });

  it.each([
    [
      { game: 'minatar/breakout' },
      'environment.frameSkip=3',
      'environment.frameSkip does not apply to environment.type minatar; it belongs to atari',
    ],
    [
      { game: 'bsuite/catch' },
      'environment.rom=x.bin',
      'environment.rom does not apply to environment.type small; it belongs to atari',
    ],
    [{}, 'environment.maxPoolFrames=3', 'environment.maxPoolFrames is 3; expected'],
    [{}, 'environment.frameSkip=1', 'environment.maxPoolFrames is 2; expected at most frameSkip, 1'],
    [{}, 'environment.mode=-1', 'environment.mode is -1; expected an integer of at least 0, or null'],
    [{}, 'environment.frameskip=1', 'did you mean environment.frameSkip'],
    [{}, 'agent.batchSize=1e9', 'agent.batchSize is 1000000000; expected'],
    [{}, 'replay.capacity=5e8', 'replay.capacity is 500000000; expected'],
  ])('refuses %j %s', (options, text, message) => {
    expect(() => newRunConfig({ options, set: [text.split('=') as [string, string]] })).toThrow(message);
  });

  it('is refused before a start that could never learn', async () => {
    const config = newRunConfig({ options: { game: 'bsuite/catch', trainingAgentSteps: 100 } });
    await expect(checkRun(config)).rejects.toThrow(
      /agent\.minReplayHistoryAgentSteps is 20000, so a run of 100 agent steps never learns/,
    );
  });

  it('is refused before a start with a backend that nobody would use', async () => {
    const options = { game: 'navigation/room', preset: 'tabular-q-learning' };
    await checkRun(newRunConfig({ options }));
    await expect(checkRun(newRunConfig({ options: { ...options, backend: 'wasm' } }))).rejects.toThrow(
      'backend is "wasm", which would do nothing: the agents of the preset tabular-q-learning compute without',
    );
    await expect(checkRun(newRunConfig({ options: { ...options, threads: 2 } }))).rejects.toThrow('threads is 2');
  });

  it('is refused before a start whose masks would never change', async () => {
    const config = newRunConfig({
      options: { game: 'bsuite/catch', trainingAgentSteps: 30_000 },
      set: [
        ['network.encoder.type', 'perceptron'],
        ['sparsity.method', 'pruning'],
      ],
    });
    await expect(checkRun(config)).rejects.toThrow('sparsity.startUpdates is 500000, so masks first change at');
  });

  it('says what should be known before a start', () => {
    const notesOf = (preset: string, set: readonly (readonly [string, string])[] = []) =>
      registry.agents.get('value').notes!(newRunConfig({ options: { preset }, set }));
    expect(notesOf('rainbow-soft-moe').join()).toContain('agent.expertNoiseInEvaluation=false turns that off');
    expect(notesOf('rainbow-soft-moe', [['agent.expertNoiseInEvaluation', 'false']])).toEqual([]);
    expect(notesOf('dqn-soft-moe')).toEqual([]);
    expect(notesOf('rainbow')).toEqual([]);
  });
});
