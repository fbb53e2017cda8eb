// What was taken silently: options that do nothing or are none, numbers that typed arrays make of null, rewards too small for programs; and bounds that did not bind.
import { InvalidArgumentError, NonFiniteError, ShapeError } from '@moe-rl/core';
import { describe, expect, it } from 'vitest';
import {
  adaptiveDesign,
  adaptiveDesigner,
  ascendCriterion,
  chain,
  createMdp,
  designExprd,
  designedRewards,
  designOnStates,
  designTarget,
  growTree,
  invariantRewards,
  isInvariant,
  type LearnedReward,
  liftRewards,
  lineKey,
  lineKeyContinuous,
  lineKeyPicks,
  networkExplorationDesign,
  qLearning,
  reinforce,
  room,
  runDesignStudy,
  type StudyResult,
  selfSupervisedUpdate,
  summarizeDesigns,
  TabularExploration,
  tabularEnvironment,
  valueIteration,
} from './index.ts';

const game = lineKey();
const { mdp, layout } = game;

it.each(['self-supervised', 'ranking', 'simulated'] as const)('the bound holds for %s rewards', (learned) => {
  const largest = (clip?: number): number => {
    const exploration = new TabularExploration(mdp, {
      hasBonus: false,
      learned,
      ...(clip === undefined ? {} : { clip }),
    });
    for (let episode = 0; episode < 5; episode++) {
      exploration.pay(5, 0, episode, 4);
      exploration.pay(4 + episode, 1, episode, 5);
      exploration.endEpisode();
    }
    exploration.update(new Float64Array(mdp.stateCount * 3).fill(1 / 3));
    return (exploration.getState().phi as Float64Array).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  };
  expect(largest()).toBeGreaterThan(1e-4);
  expect(largest(1e-5)).toBe(1e-5);
});

it('a map shows the bonus in the size that the design pays', () => {
  const sizes = { bonusScale: 50, largestBonus: 40 };
  const exploration = new TabularExploration(mdp, { hasBonus: true, learned: 'none', ...sizes });
  exploration.pay(5, 0, 0, 4);
  const shown = designedRewards(tabularEnvironment(game), exploration.getState(), sizes);
  const added = exploration.addedRewards();
  expect(shown).toEqual(mdp.rewards.map((reward, at) => reward + added[at]!));
  expect(Math.max(...added)).toBe(40);
});

it('actions are as good as each other by their share of the values, not by an absolute gap', () => {
  const { isOptimal } = valueIteration(room().mdp);
  expect(valueIteration(room({ goalReward: 1e-8 }).mdp).isOptimal).toEqual(isOptimal);
  expect(isInvariant(designTarget(room({ goalReward: 1e-8 }).mdp), new Float64Array(200).fill(1))).toBe(false);
  // As many values as no call takes arguments.
  const many = Array.from({ length: 100_000 }, () => [0, 1]);
  const large = createMdp({ discount: 0, rewards: many, transitions: many.map(() => [0, 0]) });
  expect(valueIteration(large).policy[99_999]).toBe(1);
});

