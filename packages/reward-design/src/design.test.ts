// What every designed reward promises: optimal policies stay optimal, checked by value iteration, whatever the process; and what is refused.
import { NonFiniteError } from '@moe-rl/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  adaptiveDesigner,
  adaptiveInformativeness,
  chain,
  createMdp,
  designExprd,
  designOnStates,
  designTarget,
  horizonGaps,
  InfeasibleProgramError,
  informativeness,
  invarianceViolation,
  invariantRewards,
  isInvariant,
  lineKey,
  type Mdp,
  requireInvariant,
  room,
  shapedRewards,
  valueIteration,
  withRewards,
} from './index.ts';

/** Small processes with rewards in hundredths, so that gaps are no rounding. */
const processes: fc.Arbitrary<Mdp> = fc
  .record({ states: fc.integer({ min: 2, max: 5 }), actions: fc.integer({ min: 2, max: 3 }) })
  .chain(({ states, actions }) => {
    const table = <T>(cell: fc.Arbitrary<T>) =>
      fc.array(fc.array(cell, { minLength: actions, maxLength: actions }), { minLength: states, maxLength: states });
    return fc.record({
      discount: fc.constantFrom(0.5, 0.9, 0.95),
      rewards: table(fc.integer({ min: -100, max: 100 }).map((value) => value / 100)),
      transitions: table(
        fc
          .tuple(fc.nat(states - 1), fc.nat(states - 1), fc.integer({ min: 0, max: 4 }))
          .map(([left, right, part]) => [[left, part / 4] as const, [right, 1 - part / 4] as const]),
      ),
      terminalStates: fc.constantFrom([], [states - 1]),
    });
  })
  .map(createMdp);

const runs = { numRuns: 20 };

describe('optimal policies stay optimal', () => {
  it('under shaping by any potential, which every horizon shows in full when it is V*', () => {
    fc.assert(
      fc.property(
        processes,
        fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 5, maxLength: 5 }),
        (mdp, heights) => {
          const target = designTarget(mdp);
          const potential = Float64Array.from({ length: mdp.stateCount }, (_, state) => heights[state]!);
          const { isOptimal } = valueIteration(mdp, shapedRewards(mdp, potential));
          expect(isOptimal).toEqual(target.solution.isOptimal);
          const shaped = shapedRewards(mdp);
          for (const horizon of [0, 1, 7]) {
            for (const [at, gap] of horizonGaps(target, shaped, horizon).entries())
              expect(gap).toBeCloseTo(target.gaps[at]!, 7);
          }
          expect(informativeness(target, shaped, [0, 1, 3])).toBeCloseTo(0, 7);
          expect(informativeness(target, mdp.rewards, [1, 3])).toBeLessThanOrEqual(0);
        },
      ),
      runs,
    );
  });

  it('under EXPRD, EXPADARD and Invariance, for random processes and random learners', async () => {
    await fc.assert(
      fc.asyncProperty(
        processes,
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 15, maxLength: 15 }),
        async (mdp, weights) => {
          const target = designTarget(mdp);
          // The bounds must leave room: shaping by V* is such a reward, and fits into them.
          const bounds = { maxReward: 50 };
          const policy = Float64Array.from({ length: mdp.stateCount * mdp.actionCount }, (_, at) => weights[at]!);
          for (let at = 0; at < policy.length; at += mdp.actionCount) {
            const row = policy.subarray(at, at + mdp.actionCount);
            row.set(row.map((weight) => weight / row.reduce((sum, value) => sum + value, 0)));
          }
          const full = await designExprd(mdp, { ...bounds, horizons: [1, 3] });
          const sparse = await designExprd(mdp, { ...bounds, horizons: [1, 3], budget: 1 });
          const designer = await adaptiveDesigner(mdp, bounds);
          const adaptive = designer.design(policy);
          designer.dispose();
          const anyRewards = await invariantRewards(mdp, bounds);
          for (const rewards of [full.rewards, sparse.rewards, adaptive, anyRewards]) {
            expect(invarianceViolation(target, rewards)).toBeLessThan(1e-6);
            expect(isInvariant(target, rewards)).toBe(true);
          }
          expect(informativeness(target, full.rewards, [1, 3])).toBeCloseTo(full.informativeness, 5);
          expect(full.informativeness).toBeGreaterThanOrEqual(sparse.informativeness - 1e-6);
          expect(sparse.informativeness).toBeGreaterThanOrEqual(informativeness(target, mdp.rewards, [1, 3]) - 1e-6);
          const worth = (rewards: Float64Array) => adaptiveInformativeness(mdp, target.solution, policy, rewards);
          for (const other of [full.rewards, shapedRewards(mdp), anyRewards])
            expect(worth(adaptive)).toBeGreaterThanOrEqual(worth(other) - 1e-6);
        },
      ),
      { numRuns: 8 },
    );
  }, 240_000);

  it.each([
    ['room', room({ slipProbability: 0.1, goalReward: 10, discount: 0.95 }).mdp, 10],
    ['chain', chain({ distractorReward: 0.01 }).mdp, 100],
    ['line with a key', lineKey().mdp, 10],
  ] as const)('in the papers’ %s', async (_, mdp, maxReward) => {
    const target = designTarget(mdp);
    const { rewards, informativeness: full } = await designExprd(mdp, { maxReward });
    expect(isInvariant(target, rewards)).toBe(true);
    // Shaping by V* fits into the bounds, so the program finds nothing lacking either.
    expect(full).toBeCloseTo(0, 5);
    expect(isInvariant(target, mdp.rewards)).toBe(true);
  });
});

