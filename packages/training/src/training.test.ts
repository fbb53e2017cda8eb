// A whole run as a library does it: configuration, folder, training, evaluation, curve and summary; and games by name.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRunFolder, newRunConfig } from '@moe-rl/runs';
import { afterAll, describe, expect, it } from 'vitest';
import { finishRun, makeEnvironment, trainInFolder } from './index.ts';

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
    const session = await trainInFolder(folder, false, signal, () => {}, quiet);
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

  it('refuses unknown names with near ones', () => {
    const config = newRunConfig({ options: { game: 'bsuite/cach', preset: 'dqn' } });
    expect(() => makeEnvironment(config)).toThrow(
      expect.objectContaining({ code: 'NOT_FOUND', message: expect.stringMatching(/did you mean bsuite\/catch/) }),
    );
  });
});
