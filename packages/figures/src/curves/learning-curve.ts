// The learning curve of a run: a dot per training episode; the line goes through the evaluations where the run has some, else it is the mean of the training
// episodes around each point.
import { type MetricRow, requireFinite } from '@moe-rl/core';
import {
  type CurvePoint,
  evaluationPoints,
  isEvaluated,
  lastAgentSteps,
  trainingPoints,
  windowedMeans,
} from './curve-points.ts';
import { at, createFigure, type Figure, svgLine, svgText } from './figure.ts';
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

const DOT_COLOR = '#1f5fbf';
const EVALUATION_COLOR = '#1d8a4a';
const MAX_DOTS = 3000;
/** More points than pixels help nobody. */
const MAX_LINE_POINTS = 1500;
/** Share of the run that one point of the mean looks at. */
const WINDOW_FRACTION = 0.05;

/**
 * Draws the curve as SVG; with no ended episode and no evaluation it says so instead of showing an empty frame.
 * @throws InvalidArgumentError for a reference that is no finite number
 */
export function learningCurveSvg({ title, rows, references = [] }: LearningCurveConfig): string {
  for (const { label, value } of references) requireFinite(`reference ${label}`, value);
  const episodes = trainingPoints(rows);
  const evaluations = evaluationPoints(rows);
  const length = Math.max(1, lastAgentSteps(rows));
  const windowAgentSteps = Math.max(1, Math.round(length * WINDOW_FRACTION));
  const line = isEvaluated(rows)
    ? 'line: evaluations ± standard error'
    : `line: mean over ${tickLabel(windowAgentSteps)} agent steps`;
  const errors = evaluations.flatMap(({ value, standardError = 0 }) => [value - standardError, value + standardError]);
  const figure = createFigure({
    title,
    xLabel: 'agent steps',
    yLabel: `return (dots: training episodes, ${line})`,
    xMaximum: length,
    yValues: [...episodes.map(({ value }) => value), ...errors, ...references.map(({ value }) => value)],
  });
  const marks = thinOut(episodes, MAX_DOTS).map((point) => dot(figure, point, 2, DOT_COLOR, 0.25));
  if (evaluations.length > 0) {
    if (evaluations.length > 1) marks.push(svgLine(figure, evaluations.map(toXy), EVALUATION_COLOR));
    for (const point of evaluations) marks.push(...errorBar(figure, point), dot(figure, point, 3.5, EVALUATION_COLOR));
  } else if (episodes.length > 1) {
    marks.push(
      svgLine(figure, thinOut(windowedMeans(episodes, windowAgentSteps), MAX_LINE_POINTS).map(toXy), DOT_COLOR),
    );
  }
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
  if (episodes.length === 0 && evaluations.length === 0) {
    marks.push(svgText(450, 260, 'no episode has ended yet', 'middle'));
  }
  return figure.toSvg(marks);
}

function toXy({ agentSteps, value }: CurvePoint): { x: number; y: number } {
  return { x: agentSteps, y: value };
}

function dot(figure: Figure, { agentSteps, value }: CurvePoint, radius: number, color: string, opacity = 1): string {
  return `<circle cx="${at(figure.x(agentSteps))}" cy="${at(figure.y(value))}" r="${radius}" fill="${color}" fill-opacity="${opacity}"/>`;
}

function errorBar(figure: Figure, { agentSteps, value, standardError }: CurvePoint): string[] {
  if (standardError === undefined) return [];
  const x = at(figure.x(agentSteps));
  return [
    `<line x1="${x}" x2="${x}" y1="${at(figure.y(value - standardError))}" y2="${at(figure.y(value + standardError))}" stroke="${EVALUATION_COLOR}" stroke-width="1.5"/>`,
  ];
}

/** Keeps every n-th point so that about `limit` stay, and the last one. */
function thinOut<Point>(points: readonly Point[], limit: number): readonly Point[] {
  const stride = Math.max(1, Math.ceil(points.length / limit));
  return points.filter((_, index) => index % stride === 0 || index === points.length - 1);
}
