import { describe, expect, it } from 'vitest';
import { enlarge, grayToRgb, sideBySide } from '../video/compose.ts';
import { encodeGif } from '../video/gif.ts';
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

describe('video', () => {
  it('keeps colors exact and the length right', () => {
    const frames = Array.from({ length: 3 }, (_, index) => ({
      width: 2,
      height: 1,
      rgb: Uint8Array.of(index * 80, 1, 2, 200, 100, 50),
    }));
    const gif = Buffer.from(encodeGif(frames, 15));
    expect(gif.toString('latin1', 0, 6)).toBe('GIF89a');
    expect([gif.readUInt16LE(6), gif.readUInt16LE(8)]).toEqual([2, 1]);
    expect(gif.includes(Buffer.of(160, 1, 2))).toBe(true);
    // 3 frames at 15 per second: 7 + 6 + 7 hundredths.
    const delays: number[] = [];
    for (let at = gif.indexOf(Buffer.of(0x21, 0xf9)); at >= 0; at = gif.indexOf(Buffer.of(0x21, 0xf9), at + 1))
      delays.push(gif.readUInt16LE(at + 4));
    expect(delays).toEqual([7, 6, 7]);
  });

  it('quantizes a video of more than 256 colors', () => {
    const rgb = Uint8Array.from({ length: 40 * 40 * 3 }, (_, index) => (index * 7919) % 256);
    expect(Buffer.from(encodeGif([{ width: 40, height: 40, rgb }], 10)).toString('latin1', 0, 6)).toBe('GIF89a');
  });

  it('enlarges and puts pictures side by side', () => {
    const image = enlarge(grayToRgb(Uint8Array.of(10, 21), 2, 1), 2, 1);
    expect([...image.rgb]).toEqual([10, 10, 10, 10, 10, 10, 20, 20, 20, 20, 20, 20]);
    const both = sideBySide(image, grayToRgb(Uint8Array.of(30, 40), 1, 2), 1);
    expect([both.width, both.height]).toEqual([6, 2]);
    expect(both.rgb[15]).toBe(30);
    expect(both.rgb[6 * 3 + 15]).toBe(40);
  });
});
