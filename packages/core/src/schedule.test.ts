// Schedules: end points, slopes, and Dopamine's epsilon on its vectors.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { constantSchedule, linearlyDecayingEpsilon, linearSchedule } from './schedule.ts';

describe('schedules', () => {
  it('constant stays, linear goes from end to end and stays there', () => {
    expect(constantSchedule(0.3)(1e9)).toBe(0.3);
    const schedule = linearSchedule({ from: 1, to: 0, duration: 10, start: 5 });
    expect([0, 5, 10, 15, 99].map(schedule)).toEqual([1, 1, 0.5, 0, 0]);
    expect(() => linearSchedule({ from: 1, to: 0, duration: 0 })).toThrow('duration');
    expect(() => linearSchedule({ from: Number.NaN, to: 0, duration: 1 })).toThrow('from');
    expect(() => linearSchedule({ from: 1, to: 0, duration: 1, start: Number.NaN })).toThrow('linearSchedule.start');
    expect(() => constantSchedule(Number.NaN)).toThrow('constantSchedule is NaN');
  });

  it('linearlyDecayingEpsilon equals Dopamine’s', () => {
    const golden = new URL('../../../testdata/golden/losses/epsilon_schedules.json', import.meta.url);
    const { outputs } = JSON.parse(readFileSync(golden, 'utf8'));
    expect(outputs.rows.length).toBeGreaterThan(30);
    for (const [decayPeriod, step, warmup, epsilon, expected] of outputs.rows) {
      expect(Math.abs(linearlyDecayingEpsilon(decayPeriod, step, warmup, epsilon) - expected)).toBeLessThan(5e-7);
    }
  });
});
