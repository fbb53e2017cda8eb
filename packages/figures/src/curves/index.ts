// Plots of training runs as SVG, and SVG as PNG.
export { type ComparisonConfig, type CurveGroup, comparisonSvg } from './comparison.ts';
export {
  type CurvePoint,
  evaluationPoints,
  isEvaluated,
  lastAgentSteps,
  meanCurve,
  trainingPoints,
  windowedMeans,
} from './curve-points.ts';
export { at, createFigure, type Figure, type FigureConfig, svgLine, svgText } from './figure.ts';
export { type HeatMapConfig, type HeatMapPanel, heatMapSvg } from './heat-map.ts';
export { type IntervalGroup, type IntervalRow, type IntervalsConfig, intervalsSvg } from './intervals.ts';
export { type LearningCurveConfig, learningCurveSvg, type ReferenceLine } from './learning-curve.ts';
export { type LogLogConfig, type LogLogPoint, type LogLogSeries, logLogSvg } from './log-log.ts';
export { svgToPng } from './png.ts';
export { linearScale, tickLabel, ticks } from './scale.ts';
