import { InvalidArgumentError, NonFiniteError } from '@moe-rl/core';
import { describe, expect, it, vi } from 'vitest';
import { comparisonSvg } from './comparison.ts';
import { evaluationPoints, lastAgentSteps, meanCurve, trainingPoints, windowedMeans } from './curve-points.ts';
import { createFigure } from './figure.ts';
import { heatMapSvg } from './heat-map.ts';
import { intervalsSvg } from './intervals.ts';
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

  it('follows the training episodes around a point, without the lag of a mean of the last ones', () => {
    // Returns rise with the agent steps: so does the mean around each point, at the ends too.
    const means = windowedMeans(trainingPoints(rows), 100);
    expect(means).toHaveLength(300);
    expect(means[150]).toEqual({ agentSteps: 1500, value: expect.closeTo(15, 9) });
    expect(means.at(-1)!.value).toBeCloseTo((29.4 + 29.9) / 2, 9);
    // The window is one in agent steps: a long episode stands for itself.
    const lonely = [...trainingPoints(rows), { agentSteps: 9000, value: 77 }];
    expect(windowedMeans(lonely, 100).at(-1)!.value).toBeCloseTo(77, 9);
    expect(learningCurveSvg({ title: 't', rows })).toContain('line: mean over 150 agent steps');
  });

  it('is as wide as the run is long, though a row at the end tells of an earlier step', () => {
    const late = [...rows, { agentSteps: 500, values: { 'router/saturation': 1 } }];
    expect(learningCurveSvg({ title: 't', rows: late })).toBe(learningCurveSvg({ title: 't', rows }));
    expect([lastAgentSteps(late), lastAgentSteps([])]).toEqual([2990, 0]);
  });

  it('goes through the evaluations of a run that has some', () => {
    const evaluated = [
      ...rows,
      { agentSteps: 1000, values: { 'evaluation/return': 5, 'evaluation/standardError': 1, 'evaluation/episodes': 3 } },
      { agentSteps: 2990, values: { 'evaluation/return': 39, 'evaluation/standardError': Number.NaN } },
    ];
    const svg = learningCurveSvg({ title: 't', rows: evaluated });
    expect(svg).toContain('line: evaluations');
    const line = /points="([^"]*)"[^>]*stroke-width="2.5"/.exec(svg)![1]!.split(' ');
    expect(line).toHaveLength(2);
    // Two dots more than there are training episodes; one of the two has an error bar.
    expect(svg.match(/<circle/g)).toHaveLength(302);
    expect(svg.match(/stroke="#1d8a4a" stroke-width="1.5"/g)).toHaveLength(1);
    expect(evaluationPoints(evaluated)[1]).toEqual({ agentSteps: 2990, value: 39 });
  });

  it('says so when there is nothing to draw', () => {
    expect(learningCurveSvg({ title: 'empty', rows: [] })).toContain('no episode has ended yet');
  });
});

