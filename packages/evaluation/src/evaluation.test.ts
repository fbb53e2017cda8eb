// Behavior that rliable's vectors don't show: laws, ragged runs, curves, normalization, bad input.
import { createRng, InvalidArgumentError, NonFiniteError, NotFoundError, ShapeError } from '@moe-rl/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ATARI_100K_GAMES,
  ATARI_REFERENCE_SCORES,
  aggregateScores,
  canonicalGameName,
  fromRuns,
  humanNormalizedScore,
  interquartileMean,
  normalizeScores,
  PAPER_GAMES,
  performanceProfileIntervals,
  probabilityOfImprovement,
  probabilityOfImprovementInterval,
  referenceScores,
  sampleEfficiencyCurve,
  stratifiedBootstrap,
} from './index.ts';

const scores = fc.array(fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { minLength: 1, maxLength: 6 }), {
  minLength: 1,
  maxLength: 6,
});

describe('aggregates', () => {
  it('IQM drops a quarter at each end, whatever the outliers, and is ragged-safe', () => {
    expect(
      interquartileMean([
        [1, 2, 3, 1e9],
        [4, -1e9, 5, 6],
      ]),
    ).toBe((2 + 3 + 4 + 5) / 4);
    expect(interquartileMean([[7], [1, 100, 2]])).toBe((2 + 7) / 2);
  });

  it('improvement of X over Y and of Y over X add up to 1', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(scores, scores), { minLength: 1, maxLength: 3 }), (pairs) => {
        const x = pairs.map(([first]) => first[0]!);
        const y = pairs.map(([, second]) => second[0]!);
        expect(probabilityOfImprovement(x, y) + probabilityOfImprovement(y, x)).toBeCloseTo(1, 10);
      }),
      { seed: 1 },
    );
  });
});

describe('intervals', () => {
  it('hold the extremes of what can be drawn, and shrink to a point when all runs of a game agree', () => {
    fc.assert(
      fc.property(scores, (drawn) => {
        const [lowest, highest] = [Math.min(...drawn.flat()), Math.max(...drawn.flat())];
        const { iqm } = aggregateScores(drawn, { resamples: 60 });
        expect(iqm.low).toBeGreaterThanOrEqual(lowest - 1e-9);
        expect(iqm.high).toBeLessThanOrEqual(highest + 1e-9);
        expect(iqm.low).toBeLessThanOrEqual(iqm.high);
      }),
      { numRuns: 40, seed: 2 },
    );
    const { mean } = aggregateScores(
      [
        [1, 1, 1],
        [3, 3],
      ],
      { resamples: 50 },
    );
    expect(mean).toEqual({ estimate: 2, low: 2, high: 2 });
  });

  it('cover the true mean about as often as they say', () => {
    const rng = createRng(8);
    let covered = 0;
    const trials = 120;
    for (let trial = 0; trial < trials; trial++) {
      const sample = Array.from({ length: 10 }, () => Array.from({ length: 10 }, () => rng.nextNormal()));
      const { mean } = aggregateScores(sample, { resamples: 200, level: 0.9, rng });
      if (mean.low <= 0 && mean.high >= 0) covered++;
    }
    // Percentile intervals of 10 runs are a little narrow: 0.9 nominal is about 0.87.
    expect(covered / trials).toBeGreaterThan(0.78);
    expect(covered / trials).toBeLessThan(0.97);
  });

  it('are the same each time unless another stream is given, and narrower at a lower level', () => {
    const data = [
      [1, 2, 5],
      [0, 4, 4],
    ];
    expect(aggregateScores(data)).toEqual(aggregateScores(data));
    const wide = aggregateScores(data, { level: 0.99 }).mean;
    const narrow = aggregateScores(data, { level: 0.5 }).mean;
    expect(narrow.high - narrow.low).toBeLessThan(wide.high - wide.low);
  });

  it('profiles are 1 below all scores and 0 above them', () => {
    const [below, above] = performanceProfileIntervals(
      [
        [1, 2],
        [3, 4],
      ],
      [0, 9],
      { resamples: 50 },
    );
    expect(below).toEqual({ estimate: 1, low: 1, high: 1 });
    expect(above).toEqual({ estimate: 0, low: 0, high: 0 });
  });

  it('a sample-efficiency curve draws whole runs', () => {
    // Two runs that swap places half-way: each point alone is uncertain, their sum is not.
    const points = [[[0, 10]], [[10, 0]]];
    const sum = (drawn: readonly ArrayLike<number>[]) => Array.from(drawn[0]!).reduce((a, b) => a + b, 0);
    const curve = sampleEfficiencyCurve(points, { resamples: 200, aggregate: sum });
    expect(curve.map((point) => point.estimate)).toEqual([10, 10]);
    expect(curve[0]!.high - curve[0]!.low).toBe(20);
    const both: number[] = [];
    stratifiedBootstrap([[[0, 1]]], (drawn) => {
      const pick = (point: number) => Array.from(drawn![0]!, (run) => points[point]![0]![run]!);
      both.push(sum([pick(0)]) + sum([pick(1)]));
      return [0];
    });
    expect(new Set(both)).toEqual(new Set([20]));
    expect(sampleEfficiencyCurve([[[1, 2, 3, 4]]])[0]!.estimate).toBe(2.5);
  });
});

