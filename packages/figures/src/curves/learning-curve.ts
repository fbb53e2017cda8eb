// The learning curve of a run: a dot per training episode, the running mean over 100 episodes, and lines for evaluations and the random agent.
import type { MetricRow } from '@moe-rl/core';
import { at, createFigure, svgLine, svgText } from './figure.ts';
import { tickLabel } from './scale.ts';

export interface ReferenceLine {
  readonly label: string;
  readonly value: number;
  readonly color: string;
}

export interface LearningCurveConfig {
  readonly title: string;
  readonly rows: readonly MetricRow[];
  readonly references?: readonly ReferenceLine[];
}

const MEAN_COLOR = '#1f5fbf';
const MAX_DOTS = 3000;
/** More points than pixels help nobody. */
const MAX_LINE_POINTS = 1500;
const WINDOW_EPISODES = 100;

/** Draws the curve as SVG; with no ended episode it says so instead of showing an empty frame. */
export function learningCurveSvg({ title, rows, references = [] }: LearningCurveConfig): string {
  const episodes = rows
    .filter((row) => row.values['episode/return'] !== undefined)
    .map((row) => ({ x: row.agentSteps, y: row.values['episode/return']! }));
  const figure = createFigure({
    title,
    xLabel: 'agent steps',
    yLabel: `return (dots: episodes, line: mean of ${WINDOW_EPISODES})`,
    xMaximum: rows.at(-1)?.agentSteps ?? 1,
    yValues: [...episodes.map(({ y }) => y), ...references.map(({ value }) => value)],
  });
  const marks = thinOut(episodes, MAX_DOTS).map(
    ({ x, y }) =>
      `<circle cx="${at(figure.x(x))}" cy="${at(figure.y(y))}" r="2" fill="${MEAN_COLOR}" fill-opacity="0.25"/>`,
  );
  if (episodes.length > 1) marks.push(svgLine(figure, thinOut(runningMeans(episodes), MAX_LINE_POINTS), MEAN_COLOR));
  for (const { label, value, color } of references) {
    const height = at(figure.y(value));
    marks.push(
      `<line x1="${figure.left}" x2="${figure.right}" y1="${height}" y2="${height}" stroke="${color}" stroke-width="1.5" stroke-dasharray="7 5"/>`,
      svgText(
        figure.right - 6,
        figure.y(value) - 6,
        `${label}: ${tickLabel(Number(value.toPrecision(4)))}`,
        'end',
        color,
      ),
    );
  }
  if (episodes.length === 0) marks.push(svgText(450, 260, 'no episode has ended yet', 'middle'));
  return figure.toSvg(marks);
}

interface Point {
  readonly x: number;
  readonly y: number;
}

function runningMeans(points: readonly Point[]): Point[] {
  let sum = 0;
  return points.map(({ x, y }, index) => {
    sum += y;
    if (index >= WINDOW_EPISODES) sum -= points[index - WINDOW_EPISODES]!.y;
    return { x, y: sum / Math.min(index + 1, WINDOW_EPISODES) };
  });
}

/** Keeps every n-th point so that about `limit` stay, and the last one. */
function thinOut(points: readonly Point[], limit: number): readonly Point[] {
  const stride = Math.max(1, Math.ceil(points.length / limit));
  return points.filter((_, index) => index % stride === 0 || index === points.length - 1);
}