it('rewards too small for linear programs are refused; what was designed did not keep them', async () => {
  const tiny = lineKey({ goalReward: 1e-7 }).mdp;
  for (const design of [designExprd(tiny), invariantRewards(tiny), adaptiveDesigner(tiny)])
    await expect(design).rejects.toThrow(/is worth .* more than the next, which linear programs can't tell from 0/);
});

describe('options', () => {
  const none = { hasBonus: true, learned: 'none' } as const;
  const space = {
    id: 'a',
    observationSpec: { frameShape: [2], stackSize: 1, dtype: 'float32' },
    actionCount: 2,
  } as const;

  it('that are none are refused by name', async () => {
    const odd = { odd: 1 } as object;
    for (const use of [
      () => chain(odd),
      () => room(odd),
      () => lineKey(odd),
      () => lineKeyContinuous(odd),
      () => lineKeyPicks(odd),
      () => qLearning(mdp, odd),
      () => reinforce(mdp, odd),
      () => new TabularExploration(mdp, { ...none, ...odd }),
      () => networkExplorationDesign(space, { ...none, ...odd }, () => [0.5, 0.5]),
      () => adaptiveDesign(tabularEnvironment(game), {} as never, () => [], odd),
      () => ascendCriterion(mdp, mdp.rewards, mdp.rewards, odd),
    ])
      expect(use).toThrow(/has no option "odd"/);
    for (const design of [
      designExprd(mdp, odd),
      designOnStates(mdp, [], odd),
      growTree(mdp, layout, 2, odd),
      adaptiveDesigner(mdp, odd),
      invariantRewards(mdp, odd),
      runDesignStudy('chain', odd as never),
    ])
      await expect(design).rejects.toThrow(/has no option "odd"/);
  });

  it('of explorations are checked before anything is learned by them', () => {
    for (const [wrong, message] of [
      [{ learned: 'other' as LearnedReward }, 'learned is "other"'],
      [{ hasBonus: undefined as never }, 'hasBonus is undefined'],
      [{ clip: -1 }, 'clip is -1'],
      [{ learningRate: Number.NaN }, 'learningRate is NaN'],
      [{ bonusScale: 0 }, 'bonusScale is 0'],
      [{ horizon: 0 }, 'horizon is 0'],
      [{ updatePeriodEpisodes: 0 }, 'updatePeriodEpisodes is 0'],
    ] as const) {
      expect(() => new TabularExploration(mdp, { ...none, ...wrong })).toThrow(message);
      expect(() => networkExplorationDesign(space, { ...none, ...wrong }, () => [0.5, 0.5])).toThrow(message);
    }
    const simulated = { hasBonus: false, learned: 'simulated' } as const;
    expect(() => networkExplorationDesign(space, simulated, () => [0.5, 0.5])).toThrow('which needs known states');
  });

  it('that would do nothing are refused', async () => {
    expect(() => adaptiveDesign(tabularEnvironment(game), {} as never, () => [], { updatePeriodEpisodes: 0 })).toThrow(
      'updatePeriodEpisodes is 0',
    );
    expect(() => chain({ statesLeft: 5, distractorReward: 0.01 })).toThrow('expected at least 15 states left');
    for (const make of [chain, room, lineKey]) expect(() => make({ horizon: Number.NaN })).toThrow('horizon is NaN');
    expect(() => tabularEnvironment({ ...game, horizon: 0 })).toThrow('horizon is 0');
    await expect(adaptiveDesigner(mdp, { depth: 0 })).rejects.toThrow('depth is 0');
    const stateScores = new Float64Array(21);
    await expect(designExprd(mdp, { stateScores })).rejects.toThrow(
      'stateScores without stateScoreWeight does nothing',
    );
    await expect(designExprd(mdp, { stateScoreWeight: 1 })).rejects.toThrow('without stateScores does nothing');
    stateScores[4] = Number.NaN;
    await expect(designExprd(mdp, { stateScores, stateScoreWeight: 1 })).rejects.toThrow('stateScores[4] is NaN');
  });

  it('scores that come first do so at any size', async () => {
    const stateScores = Float64Array.from({ length: 21 }, (_, state) => 1e-13 * (10 - Math.abs(state - 7)));
    const options = { budget: 1, horizons: [1], stateScores, stateScoreWeight: Number.POSITIVE_INFINITY };
    expect((await designExprd(mdp, options)).chosen).toEqual([7]);
  });
});

describe('numbers and tables', () => {
  it('null counted as 0', () => {
    const missing = null as unknown as number;
    const one = { discount: 0.9, rewards: [[0], [1]], transitions: [[0], [0]] };
    expect(() => createMdp({ ...one, rewards: [[missing], [1]] })).toThrow(NonFiniteError);
    expect(() => createMdp({ ...one, start: [missing, 1] })).toThrow(InvalidArgumentError);
    expect(() => createMdp({ ...one, transitions: [[0], [missing]] })).toThrow('state 1, action 0 are null');
  });

  it('of other sizes gave NaN or zeros', () => {
    const critic = new Float64Array(2);
    const episodes = [{ states: [1], actions: [0], rewards: [1] }];
    expect(() => selfSupervisedUpdate(new Float64Array(6), critic, episodes, [1], { discount: 0.9 })).toThrow(
      ShapeError,
    );
    expect(() => ascendCriterion(mdp, new Float64Array(3), mdp.rewards)).toThrow(ShapeError);
    expect(() => liftRewards(new Float64Array(2), Int32Array.of(0, 3), 2)).toThrow('expected some for cell 3');
  });
});

it('a study has known learners, and each seed once', async () => {
  const options = { design: 'pbrs', seeds: [0], maxEpisodes: 30, onResult() {} } as const;
  await expect(runDesignStudy('chain', { ...options, learner: 'sarsa' as never })).rejects.toThrow(
    'learner is "sarsa"',
  );
  const result: StudyResult = {
    ...{ study: 'chain', learner: 'reinforce', design: 'pbrs', seed: 3, maxEpisodes: 30, episodes: 10 },
  };
  expect(() => summarizeDesigns([result, result])).toThrow('reinforce pbrs: seed 3 is there twice');
  expect(summarizeDesigns([result, { ...result, study: 'room' }])).toHaveLength(1);
});