describe('the frame of a figure', () => {
  it('has ticks also when values differ by rounding only', () => {
    const rounding = createFigure({ title: '', xLabel: '', yLabel: '', xMaximum: 1, yValues: [2, 2 + 4e-16] });
    expect(rounding.toSvg([])).toContain('>2</text>');
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

describe('what has no place in a picture', () => {
  const frame = { title: '', xLabel: '', yLabel: '', xMaximum: 1, yValues: [1] };
  const interval = { label: 'r', estimate: 10, low: 1, high: 100 };

  it('is left out of curves, and refused by name elsewhere', () => {
    const returns = [1, Number.NaN, Number.POSITIVE_INFINITY, 2];
    const rows = returns.map((value, index) => ({ agentSteps: index, values: { 'episode/return': value } }));
    expect(learningCurveSvg({ title: '', rows })).not.toMatch(/NaN|Infinity/);
    expect(trainingPoints(rows)).toHaveLength(2);
    const references = [{ label: 'human', value: Number.NaN, color: '#888' }];
    expect(() => learningCurveSvg({ title: '', rows, references })).toThrow('reference human is NaN');
    expect(() => createFigure({ ...frame, yValues: [0, Number.NaN] })).toThrow(NonFiniteError);
    expect(() => createFigure({ ...frame, xMaximum: Number.NaN })).toThrow('xMaximum is NaN');
    expect(() => heatMapSvg([{ title: 'up', values: [[1, Number.NaN]] }], { title: '' })).toThrow(
      'panel up, row 0, column 1 is NaN',
    );
    // A low end of 0 drew ticks without end.
    for (const wrong of [{ low: 0 }, { estimate: -1 }, { high: Number.POSITIVE_INFINITY }]) {
      const groups = [{ title: 'g', rows: [{ ...interval, ...wrong }] }];
      expect(() => intervalsSvg(groups, { title: '', xLabel: '' })).toThrow(InvalidArgumentError);
      expect(() => intervalsSvg(groups, { title: '', xLabel: '' })).toThrow(/^g, r: /);
    }
  });

  it('is told of by svgToPng, which goes on working; letters that XML has not are replaced', async () => {
    await expect(svgToPng('hello')).rejects.toThrow(InvalidArgumentError);
    await expect(svgToPng('hello')).rejects.toThrow("the SVG can't be drawn at scale 2");
    await expect(svgToPng(createFigure(frame).toSvg([]), 0)).rejects.toThrow('scale is 0');
    expect((await svgToPng(createFigure({ ...frame, title: 'a\u001bb' }).toSvg([]), 0.1)).length).toBeGreaterThan(100);
  });

  it('is drawn by a second copy of the package too: there is one renderer for all', async () => {
    const svg = createFigure(frame).toSvg([]);
    const png = await svgToPng(svg, 1);
    vi.resetModules();
    const copy = await import('./png.ts');
    expect(copy.svgToPng).not.toBe(svgToPng);
    expect(await copy.svgToPng(svg, 1)).toEqual(png);
  });

  it('a curve with two values at one step has their mean there, and counts once', () => {
    const twice = [
      { agentSteps: 1, value: 1 },
      { agentSteps: 1, value: 3 },
    ];
    expect(meanCurve([twice])).toEqual([{ agentSteps: 1, value: 2 }]);
    expect(meanCurve([twice, []])).toEqual([]);
  });
});

describe('heat maps and intervals', () => {
  it('colors values by sign and size, and leaves cells without a value out', () => {
    const svg = heatMapSvg(
      [
        {
          title: 'left <',
          values: [
            [-2, 0, undefined],
            [1, 2, 0],
          ],
        },
      ],
      { title: 'a & b', rowNames: ['x', 'y'] },
    );
    const cells = [...svg.matchAll(/<rect [^>]*fill="([^"]*)" stroke[^>]*><title>([^<]*)/g)].map(([, color, value]) => [
      value,
      color,
    ]);
    expect(cells).toEqual([
      ['-2', 'rgb(33,102,172)'],
      ['0', 'rgb(255,255,255)'],
      ['1', 'rgb(217,140,149)'],
      ['2', 'rgb(178,24,43)'],
      ['0', 'rgb(255,255,255)'],
    ]);
    expect(svg).toContain('left &lt;');
    expect(svg).toContain('a &amp; b');
  });

  it('draws an interval from its low to its high end on a logarithmic axis', () => {
    const svg = intervalsSvg(
      [{ title: 'g', rows: [{ label: 'r', estimate: 10, low: 1, high: 100, note: '3 of 4' }] }],
      { title: 't', xLabel: 'x' },
    );
    const [, from, to] = /<line x1="([\d.]+)" x2="([\d.]+)"[^>]*stroke-width="3"/.exec(svg)!;
    const [, middle] = /<circle cx="([\d.]+)"/.exec(svg)!;
    expect([Number(from), Number(middle), Number(to)]).toEqual([150, 460, 770]);
    expect(svg).toContain('3 of 4');
  });
});
