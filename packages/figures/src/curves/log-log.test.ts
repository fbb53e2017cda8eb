// Log-log plots: where points stand, and that odd numbers do not break the picture.
import { expect, test } from 'vitest';
import { logLogSvg } from './log-log.ts';

const point = (x: number, y: number) => ({ x, y, low: y * 0.8, high: y * 1.2 });
const config = { title: 'n < 5 & "more"', xLabel: 'n', yLabel: 'error' };

function circles(svg: string): { x: number; y: number }[] {
  return [...svg.matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)"/g)].map(([, x, y]) => ({ x: Number(x), y: Number(y) }));
}

test('equal factors are equal distances, and a power law is a straight line along its slope', () => {
  const svg = logLogSvg(
    [{ label: 'a', points: [point(100, 1), point(1000, 0.1), point(10000, 0.01)], slope: -1 }],
    config,
  );
  const [first, second, third] = circles(svg);
  expect(second!.x - first!.x).toBeCloseTo(third!.x - second!.x, 0);
  expect(second!.y - first!.y).toBeCloseTo(third!.y - second!.y, 0);
  const line = /x1="([\d.]+)" y1="([\d.]+)" x2="([\d.]+)" y2="([\d.]+)"[^>]*dasharray/.exec(svg)!.slice(1).map(Number);
  expect(line[1]).toBeCloseTo(first!.y, 0);
  expect(line[3]).toBeCloseTo(third!.y, 0);
  expect(svg).toContain('n &lt; 5 &amp; &quot;more&quot;');
});

test('points that have no logarithm are left out; nothing at all still makes a picture', () => {
  const svg = logLogSvg(
    [{ label: 'a', points: [point(1, 0), point(2, 3), { x: 4, y: 1, low: 0, high: 2 }], slope: null }],
    config,
  );
  expect(circles(svg)).toHaveLength(2);
  const endless = { x: 3, y: Number.POSITIVE_INFINITY, low: 1, high: 2 };
  const odd = { label: 'a', points: [{ ...point(1, 2), low: Number.NaN }, endless, point(2, 3)], slope: Number.NaN };
  expect(circles(logLogSvg([odd], config))).toHaveLength(2);
  expect(logLogSvg([odd], config)).not.toMatch(/NaN|Infinity/);
  expect(svg).not.toMatch(/NaN|Infinity/);
  expect(logLogSvg([], config)).not.toMatch(/NaN|Infinity/);
});
