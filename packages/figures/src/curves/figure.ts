// The frame that all our plots share: axes, ticks, grid, title, as SVG.
import { NonFiniteError, requireFinite } from '@moe-rl/core';
import { escapeXml } from './escape.ts';
import { linearScale, tickLabel, ticks } from './scale.ts';

const MARGIN = { left: 72, right: 24, top: 48, bottom: 56 };

export interface FigureConfig {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly xMaximum: number;
  /** Values that must fit on the y axis. */
  readonly yValues: readonly number[];
  readonly width?: number;
  readonly height?: number;
}

export interface Figure {
  /** Data coordinates to picture coordinates. */
  readonly x: (value: number) => number;
  readonly y: (value: number) => number;
  /** Edges of the plotting area. */
  readonly left: number;
  readonly right: number;
  readonly top: number;
  /** Puts marks into the frame. */
  toSvg(marks: readonly string[]): string;
}

/**
 * Makes a frame whose axes start at 0 (x) and cover `yValues`.
 * @throws InvalidArgumentError for an end of the x axis that is no number of at least 0; NonFiniteError for a value that has no place on the y axis
 */
export function createFigure(config: FigureConfig): Figure {
  const { title, xLabel, yLabel, xMaximum, yValues, width = 900, height = 520 } = config;
  requireFinite('xMaximum', xMaximum, 0);
  const bad = yValues.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw new NonFiniteError(`yValues[${bad}] is ${yValues[bad]}; expected a finite number`);
  let low = yValues.length === 0 ? 0 : Number.POSITIVE_INFINITY;
  let high = yValues.length === 0 ? 1 : Number.NEGATIVE_INFINITY;
  for (const value of yValues) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  // Values that differ by rounding only are one value: a scale between them would have no ticks.
  const isFlat = high - low <= 1e-9 * Math.max(Math.abs(low), Math.abs(high));
  const padding = isFlat ? 1 : (high - low) * 0.06;
  low -= padding;
  high += padding;
  const right = width - MARGIN.right;
  const bottom = height - MARGIN.bottom;
  const x = linearScale(0, xMaximum, MARGIN.left, right);
  const y = linearScale(low, high, bottom, MARGIN.top);
  const frame: string[] = [];
  for (const tick of ticks(low, high)) {
    frame.push(
      `<line x1="${MARGIN.left}" x2="${right}" y1="${at(y(tick))}" y2="${at(y(tick))}" stroke="#e3e6ea"/>`,
      svgText(MARGIN.left - 10, y(tick) + 5, tickLabel(tick), 'end'),
    );
  }
  for (const tick of ticks(0, xMaximum, 8)) {
    frame.push(
      `<line x1="${at(x(tick))}" x2="${at(x(tick))}" y1="${bottom}" y2="${bottom + 6}" stroke="#8a929c"/>`,
      svgText(x(tick), bottom + 22, tickLabel(tick), 'middle'),
    );
  }
  frame.push(`<line x1="${MARGIN.left}" x2="${right}" y1="${bottom}" y2="${bottom}" stroke="#8a929c"/>`);
  return {
    x,
    y,
    left: MARGIN.left,
    right,
    top: MARGIN.top,
    toSvg: (marks) =>
      [
        `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="DejaVu Sans, Verdana, sans-serif" font-size="13">`,
        `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
        `<text x="${MARGIN.left}" y="28" font-size="17" fill="#20262d">${escapeXml(title)}</text>`,
        ...frame,
        ...marks,
        svgText(width / 2, height - 12, xLabel, 'middle'),
        `<text transform="translate(20 ${height / 2}) rotate(-90)" text-anchor="middle" fill="#4a525c">${escapeXml(yLabel)}</text>`,
        '</svg>',
        '',
      ].join('\n'),
  };
}

export function svgText(
  x: number,
  y: number,
  content: string,
  anchor: 'start' | 'middle' | 'end',
  color = '#4a525c',
): string {
  return `<text x="${at(x)}" y="${at(y)}" text-anchor="${anchor}" fill="${color}">${escapeXml(content)}</text>`;
}

/** A line through points given in data coordinates. */
export function svgLine(
  figure: Figure,
  points: readonly { readonly x: number; readonly y: number }[],
  color: string,
  width = 2.5,
  opacity = 1,
): string {
  const text = points.map((point) => `${at(figure.x(point.x))},${at(figure.y(point.y))}`).join(' ');
  return `<polyline points="${text}" fill="none" stroke="${color}" stroke-opacity="${opacity}" stroke-width="${width}" stroke-linejoin="round"/>`;
}

/** Picture coordinates need no more than a tenth of a pixel. */
export function at(value: number): string {
  return value.toFixed(1);
}
