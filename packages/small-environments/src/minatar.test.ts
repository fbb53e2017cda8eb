// MinAtar's games against statistics of the original, measured from outside: returns, lengths, and how full each plane is under two random policies.
import { readFileSync } from 'node:fs';
import { createRng } from '@moe-rl/core';
import { describe, expect, it } from 'vitest';
import { createSmallEnvironment } from './index.ts';

type Estimate = [mean: number, standardError: number];
interface Row {
  game: string;
  policy: 'random' | 'biased';
  often: number;
  sometimes: number;
  episodes: number;
  return: Estimate;
  length: Estimate;
  planes: Estimate[];
}
const { rows } = JSON.parse(
  readFileSync(new URL('../../../testdata/small-environments/minatar.json', import.meta.url), 'utf8'),
) as { rows: Row[] };

describe.each(rows)('minatar/$game, $policy policy', (row) => {
  it('gives the original’s returns, lengths and planes, within chance', () => {
    const environment = createSmallEnvironment(`minatar/${row.game}`, { seed: 12 });
    const planeCount = environment.observationSpec.frameShape[0]!;
    const rng = createRng(21, 'policy');
    const choose = () => {
      const share = rng.nextFloat();
      if (row.policy === 'biased' && share < 0.5) return row.often;
      if (row.policy === 'biased' && share < 0.7) return row.sometimes;
      return rng.nextInteger(6);
    };
    const returns: number[] = [];
    const lengths: number[] = [];
    const planes = Array.from({ length: planeCount }, (): number[] => []);
    for (let episode = 0; episode < Math.min(row.episodes / 2, 300); episode++) {
      environment.reset();
      let episodeReturn = 0;
      let length = 0;
      const lit = new Array<number>(planeCount).fill(0);
      for (let ended = false; !ended; ) {
        const step = environment.step(choose());
        ended = step.terminated;
        episodeReturn += step.reward;
        length++;
        for (let cell = 0; cell < step.observation.length; cell++) {
          if (step.observation[cell] !== 0) lit[Math.floor(cell / 100)]!++;
        }
      }
      returns.push(episodeReturn);
      lengths.push(length);
      lit.forEach((cells, plane) => {
        planes[plane]!.push(cells / length);
      });
    }
    const compare = (name: string, ours: number[], [mean, standardError]: Estimate) => {
      const ourMean = ours.reduce((sum, value) => sum + value, 0) / ours.length;
      const variance = ours.reduce((sum, value) => sum + (value - ourMean) ** 2, 0) / ours.length;
      const spread = Math.hypot(Math.sqrt(variance / ours.length), standardError, 1e-3);
      expect(Math.abs(ourMean - mean) / spread, `${name}: ours ${ourMean}, original ${mean}`).toBeLessThan(4);
    };
    compare('return', returns, row.return);
    compare('length', lengths, row.length);
    row.planes.forEach((expected, plane) => {
      compare(`plane ${plane}`, planes[plane]!, expected);
    });
  });
});
