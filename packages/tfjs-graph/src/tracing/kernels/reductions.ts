// Kernels that reduce axes, and those that normalize along them.
import type { Reduction, StepBuilder } from '../step-builder.ts';
import type { Value } from '../value.ts';
import { axesOf, axisOf, type Rule, type RuleTable } from './rule.ts';

const reduction =
  (operation: Reduction, initial: (x: Value) => number | boolean): Rule =>
  (b, { inputs: { x }, attributes: { axis, reductionIndices, keepDims } }) =>
    reduce(b, operation, x!, axesOf(x!, reductionIndices ?? axis), initial(x!), keepDims === true);

/** The largest or smallest; of booleans whether any, or all, are true. */
const extreme =
  (numbers: Rule, booleans: Rule): Rule =>
  (b, call) =>
    (call.inputs.x!.type === 'i1' ? booleans : numbers)(b, call);

const lowest = ({ type }: Value): number => (type === 'f32' ? Number.NEGATIVE_INFINITY : -(2 ** 31));
const highest = ({ type }: Value): number => (type === 'f32' ? Number.POSITIVE_INFINITY : 2 ** 31 - 1);
const all = reduction('and', () => true);
const any = reduction('or', () => false);

export const reductions: RuleTable = {
  All: all,
  Any: any,
  ArgMax: (b, { inputs: { x }, attributes: { axis } }) => b.argExtreme(x!, axisOf(x!, axis), 'largest'),
  ArgMin: (b, { inputs: { x }, attributes: { axis } }) => b.argExtreme(x!, axisOf(x!, axis), 'smallest'),
  Cumprod: cumulative('multiply'),
  Cumsum: cumulative('add'),
  FusedBatchNorm: (b, { inputs: { x, mean, variance, offset, scale }, attributes: { varianceEpsilon = 0.001 } }) => {
    const inverse = b.unary('rsqrt', b.binary('add', variance!, b.scalar(varianceEpsilon as number)));
    const factor = scale === undefined ? inverse : b.binary('multiply', inverse, scale);
    const centered = b.binary('multiply', b.binary('subtract', x!, mean!), factor);
    return offset === undefined ? centered : b.binary('add', centered, offset);
  },
  LogSoftmax: (b, { inputs: { logits }, attributes: { axis } }) => {
    const axes = axesOf(logits!, axis);
    const shifted = shift(b, logits!, axes);
    const sum = b.reduce('add', b.unary('exponential', shifted), axes, 0, true);
    return b.binary('subtract', shifted, b.unary('log', sum));
  },
  Max: extreme(reduction('maximum', lowest), any),
  Mean: (b, { inputs: { x }, attributes: { axis, keepDims } }) => {
    // tfjs' mean is float32, whatever it is of.
    const numbers = x!.type === 'f32' ? x! : b.convert(x!, 'f32');
    const axes = axesOf(numbers, axis);
    const count = axes.reduce((product, index) => product * numbers.shape[index]!, 1);
    return b.binary('divide', reduce(b, 'add', numbers, axes, 0, keepDims === true), b.scalar(count));
  },
  Min: extreme(reduction('minimum', highest), all),
  Prod: reduction('multiply', () => 1),
  Softmax: (b, { inputs: { logits }, attributes: { dim } }) => {
    const axes = axesOf(logits!, dim);
    const exponentials = b.unary('exponential', shift(b, logits!, axes));
    return b.binary('divide', exponentials, b.reduce('add', exponentials, axes, 0, true));
  },
  Sum: reduction('add', () => 0),
};

function cumulative(operation: 'add' | 'multiply'): Rule {
  return (b, { inputs: { x }, attributes: { axis, exclusive, reverse } }) => {
    // tfjs counts booleans.
    const numbers = x!.type === 'i1' ? b.convert(x!, 'i32') : x!;
    if (numbers.shape.includes(0)) return numbers;
    return b.cumulate(numbers, operation, axisOf(numbers, axis), exclusive === true, reverse === true);
  };
}

/** An empty list of axes reduces nothing. */
function reduce(
  b: StepBuilder,
  operation: Reduction,
  x: Value,
  axes: readonly number[],
  initial: number | boolean,
  keep: boolean,
): Value {
  return axes.length === 0 ? x : b.reduce(operation, x, axes, initial, keep);
}

/** Less its largest along the axes: exponentials stay finite. */
function shift(b: StepBuilder, x: Value, axes: readonly number[]): Value {
  return b.binary('subtract', x, b.reduce('maximum', x, axes, Number.NEGATIVE_INFINITY, true));
}