describe('a budget', () => {
  it('is kept, and more of it tells more', async () => {
    const { mdp } = lineKey();
    const chosen: number[] = [];
    const three = await designExprd(mdp, { budget: 3, onState: (state) => chosen.push(state) });
    expect(three.chosen).toEqual(chosen);
    const paid = new Set(
      [...three.rewards.keys()].filter((at) => three.rewards[at] !== 0).map((at) => Math.floor(at / 3)),
    );
    expect([...paid].every((state) => [19, ...chosen].includes(state))).toBe(true);
    const one = await designExprd(mdp, { budget: 1 });
    expect(one.chosen).toEqual(chosen.slice(0, 1));
    expect(three.informativeness).toBeGreaterThan(one.informativeness);
    const again = await designOnStates(mdp, [19, ...chosen]);
    expect(again.informativeness).toBeCloseTo(three.informativeness, 6);
    // Scores before all else: the states far from the goal.
    const stateScores = Float64Array.from({ length: mdp.stateCount }, (_, state) => (state === 7 ? 1 : 0));
    const scored = await designExprd(mdp, { budget: 1, stateScores, stateScoreWeight: Number.POSITIVE_INFINITY });
    expect(scored.chosen).toEqual([7]);
  });

  it('lets tied states keep what any of them was given', async () => {
    const { mdp } = lineKey();
    const tiedTo = Int32Array.from({ length: mdp.stateCount }, (_, state) => Math.floor(state / 2));
    const { chosen, rewards, informativeness: told } = await designExprd(mdp, { tiedTo, budget: 2 });
    // 19 is where the true reward is paid, tied to 18.
    const { informativeness: best } = await designOnStates(mdp, [19, ...chosen], { tiedTo });
    expect(told).toBeCloseTo(best, 6);
    expect(rewards.subarray(19 * mdp.actionCount, 20 * mdp.actionCount).some((reward) => reward !== 0)).toBe(true);
  });

  it.each([0, -1, 1.5, 1000])('of %s is refused', async (budget) => {
    await expect(designExprd(lineKey().mdp, { budget })).rejects.toThrow(
      `budget is ${budget}; expected an integer from 1 to 21`,
    );
  });
});

describe('what is refused', () => {
  const { mdp } = lineKey();

  it('a program that no rewards satisfy, by what was asked for', async () => {
    await expect(designOnStates(mdp, [])).rejects.toThrow(InfeasibleProgramError);
    await expect(designOnStates(mdp, [])).rejects.toThrow(
      'the rewards on states (none): no rewards satisfy every constraint',
    );
    await expect(designExprd(mdp, { maxReward: 0.1 })).rejects.toThrow(InfeasibleProgramError);
    await expect(invariantRewards(mdp, { maxReward: 0.1 })).rejects.toThrow('no rewards satisfy every constraint');
  });

  it('unknown states, horizons and bounds, by name', async () => {
    await expect(designOnStates(mdp, [21])).rejects.toThrow('states: state is 21; expected an integer from 0 to 20');
    await expect(designExprd(mdp, { horizons: [] })).rejects.toThrow('horizons are empty');
    await expect(designExprd(mdp, { horizons: [1, -2] })).rejects.toThrow('horizons[1] is -2; expected an integer');
    await expect(designExprd(mdp, { maxReward: Number.NaN })).rejects.toThrow('maxReward is NaN');
    expect(() => createMdp({ discount: 1, rewards: [[0]], transitions: [[0]] })).toThrow(
      'discount is 1; expected a number below 1',
    );
    expect(() => createMdp({ discount: 0.9, rewards: [[0, 0]], transitions: [[0, 3]] })).toThrow(
      'transitions of state 0, action 1: state is 3; expected an integer from 0 to 0',
    );
    expect(() => createMdp({ discount: 0.9, rewards: [[0]], transitions: [[[[0, 0.5]]]] })).toThrow(
      'the probabilities sum to 0.5; expected 1',
    );
  });

  it('rewards that are no numbers, by state and action', () => {
    const table = mdp.rewards.slice();
    table[7] = Number.NaN;
    expect(() => withRewards(mdp, table)).toThrow(NonFiniteError);
    expect(() => withRewards(mdp, table)).toThrow('rewards of state 2, action 1 are NaN; expected a finite number');
    expect(() => invarianceViolation(designTarget(mdp), table)).toThrow('rewards of state 2, action 1 are NaN');
  });

  it('rewards that make a bad action the best, by state and action', () => {
    const target = designTarget(mdp);
    const table = mdp.rewards.slice();
    table[6 * 3 + 2] = 5;
    expect(isInvariant(target, table)).toBe(false);
    expect(() => requireInvariant(target, table)).toThrow(
      /the rewards make action \d optimal in state \d+, where the true reward has \d/,
    );
    expect(() => requireInvariant(target, mdp.rewards)).not.toThrow();
  });

  it('learners whose policy is none', () => {
    const { solution } = designTarget(mdp);
    const half = new Float64Array(mdp.stateCount * mdp.actionCount).fill(0.5);
    expect(() => adaptiveInformativeness(mdp, solution, half, mdp.rewards)).toThrow(
      'learnerPolicy of state 0 is 0.5, 0.5, 0.5; expected probabilities that sum to 1',
    );
  });
});
