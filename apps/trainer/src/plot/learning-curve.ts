// The learning curve of a run as an SVG: a dot per training episode, the running mean over 100 episodes, and lines for evaluations and the random agent.
import type { MetricRow } from '../metric-registry.ts';
import { linearScale, tickLabel, ticks } from './scale.ts';

export interface ReferenceLine {
  readonly label: string;
  readonly value: number;
  readonly color: string;
}

export interface LearningCurveConfig {
  readonly title: string;
  readonly rows: readonly MetricRow[];
  readonly references?: readonly ReferenceLine[];
  readonly width?: number;
  readonly height?: number;
}

const MARGIN = { left: 72, right: 24, top: 48, bottom: 56 };
const MEAN_COLOR = '#1f5fbf';
const MAX_DOTS = 3000;
const WINDOW_EPISODES = 100;

/** Draws the curve; with no ended episode it says so instead of showing an empty frame. */
export function learningCurveSvg(config: LearningCurveConfig): string {
  const { title, rows, references = [], width = 900, height = 520 } = config;
  const episodes = rows
    .filter((row) => row.values['episode/return'] !== undefined)
    .map((row) => ({ x: row.agentSteps, y: row.values['episode/return']! }));
  const lastAgentSteps = rows.at(-1)?.agentSteps ?? 1;
  const values = [...episodes.map(({ y }) => y), ...references.map(({ value }) => value)];
  let low = values.length === 0 ? 0 : values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
  let high = values.length === 0 ? 1 : values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  const padding = high === low ? 1 : (high - low) * 0.06;
  low -= padding;
  high += padding;
  const x = linearScale(0, lastAgentSteps, MARGIN.left, width - MARGIN.right);
  const y = linearScale(low, high, height - MARGIN.bottom, MARGIN.top);
  const right = width - MARGIN.right;
  const bottom = height - MARGIN.bottom;

  const parts: string[] = [];
  for (const tick of ticks(low, high)) {
    parts.push(
      `<line x1="${MARGIN.left}" x2="${right}" y1="${at(y(tick))}" y2="${at(y(tick))}" stroke="#e3e6ea"/>`,
      text(MARGIN.left - 10, y(tick) + 5, tickLabel(tick), 'end'),
    );
  }
  for (const tick of ticks(0, lastAgentSteps, 8)) {
    parts.push(
      `<line x1="${at(x(tick))}" x2="${at(x(tick))}" y1="${bottom}" y2="${bottom + 6}" stroke="#8a929c"/>`,
      text(x(tick), bottom + 22, tickLabel(tick), 'middle'),
    );
  }
  parts.push(`<line x1="${MARGIN.left}" x2="${right}" y1="${bottom}" y2="${bottom}" stroke="#8a929c"/>`);

  const stride = Math.max(1, Math.ceil(episodes.length / MAX_DOTS));
  for (let index = 0; index < episodes.length; index += stride) {
    const { x: step, y: value } = episodes[index]!;
    parts.push(`<circle cx="${at(x(step))}" cy="${at(y(value))}" r="2" fill="${MEAN_COLOR}" fill-opacity="0.25"/>`);
  }
  const means = runningMeans(episodes);
  if (means.length > 1) {
    const points = means.map((point) => `${at(x(point.x))},${at(y(point.y))}`).join(' ');
    parts.push(
      `<polyline points="${points}" fill="none" stroke="${MEAN_COLOR}" stroke-width="2.5" stroke-linejoin="round"/>`,
    );
  }
  for (const { label, value, color } of references) {
    parts.push(
      `<line x1="${MARGIN.left}" x2="${right}" y1="${at(y(value))}" y2="${at(y(value))}" stroke="${color}" stroke-width="1.5" stroke-dasharray="7 5"/>`,
      text(right - 6, y(value) - 6, `${label}: ${tickLabel(Number(value.toPrecision(4)))}`, 'end', color),
    );
  }
  if (episodes.length === 0) parts.push(text(width / 2, height / 2, 'no episode has ended yet', 'middle'));

  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="DejaVu Sans, Verdana, sans-serif" font-size="13">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="${MARGIN.left}" y="28" font-size="17" fill="#20262d">${escapeXml(title)}</text>`,
    ...parts,
    text(width / 2, height - 12, 'agent steps', 'middle'),
    `<text transform="translate(20 ${height / 2}) rotate(-90)" text-anchor="middle" fill="#4a525c">return (dots: episodes, line: mean of ${WINDOW_EPISODES})</text>`,
    '</svg>',
    '',
  ].join('\n');
}

function runningMeans(points: readonly { x: number; y: number }[]): { x: number; y: number }[] {
  let sum = 0;
  const means = points.map((point, index) => {
    sum += point.y;
    if (index >= WINDOW_EPISODES) sum -= points[index - WINDOW_EPISODES]!.y;
    return { x: point.x, y: sum / Math.min(index + 1, WINDOW_EPISODES) };
  });
  // More points than pixels help nobody.
  const stride = Math.max(1, Math.ceil(means.length / 1500));
  return means.filter((_, index) => index % stride === 0 || index === means.length - 1);
}

function text(x: number, y: number, content: string, anchor: 'start' | 'middle' | 'end', color = '#4a525c'): string {
  return `<text x="${at(x)}" y="${at(y)}" text-anchor="${anchor}" fill="${color}">${escapeXml(content)}</text>`;
}

function at(value: number): string {
  return value.toFixed(1);
}

function escapeXml(value: string): string {
  return value.replace(
    /[&<>"]/g,
    (character) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[character]!,
  );
}
