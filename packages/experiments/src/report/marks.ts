// What our figures are drawn with, beside the frame of @moe-rl/figures: colors that stay apart, bands, legends, bars and intervals, and the CSV of each.
import type { Interval } from '@moe-rl/evaluation';
import { at, createFigure, type Figure, svgLine, svgText } from '@moe-rl/figures';

/** A figure of the report. */
export interface ReportFigure {
  /** File name without its ending. */
  readonly name: string;
  readonly title: string;
  /** What is to be seen, below the picture. */
  readonly caption: string;
  readonly svg: string;
  readonly csv: string;
}

/** Okabe and Ito's colors, which stay apart for the color-blind; then darker ones. */
const COLORS = [
  '#0072b2',
  '#d55e00',
  '#009e73',
  '#cc79a7',
  '#e69f00',
  '#56b4e9',
  '#000000',
  '#7f4f24',
  '#5e548e',
  '#386641',
  '#9d0208',
  '#6c757d',
];

export function colorOf(index: number): string {
  return COLORS[index % COLORS.length]!;
}

/** A line with what is around it. */
export interface BandedLine {
  readonly label: string;
  readonly color: string;
  readonly points: readonly { readonly x: number; readonly y: number; readonly low?: number; readonly high?: number }[];
  /** Somebody else's: dashed. */
  readonly isReference?: boolean;
}

export interface LinesConfig {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly lines: readonly BandedLine[];
  readonly width?: number;
  readonly height?: number;
}

/** Lines with bands and a legend. */
export function linesSvg({ title, xLabel, yLabel, lines, width = 900, height = 520 }: LinesConfig): string {
  const points = lines.flatMap((line) => line.points);
  const figure = createFigure({
    title,
    xLabel,
    yLabel,
    xMaximum: points.reduce((most, { x }) => Math.max(most, x), 0) || 1,
    yValues: points.flatMap(({ y, low, high }) => [y, low ?? y, high ?? y]),
    width,
    height,
  });
  const marks: string[] = [];
  for (const { points: band, color } of lines) {
    if (band.length > 1 && band.every(({ low, high }) => low !== undefined && high !== undefined)) {
      const upper = band.map(({ x, high }) => `${at(figure.x(x))},${at(figure.y(high!))}`);
      const lower = band.map(({ x, low }) => `${at(figure.x(x))},${at(figure.y(low!))}`).reverse();
      marks.push(`<polygon points="${[...upper, ...lower].join(' ')}" fill="${color}" fill-opacity="0.15"/>`);
    }
  }
  for (const { points: line, color, isReference } of lines) {
    if (line.length > 1) {
      const mark = svgLine(figure, line, color, isReference === true ? 1.5 : 2.5);
      marks.push(isReference === true ? mark.replace('/>', ' stroke-dasharray="6 4"/>') : mark);
    } else {
      for (const { x, y } of line)
        marks.push(`<circle cx="${at(figure.x(x))}" cy="${at(figure.y(y))}" r="4" fill="${color}"/>`);
    }
  }
  marks.push(...legend(figure, lines));
  return figure.toSvg(marks);
}

function legend(figure: Figure, lines: readonly BandedLine[]): string[] {
  const boxWidth = 22 + Math.max(0, ...lines.map(({ label }) => label.length)) * 7.6;
  const box = `<rect x="${figure.left + 6}" y="${figure.top + 2}" width="${at(boxWidth)}" height="${lines.length * 17 + 8}" fill="#ffffff" fill-opacity="0.8"/>`;
  return [
    box,
    ...lines.map(({ label, color }, index) =>
      svgText(figure.left + 14, figure.top + 17 * (index + 1), label, 'start', color),
    ),
  ];
}

/** CSV of lines: one row per point. */
export function linesCsv(lines: readonly BandedLine[], xName: string, yName: string): string {
  return csv(
    ['line', xName, yName, 'low', 'high'],
    lines.flatMap(({ label, points }) => points.map(({ x, y, low, high }) => [label, x, y, low, high])),
  );
}

/** A row with a point and the interval around it. */
export interface IntervalRow {
  readonly label: string;
  readonly color: string;
  readonly interval: Interval;
}

