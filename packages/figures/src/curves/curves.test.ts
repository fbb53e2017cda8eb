import { describe, expect, it } from 'vitest';
import { comparisonSvg } from './comparison.ts';
import { learningCurveSvg } from './learning-curve.ts';
import { svgToPng } from './png.ts';
import { tickLabel, ticks } from './scale.ts';

describe('ticks', () => {
  it('are round numbers that cover the range', () => {
    expect(ticks(0, 20_000, 8)).toEqual([0, 5000, 10_000, 15_000, 20_000]);
    expect(ticks(-21, -18.5)).toEqual([-21, -20.5, -20, -19.5, -19, -18.5]);
    expect(ticks(3, 3)).toEqual([3]);
    expect([5000, 20_000, 2.5e6, 0.25].map(tickLabel)).toEqual(['5000', '20k', '2.5M', '0.25']);
  });
});

describe('learning curve', () => {
  const rows = Array.from({ length: 300 }, (_, index) => ({
    agentSteps: index * 10,
    values: { 'episode/return': index / 10 },
  }));

  it('draws every episode, the mean and the references', async () => {
    const svg = learningCurveSvg({ title: 'a < b', rows, references: [{ label: 'random', value: 2, color: '#888' }] });
    expect(svg.match(/<circle/g)).toHaveLength(300);
    expect(svg).toContain('a &lt; b');
    expect(svg).toContain('random: 2');
    const png = await svgToPng(svg, 1);
    expect([...png.subarray(1, 4)]).toEqual([...'PNG'].map((letter) => letter.charCodeAt(0)));
    // Width and height in the header chunk; letters are drawn, so the picture is not blank.
    expect(new DataView(png.buffer, png.byteOffset).getUint32(16)).toBe(900);
    const withoutText = await svgToPng(svg.replace(/<text.*<\/text>/g, ''), 1);
    expect(png.length).toBeGreaterThan(withoutText.length + 1000);
  });

  it('says so when there is nothing to draw', () => {
    expect(learningCurveSvg({ title: 'empty', rows: [] })).toContain('no episode has ended yet');
  });
});

describe('comparison', () => {
  it('draws runs thin and the mean of a group thick, where all of its runs have a value', () => {
    const curve = (offset: number, length: number) =>
      Array.from({ length }, (_, index) => ({ agentSteps: index * 100, value: index + offset }));
    const svg = comparisonSvg([
      { label: 'two seeds', curves: [curve(0, 5), curve(2, 3)] },
      { label: 'one seed', curves: [curve(1, 4)] },
    ]);
    expect(svg.match(/stroke-width="1"/g)).toHaveLength(2);
    const thick = [...svg.matchAll(/points="([^"]*)"[^>]*stroke-width="2.5"/g)].map(([, points]) => points!.split(' '));
    expect(thick.map((points) => points.length)).toEqual([3, 4]);
    // Both means are 1, 2, 3 at the same steps.
    expect(thick[0]).toEqual(thick[1]!.slice(0, 3));
    expect(svg).toContain('two seeds (2)');
  });
});
