// Every metric of the registry has a producer: short runs of a few kinds of agents log all tags between them, and no others.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRunFolder, findMetric, metricTags, readMetricRows } from '@moe-rl/runs';
import { afterAll, expect, it } from 'vitest';
import { newRunConfig, trainInFolder } from './index.ts';

const root = mkdtempSync(join(tmpdir(), 'moe-rl-metrics-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const RUNS: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  'classic-control-soft-moe': [
    ['agent.conservativeCoefficient', '0.1'],
    ['statistics.periodUpdates', '2'],
    ['statistics.followsRouters', 'true'],
  ],
  'classic-control': [
    ['network.moe.router.type', 'token-choice'],
    ['network.moe.experts', '2'],
    ['auxiliaryLosses.importance', '1'],
    ['reward.type', 'text2reward'],
    ['reward.program', join(root, 'program.js')],
    ['statistics.periodUpdates', '2'],
  ],
};

writeFileSync(join(root, 'program.js'), 'function computeReward(env) { return 2 * env.gameReward }');

it('registered tags and logged tags are the same', async () => {
  const logged = new Set<string>();
  for (const [preset, set] of Object.entries(RUNS)) {
    const config = newRunConfig({
      options: {
        game: 'bsuite/catch',
        preset,
        backend: 'cpu',
        trainingAgentSteps: 80,
        evaluationEpisodes: 2,
        logPeriodAgentSteps: 20,
      },
      set: [
        ['agent.minReplayHistoryAgentSteps', '40'],
        ['agent.batchSize', '8'],
        ['evaluation.periodAgentSteps', '40'],
        ['evaluation.episodes', '2'],
        ['network.encoder.hiddenUnits', '16'],
        ['network.moe.expertHiddenUnits', '8'],
        ...set,
      ],
    });
    const folder = createRunFolder(join(root, preset), config);
    const session = await trainInFolder(folder, {
      isResume: false,
      signal: new AbortController().signal,
      say: () => {},
      output: { write: () => true },
    });
    session.dispose();
    folder.unlock();
    for (const { values } of readMetricRows(folder.metricsFile)) for (const tag of Object.keys(values)) logged.add(tag);
  }
  expect([...logged].filter((tag) => findMetric(tag) === undefined)).toEqual([]);
  const tags = [...logged];
  const isLogged = (tag: string): boolean =>
    tag.endsWith('/*') ? tags.some((each) => each.startsWith(tag.slice(0, -1))) : logged.has(tag);
  expect(metricTags().filter((tag) => !isLogged(tag))).toEqual([]);
});