/** Intervals one below the other, with a line where nothing differs. */
export function intervalsSvg(title: string, xLabel: string, rows: readonly IntervalRow[], neutral?: number): string {
  const values = rows.flatMap(({ interval: { estimate, low, high } }) => [estimate, low, high]);
  if (neutral !== undefined) values.push(neutral);
  return horizontal(
    title,
    xLabel,
    rows.map(({ label }) => label),
    values,
    neutral,
    (x, y, index) => {
      const { color, interval } = rows[index]!;
      const [low, high] = [x(interval.low), x(interval.high)];
      const bar = `<rect x="${at(low)}" y="${at(y - 8)}" width="${at(Math.max(1, high - low))}" height="16" fill="${color}" fill-opacity="0.35"/>`;
      return [
        // No interval, as with a single seed: a bar of no width would claim certainty.
        ...(interval.high > interval.low ? [bar] : []),
        `<line x1="${at(x(interval.estimate))}" x2="${at(x(interval.estimate))}" y1="${at(y - 8)}" y2="${at(y + 8)}" stroke="${color}" stroke-width="3"/>`,
      ];
    },
  );
}

/** Bars one below the other, from 0. */
export function barsSvg(
  title: string,
  xLabel: string,
  rows: readonly {
    readonly label: string;
    readonly parts: readonly { readonly value: number; readonly color: string }[];
  }[],
  legendOf: readonly { readonly label: string; readonly color: string }[] = [],
): string {
  const totals = rows.map(({ parts }) => parts.reduce((sum, { value }) => sum + value, 0));
  const svg = horizontal(
    title,
    xLabel,
    rows.map(({ label }) => label),
    [0, ...totals],
    0,
    (x, y, index) => {
      let from = 0;
      return rows[index]!.parts.map(({ value, color }) => {
        const [left, right] = [x(Math.min(from, from + value)), x(Math.max(from, from + value))];
        from += value;
        return `<rect x="${at(left)}" y="${at(y - 8)}" width="${at(Math.max(0.5, right - left))}" height="16" fill="${color}"/>`;
      });
    },
  );
  if (legendOf.length === 0) return svg;
  const texts = legendOf.map(({ label, color }, index) => svgText(880, 60 + 17 * index, label, 'end', color));
  return svg.replace('</svg>', `${texts.join('\n')}\n</svg>`);
}

function horizontal(
  title: string,
  xLabel: string,
  labels: readonly string[],
  values: readonly number[],
  neutral: number | undefined,
  draw: (x: (value: number) => number, y: number, index: number) => readonly string[],
): string {
  const left = 40 + Math.max(40, ...labels.map((label) => label.length * 7.6));
  const width = 900;
  const height = 110 + labels.length * 26;
  let low = Math.min(...values);
  let high = Math.max(...values);
  const padding = (high - low || 1) * 0.05;
  low -= padding;
  high += padding;
  const x = (value: number): number => left + ((value - low) / (high - low)) * (width - left - 30);
  const bottom = height - 56;
  const marks: string[] = [];
  const step = niceStep((high - low) / 8);
  for (let tick = Math.ceil(low / step) * step; tick <= high; tick += step) {
    marks.push(
      `<line x1="${at(x(tick))}" x2="${at(x(tick))}" y1="48" y2="${bottom}" stroke="#e3e6ea"/>`,
      svgText(x(tick), bottom + 20, shortNumber(tick), 'middle'),
    );
  }
  if (neutral !== undefined)
    marks.push(
      `<line x1="${at(x(neutral))}" x2="${at(x(neutral))}" y1="48" y2="${bottom}" stroke="#4a525c" stroke-width="1.5"/>`,
    );
  labels.forEach((label, index) => {
    const y = 64 + index * 26;
    marks.push(svgText(left - 10, y + 5, label, 'end'), ...draw(x, y, index));
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="DejaVu Sans, Verdana, sans-serif" font-size="13">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    svgText(24, 28, title, 'start', '#20262d').replace('<text', '<text font-size="17"'),
    ...marks,
    svgText(width / 2, height - 12, xLabel, 'middle'),
    '</svg>',
    '',
  ].join('\n');
}

function niceStep(rough: number): number {
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].find((factor) => factor * magnitude >= rough)! * magnitude;
}

function shortNumber(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e6) return `${Number((value / 1e6).toPrecision(3))}M`;
  if (size >= 1e4) return `${Number((value / 1e3).toPrecision(3))}k`;
  return String(Number(value.toPrecision(3)));
}

/** Rows as CSV; cells with commas, quotes or line ends are quoted. */
export function csv(head: readonly string[], rows: readonly (readonly (string | number | undefined)[])[]): string {
  const cell = (value: string | number | undefined): string => {
    const text = value === undefined ? '' : String(value);
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return `${[head, ...rows].map((row) => row.map(cell).join(',')).join('\n')}\n`;
}