describe('human-normalized scores', () => {
  it('is 0 for the random and 1 for the human score, under any spelling of the game', () => {
    for (const [game, { random, human }] of Object.entries(ATARI_REFERENCE_SCORES)) {
      if (human === undefined) continue;
      expect(humanNormalizedScore(game, random)).toBe(0);
      expect(humanNormalizedScore(game, human)).toBe(1);
    }
    for (const spelling of ['SpaceInvaders', 'space_invaders', 'ALE/SpaceInvaders-v5', 'SpaceInvadersNoFrameskip-v4']) {
      expect(canonicalGameName(spelling)).toBe('spaceinvaders');
    }
    expect(humanNormalizedScore('Breakout', 30.5 + 28.8)).toBeCloseTo(2, 12);
    expect(Object.keys(ATARI_REFERENCE_SCORES)).toHaveLength(57);
  });

  it('leaves AirRaid out of the paper’s 20 games and says so', () => {
    const raw = Object.fromEntries(PAPER_GAMES.map((game) => [game, [100, 200]]));
    const { games, scores: normalized, leftOut } = normalizeScores(raw);
    expect(leftOut).toEqual(['AirRaid']);
    expect(games).toHaveLength(19);
    expect(normalized).toHaveLength(19);
    expect(() => humanNormalizedScore('AirRaid', 1)).toThrow(NotFoundError);
    expect(referenceScores('constructor')).toBeUndefined();
    expect(ATARI_100K_GAMES.every((game) => referenceScores(game)?.human !== undefined)).toBe(true);
  });
});

describe('bad input', () => {
  it('names the game and the run', () => {
    expect(() => aggregateScores([])).toThrow(InvalidArgumentError);
    expect(() => aggregateScores([[1], []])).toThrow('game 1 has no runs');
    expect(() => aggregateScores([[1, Number.NaN]])).toThrow(NonFiniteError);
    expect(() => aggregateScores([[1, Number.NaN]])).toThrow('game 0, run 1 is NaN');
    expect(() => aggregateScores([[1]], { resamples: 0 })).toThrow('resamples is 0');
    expect(() => aggregateScores([[1]], { level: 2 })).toThrow('level is 2');
    expect(() => fromRuns([[1, 2], [1]])).toThrow(ShapeError);
    // Numbers in place of arrays of runs gave NaN, other options the defaults.
    for (const wrong of [[0.5, 0.7], ['12'], [null], { 0: [1], length: 1 }] as unknown as number[][][])
      expect(() => aggregateScores(wrong)).toThrow(InvalidArgumentError);
    expect(() => aggregateScores([[1]], { resample: 10 } as object)).toThrow(/no option "resample".*resamples/);
    expect(() => performanceProfileIntervals([[1]], [0], { of: 'games' as 'runs' })).toThrow('of is "games"');
    expect(() => probabilityOfImprovementInterval([[1]], [[1], [2]])).toThrow(ShapeError);
    expect(() => sampleEfficiencyCurve([])).toThrow(InvalidArgumentError);
    expect(() => sampleEfficiencyCurve([[[1]], [[1, 2]]])).toThrow(ShapeError);
    expect(() => humanNormalizedScore('pong', Number.NaN)).toThrow(InvalidArgumentError);
    expect(() => probabilityOfImprovement([[1]], [[1], [3]])).toThrow(ShapeError);
    expect(() => fromRuns([[null as never, 1]])).toThrow('run 0, game 0 is null');
    expect(() => performanceProfileIntervals([[1, 2]], [0, Number.NaN])).toThrow('taus[1] is NaN');
  });

  it('of a game under two spellings, which would count twice, is told by both', () => {
    expect(() => normalizeScores({ Pong: [1], 'ALE/Pong-v5': [2] })).toThrow('"Pong" and "ALE/Pong-v5" are one game');
    for (const runs of [5, null, undefined] as unknown as number[][])
      expect(() => normalizeScores({ Pong: runs! })).toThrow(/^the scores of Pong are .*; expected an array/);
  });

  it('of a statistic is refused, where its interval was NaN', () => {
    let calls = 0;
    expect(() => stratifiedBootstrap([[[1, 2]]], () => (calls++ === 0 ? [1, 2] : [1]))).toThrow(ShapeError);
    expect(() => stratifiedBootstrap([[[1, 2]]], () => [0, Number.NaN])).toThrow('value 1 of the statistic is NaN');
    expect(() => aggregateScores([[1e308, 1e308, 1e308]])).toThrow(NonFiniteError);
  });
});
