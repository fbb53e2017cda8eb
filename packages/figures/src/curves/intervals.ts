// Estimates with intervals, one below the other, over a logarithmic axis: which of many is smaller, and how surely.
import { InvalidArgumentError } from '@moe-rl/core';
import { escapeXml } from './escape.ts';
import { at, svgText } from './figure.ts';
import { linearScale } from './scale.ts';

export interface IntervalRow {
  readonly label: string;
  /** Above 0, as the ends of its interval. */
  readonly estimate: number;
  readonly low: number;
  readonly high: number;
  /** Beside the interval: what should be known of it. */
  readonly note?: string;
}

export interface IntervalGroup {
  readonly title: string;
  readonly rows: readonly IntervalRow[];
}

export interface IntervalsConfig {
  readonly title: string;
  readonly xLabel: string;
}

const WIDTH = 900;
const MARGIN = { left: 150, right: 130, top: 48, bottom: 56 };
const ROW = 24;
const COLORS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7'];

/**
 * Draws the groups as SVG.
 * @throws InvalidArgumentError for a number that has no place on a logarithmic axis, naming its group and row
 */
export function intervalsSvg(groups: readonly IntervalGroup[], { title, xLabel }: IntervalsConfig): string {
  for (const group of groups) {
    for (const { label, estimate, low, high } of group.rows) {
      for (const [name, value] of Object.entries({ estimate, low, high })) {
        if (!(value > 0 && value < Number.POSITIVE_INFINITY))
          throw new InvalidArgumentError(`${group.title}, ${label}: ${name} is ${value}; expected a number above 0`);
      }
    }
  }
  const rows = groups.flatMap((group) => group.rows);
  const logs = rows.flatMap(({ low, high, estimate }) => [low, high, estimate].map((value) => Math.log10(value)));
  const low = Math.floor(Math.min(0, ...logs));
  const high = Math.max(low + 1, ...logs);
  const right = WIDTH - MARGIN.right;
  const x = linearScale(low, high, MARGIN.left, right);
  const bottom = MARGIN.top + ROW * (rows.length + groups.length);
  const height = bottom + MARGIN.bottom;
  const marks: string[] = [];
  for (let power = low; power <= high; power++) {
    for (const factor of [1, 2, 5]) {
      const value = factor * 10 ** power;
      if (Math.log10(value) > high + 1e-9) continue;
      const place = at(x(Math.log10(value)));
      marks.push(
        `<line x1="${place}" x2="${place}" y1="${MARGIN.top}" y2="${bottom}" stroke="${factor === 1 ? '#d3d8de' : '#eef0f3'}"/>`,
        svgText(x(Math.log10(value)), bottom + 18, String(value), 'middle'),
      );
    }
  }
  let y = MARGIN.top;
  for (const [index, group] of groups.entries()) {
    const color = COLORS[index % COLORS.length]!;
    marks.push(`<text x="12" y="${at(y + 17)}" fill="${color}" font-weight="bold">${escapeXml(group.title)}</text>`);
    y += ROW;
    for (const row of group.rows) {
      const middle = y + ROW / 2;
      const [from, to] = [at(x(Math.log10(row.low))), at(x(Math.log10(row.high)))];
      marks.push(
        svgText(MARGIN.left - 10, middle + 5, row.label, 'end'),
        `<line x1="${from}" x2="${to}" y1="${at(middle)}" y2="${at(middle)}" stroke="${color}" stroke-width="3"/>`,
        `<circle cx="${at(x(Math.log10(row.estimate)))}" cy="${at(middle)}" r="5" fill="${color}"/>`,
        ...(row.note === undefined ? [] : [svgText(right + 10, middle + 5, row.note, 'start')]),
      );
      y += ROW;
    }
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="DejaVu Sans, Verdana, sans-serif" font-size="13">`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    `<text x="12" y="28" font-size="17" fill="#20262d">${escapeXml(title)}</text>`,
    ...marks,
    svgText((MARGIN.left + right) / 2, height - 12, xLabel, 'middle'),
    '</svg>',
    '',
  ].join('\n');
}
