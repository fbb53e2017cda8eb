// Power laws: averages with intervals over sizes, both axes logarithmic, and the line of each measured slope.
import { escapeXml } from './escape.ts';
import { at, svgText } from './figure.ts';
import { linearScale } from './scale.ts';

export interface LogLogPoint {
  readonly x: number;
  readonly y: number;
  /** Ends of the interval of y. */
  readonly low: number;
  readonly high: number;
}

export interface LogLogSeries {
  readonly label: string;
  /** x and y positive and finite. */
  readonly points: readonly LogLogPoint[];
  /** Slope of the dashed line through the series' middle; null for none. */
  readonly slope: number | null;
}

export interface LogLogConfig {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
}

const WIDTH = 900;
const HEIGHT = 520;
const MARGIN = { left: 84, right: 24, top: 48, bottom: 56 };
/** Colors that stay apart for the color-blind (Okabe and Ito). */
const COLORS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000'];

/** Draws the series as SVG; points that have no finite logarithm are left out, and ends of intervals that are no numbers. */
export function logLogSvg(series: readonly LogLogSeries[], { title, xLabel, yLabel }: LogLogConfig): string {
  const shown = series.map((one) => ({ ...one, points: one.points.flatMap(drawable) }));
  const points = shown.flatMap((one) => one.points);
  const right = WIDTH - MARGIN.right;
  const bottom = HEIGHT - MARGIN.bottom;
  const [xLow, xHigh] = logRange(points.map(({ x }) => x));
  // Room for the legend above the data.
  const [yLow, yHigh] = logRange(points.flatMap(({ y, low, high }) => [y, Math.max(low, y / 10), high]));
  const top = MARGIN.top + 18 * shown.length + 8;
  const x = linearScale(xLow, xHigh, MARGIN.left, right);
  const y = linearScale(yLow, yHigh, bottom, top);
  const marks: string[] = [];
  for (const tick of logTicks(yLow, yHigh)) {
    const height = at(y(Math.log10(tick)));
    marks.push(
      `<line x1="${MARGIN.left}" x2="${right}" y1="${height}" y2="${height}" stroke="#e3e6ea"/>`,
      svgText(MARGIN.left - 10, y(Math.log10(tick)) + 5, powerLabel(tick), 'end'),
    );
  }
  for (const tick of logTicks(xLow, xHigh)) {
    const place = at(x(Math.log10(tick)));
    marks.push(
      `<line x1="${place}" x2="${place}" y1="${bottom}" y2="${bottom + 6}" stroke="#8a929c"/>`,
      svgText(x(Math.log10(tick)), bottom + 22, powerLabel(tick), 'middle'),
    );
  }
  marks.push(`<line x1="${MARGIN.left}" x2="${right}" y1="${bottom}" y2="${bottom}" stroke="#8a929c"/>`);
  shown.forEach((one, index) => {
    const color = COLORS[index % COLORS.length]!;
    for (const point of one.points) {
      const place = at(x(Math.log10(point.x)));
      const low = Math.max(10 ** yLow, point.low);
      marks.push(
        `<line x1="${place}" x2="${place}" y1="${at(y(Math.log10(low)))}" y2="${at(y(Math.log10(Math.max(low, point.high))))}" stroke="${color}" stroke-width="1.5"/>`,
        `<circle cx="${place}" cy="${at(y(Math.log10(point.y)))}" r="4" fill="${color}"/>`,
      );
    }
    if (one.slope !== null && Number.isFinite(one.slope) && one.points.length > 1)
      marks.push(slopeLine(one.points, one.slope, color, x, y));
    marks.push(svgText(MARGIN.left + 12, MARGIN.top + 18 * (index + 0.5), one.label, 'start', color));
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" font-family="DejaVu Sans, Verdana, sans-serif" font-size="13">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    `<text x="${MARGIN.left}" y="28" font-size="17" fill="#20262d">${escapeXml(title)}</text>`,
    ...marks,
    svgText(WIDTH / 2, HEIGHT - 12, xLabel, 'middle'),
    `<text transform="translate(20 ${HEIGHT / 2}) rotate(-90)" text-anchor="middle" fill="#4a525c">${escapeXml(yLabel)}</text>`,
    '</svg>',
    '',
  ].join('\n');
}

/** The point, its interval shrunk to it where that has no end; nothing where it has no place. */
function drawable(point: LogLogPoint): LogLogPoint[] {
  const { x, y, low, high } = point;
  const hasPlace = [x, y].every((value) => value > 0 && value < Number.POSITIVE_INFINITY);
  return hasPlace ? [Number.isFinite(low) && Number.isFinite(high) ? point : { ...point, low: y, high: y }] : [];
}

/** The line of a slope through the middle of the points, from the first to the last. */
function slopeLine(
  points: readonly LogLogPoint[],
  slope: number,
  color: string,
  x: (value: number) => number,
  y: (value: number) => number,
): string {
  const logX = points.map((point) => Math.log10(point.x));
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const middleX = mean(logX);
  const middleY = mean(points.map((point) => Math.log10(point.y)));
  const ends = [Math.min(...logX), Math.max(...logX)].map((value) => [value, middleY + slope * (value - middleX)]);
  const [[x1, y1], [x2, y2]] = ends as [[number, number], [number, number]];
  return `<line x1="${at(x(x1))}" y1="${at(y(y1))}" x2="${at(x(x2))}" y2="${at(y(y2))}" stroke="${color}" stroke-width="2" stroke-dasharray="6 4"/>`;
}

/** Decimal logarithms of the ends, with some room. */
function logRange(values: readonly number[]): [number, number] {
  const logs = values.filter((value) => value > 0).map(Math.log10);
  if (logs.length === 0) return [0, 1];
  const low = Math.min(...logs);
  const high = Math.max(...logs);
  const padding = high === low ? 0.5 : (high - low) * 0.06;
  return [low - padding, high + padding];
}

/** Powers of ten; with 2 and 5 times them where there are fewer than three. */
function logTicks(low: number, high: number): number[] {
  const within = (factors: readonly number[]): number[] => {
    const found: number[] = [];
    for (let power = Math.floor(low); power <= Math.ceil(high); power++) {
      for (const factor of factors) {
        const value = factor * 10 ** power;
        if (Math.log10(value) >= low && Math.log10(value) <= high) found.push(value);
      }
    }
    return found;
  };
  const decades = within([1]);
  return decades.length >= 3 ? decades : within([1, 2, 5]);
}

function powerLabel(value: number): string {
  return value >= 0.001 && value < 1e6
    ? Number(value.toPrecision(3)).toLocaleString('en-US', { maximumFractionDigits: 6 })
    : value.toExponential(0).replace('e+', 'e');
}
