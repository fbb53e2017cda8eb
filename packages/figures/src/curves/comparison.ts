// Learning curves of several runs in one picture: a thin line per run, a thick one for the mean of a group (the seeds of one preset).
import { type CurvePoint, meanCurve } from './curve-points.ts';
import { createFigure, svgLine, svgText } from './figure.ts';

/** Runs that differ only in their seed. */
export interface CurveGroup {
  readonly label: string;
  readonly curves: readonly (readonly CurvePoint[])[];
}

/** Colors that stay apart for the color-blind (Okabe and Ito). */
const COLORS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000'];

export interface ComparisonConfig {
  /** What the curves show. Default: the return. */
  readonly title?: string;
}

/** Draws the groups as SVG. */
export function comparisonSvg(groups: readonly CurveGroup[], { title = 'Return' }: ComparisonConfig = {}): string {
  const points = groups.flatMap(({ curves }) => curves.flat());
  const figure = createFigure({
    title,
    xLabel: 'agent steps',
    yLabel: 'return (thin: runs, thick: their mean)',
    xMaximum: points.reduce((most, { agentSteps }) => Math.max(most, agentSteps), 1),
    yValues: points.map(({ value }) => value),
  });
  const marks: string[] = [];
  groups.forEach(({ label, curves }, index) => {
    const color = COLORS[index % COLORS.length]!;
    const toPoint = ({ agentSteps, value }: CurvePoint) => ({ x: agentSteps, y: value });
    if (curves.length > 1) for (const curve of curves) marks.push(svgLine(figure, curve.map(toPoint), color, 1, 0.4));
    marks.push(svgLine(figure, meanCurve(curves).map(toPoint), color));
    marks.push(svgText(figure.left + 12, figure.top + 18 * (index + 1), `${label} (${curves.length})`, 'start', color));
  });
  return figure.toSvg(marks);
}
