// Every design of a reward, by name, in a run: it trains, reports true returns, and goes on exactly from a checkpoint; where it does not apply it is refused.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRunFolder, openRunFolder, readCheckpoint, readMetricRows } from '@moe-rl/runs';
import { afterAll, describe, expect, it } from 'vitest';
import { changeOnResume, checkRun, newRunConfig, registry, trainInFolder } from './index.ts';

const root = mkdtempSync(join(tmpdir(), 'moe-rl-rewards-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const DESIGNS = ['pbrs', 'invariance', 'exprd', 'expadard', 'explob', 'selfrs', 'explors', 'sors', 'lirpg'];

function configOf(reward: string, trainingAgentSteps: number, options: object = {}, set: [string, string][] = []) {
  return newRunConfig({
    options: {
      ...{ game: 'navigation/line-key', preset: 'tabular-q-learning', evaluationEpisodes: 0, logPeriodAgentSteps: 50 },
      ...{ 'reward.type': reward, trainingAgentSteps },
      ...options,
    },
    set,
  });
}

async function train(path: string, config: ReturnType<typeof configOf>, isResume: boolean) {
  const folder = isResume
    ? openRunFolder(
        path,
        (stored) => changeOnResume(stored, { options: { trainingAgentSteps: config.trainingAgentSteps } }),
        registry,
      )
    : createRunFolder(path, config);
  const { signal } = new AbortController();
  const session = await trainInFolder(folder, { isResume, signal, say: () => {}, output: { write: () => true } });
  session.dispose();
  folder.unlock();
  return {
    parts: readCheckpoint(folder.checkpoints.newestFirst()[0]!).parts,
    rows: readMetricRows(folder.metricsFile),
  };
}

describe('designs of rewards in runs', () => {
  it.each(DESIGNS)('%s trains, reports true returns, and resumes exactly', async (reward) => {
    const straight = await train(join(root, `${reward}-straight`), configOf(reward, 1000), false);
    const broken = join(root, `${reward}-broken`);
    await train(broken, configOf(reward, 433), false);
    const resumed = await train(broken, configOf(reward, 1000), true);
    expect(resumed.parts.agent).toEqual(straight.parts.agent);
    expect(resumed.parts.reward).toEqual(straight.parts.reward);
    const returns = straight.rows.flatMap(({ values }) => values['episode/return'] ?? []);
    expect(returns.length).toBeGreaterThan(20);
    // The only true pay is 10.
    expect(returns.filter((value) => value % 10 !== 0)).toEqual([]);
    expect(straight.rows.some(({ values }) => 'train/designedReward' in values)).toBe(true);
  });

  it('trees of states and budgets are settings of EXPRD, and one of them at a time', async () => {
    const settings: [string, string][] = [
      ['reward.leaves', '2'],
      ['reward.horizons', '1,4'],
    ];
    const tied = await train(join(root, 'leaves'), configOf('exprd', 50, {}, settings), false);
    const rewards = tied.parts.reward!.rewards as Float64Array;
    expect(new Set(rewards).size).toBeLessThanOrEqual(2 * 3 + 3 + 1);
    await expect(
      train(join(root, 'both'), configOf('exprd', 50, {}, [...settings, ['reward.budget', '2']]), false),
    ).rejects.toThrow('reward.leaves is 2 and reward.budget is 2; expected one of them');
    expect(() => configOf('exprd', 50, {}, [['reward.budget', '0']])).toThrow('reward.budget is 0; expected');
  });

  it('networks take the place of tables where states are not known', async () => {
    const config = configOf(
      'explors',
      150,
      { game: 'navigation/line-key-picks', preset: 'classic-control', backend: 'cpu' },
      [
        ['agent.minReplayHistoryAgentSteps', '100'],
        ['agent.batchSize', '4'],
        ['network.hiddenUnits', '8'],
        ['network.encoder.hiddenUnits', '8'],
        ['reward.hiddenUnits', '8'],
        ['reward.updatePeriodEpisodes', '1'],
        ['environment.horizon', '40'],
      ],
    );
    const { parts } = await train(join(root, 'network'), config, false);
    expect(parts.reward).toMatchObject({ kind: 'network-exploration', updates: 3, count: 3 });
  });

  it.each(['pbrs', 'invariance', 'exprd', 'expadard', 'lirpg'])(
    '%s is refused where states are not known',
    async (reward) => {
      const config = configOf(reward, 1000, { game: 'bsuite/catch', preset: 'classic-control', backend: 'cpu' });
      await expect(checkRun(config)).rejects.toThrow(
        `reward.type is ${reward}, but the states of bsuite/catch are not known; expected an environment with a known process`,
      );
    },
  );

  it('tabular learners, settings of another game and datasets are refused by name', async () => {
    expect(() => configOf('original', 100, {}, [['environment.statesLeft', '3']])).toThrow(
      'environment.statesLeft does not apply to navigation/line-key',
    );
    await expect(checkRun(configOf('pbrs', 100, { 'dataset.folder': root, preset: 'cql' }))).rejects.toThrow(
      `reward.type is pbrs, but a run that learns from a dataset (dataset.folder is ${root})`,
    );
    await expect(
      train(join(root, 'catch'), configOf('original', 100, { game: 'bsuite/catch' }), false),
    ).rejects.toThrow('preset is tabular-q-learning, but the states of bsuite/catch are not known');
  });
});
