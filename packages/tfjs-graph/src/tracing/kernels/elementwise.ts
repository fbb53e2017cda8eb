// Kernels that compute each element by itself.
import * as tf from '@tensorflow/tfjs-core';
import type { BinaryOperation, Comparison, StepBuilder, UnaryOperation } from '../step-builder.ts';
import type { Value } from '../value.ts';
import { elementTypeOf, type Rule, type RuleTable } from './rule.ts';

const unary: Readonly<Record<string, UnaryOperation>> = {
  Abs: 'abs',
  Ceil: 'ceil',
  Cos: 'cosine',
  Exp: 'exponential',
  Expm1: 'exponential_minus_one',
  Floor: 'floor',
  Log: 'log',
  Log1p: 'log_plus_one',
  LogicalNot: 'not',
  Neg: 'negate',
  Round: 'round_nearest_even',
  Rsqrt: 'rsqrt',
  Sigmoid: 'logistic',
  Sign: 'sign',
  Sin: 'sine',
  Sqrt: 'sqrt',
  Tan: 'tan',
  Tanh: 'tanh',
};
const binary: Readonly<Record<string, BinaryOperation>> = {
  Add: 'add',
  Atan2: 'atan2',
  LogicalAnd: 'and',
  LogicalOr: 'or',
  Maximum: 'maximum',
  Minimum: 'minimum',
  Multiply: 'multiply',
  Pow: 'power',
  RealDiv: 'divide',
  Sub: 'subtract',
};
const comparisons: Readonly<Record<string, Comparison>> = {
  Equal: 'EQ',
  Greater: 'GT',
  GreaterEqual: 'GE',
  Less: 'LT',
  LessEqual: 'LE',
  NotEqual: 'NE',
};

/** A number as an operand of `x`. */
const like = (b: StepBuilder, value: number, { type }: Value): Value => b.scalar(value, type);
const onX =
  (rule: (b: StepBuilder, x: Value) => Value): Rule =>
  (b, { inputs: { x } }) =>
    rule(b, x!);

export const elementwise: RuleTable = {
  ...mapValues(unary, (operation) => onX((b, x) => b.unary(operation, x))),
  ...mapValues(
    binary,
    (operation): Rule =>
      (b, { inputs: { a, b: c } }) =>
        b.binary(operation, a!, c!),
  ),
  ...mapValues(
    comparisons,
    (comparison): Rule =>
      (b, { inputs: { a, b: c } }) =>
        b.compare(comparison, a!, c!),
  ),
  AddN: (b, { list }) => list.reduce((sum, value) => b.binary('add', sum, value)),
  Atan: onX((b, x) => b.binary('atan2', x, like(b, 1, x))),
  Cast: (b, { inputs: { x }, attributes }) => cast(b, x!, elementTypeOf(attributes.dtype)),
  ClipByValue: (b, { inputs: { x }, attributes: { clipValueMin, clipValueMax } }) =>
    b.binary(
      'minimum',
      b.binary('maximum', x!, like(b, clipValueMin as number, x!)),
      like(b, clipValueMax as number, x!),
    ),
  Cosh: onX((b, x) => halfSum(b, 'add', x)),
  Elu: onX((b, x) =>
    b.select(
      b.compare('GE', x, like(b, 0, x)),
      x,
      b.unary('exponential_minus_one', b.binary('minimum', x, like(b, 0, x))),
    ),
  ),
  EluGrad: (b, { inputs: { dy, y } }) =>
    b.select(b.compare('GE', y!, like(b, 0, y!)), dy!, b.binary('multiply', dy!, b.binary('add', y!, like(b, 1, y!)))),
  Erf: onX(errorFunction),
  FloorDiv: (b, { inputs: { a, b: c } }) => floorDivide(b, a!, c!),
  Identity: onX((_, x) => x),
  IsFinite: onX((b, x) => b.isFinite(x)),
  IsInf: onX((b, x) => b.compare('EQ', b.unary('abs', x), like(b, Number.POSITIVE_INFINITY, x))),
  IsNan: onX((b, x) => b.compare('NE', x, x)),
  LeakyRelu: (b, { inputs: { x }, attributes: { alpha } }) =>
    b.select(b.compare('GT', x!, like(b, 0, x!)), x!, b.binary('multiply', x!, like(b, alpha as number, x!))),
  Mod: (b, { inputs: { a, b: c } }) => b.binary('subtract', a!, b.binary('multiply', floorDivide(b, a!, c!), c!)),
  Prelu: (b, { inputs: { x, alpha } }) =>
    b.select(b.compare('GE', x!, like(b, 0, x!)), x!, b.binary('multiply', x!, alpha!)),
  Reciprocal: onX((b, x) => b.binary('divide', like(b, 1, x), x)),
  Relu: onX((b, x) => b.binary('maximum', x, like(b, 0, x))),
  Relu6: onX((b, x) => b.binary('minimum', b.binary('maximum', x, like(b, 0, x)), like(b, 6, x))),
  Select: (b, { inputs: { condition, t, e } }) => {
    // A condition of one axis chooses rows.
    const rows = condition!.shape.length === 1 && t!.shape.length > 1;
    return b.select(rows ? b.broadcastAlong(condition!, t!.shape, [0]) : condition!, t!, e!);
  },
  Selu: onX((b, x) => {
    const scale = like(b, 1.0507009873554805, x);
    const below = b.binary(
      'multiply',
      like(b, 1.7580993408473768, x),
      b.unary('exponential_minus_one', b.binary('minimum', x, like(b, 0, x))),
    );
    return b.select(b.compare('GE', x, like(b, 0, x)), b.binary('multiply', scale, x), below);
  }),
  Sinh: onX((b, x) => halfSum(b, 'subtract', x)),
  Softplus: onX((b, x) =>
    b.binary(
      'add',
      b.binary('maximum', x, like(b, 0, x)),
      b.unary('log_plus_one', b.unary('exponential', b.unary('negate', b.unary('abs', x)))),
    ),
  ),
  Square: onX((b, x) => b.binary('multiply', x, x)),
  SquaredDifference: (b, { inputs: { a, b: c } }) => {
    const difference = b.binary('subtract', a!, c!);
    return b.binary('multiply', difference, difference);
  },
  Step: (b, { inputs: { x }, attributes: { alpha = 0 } }) => {
    const stepped = b.select(b.compare('GT', x!, like(b, 0, x!)), like(b, 1, x!), like(b, alpha as number, x!));
    return b.select(b.compare('NE', x!, x!), x!, b.broadcast(stepped, x!.shape));
  },
};

/** tfjs' and TensorFlow's cast: to bool is `!= 0`, floats to integers are cut off. */
export function cast(b: StepBuilder, x: Value, type: Value['type']): Value {
  return type === 'i1' && x.type !== 'i1' ? b.compare('NE', x, b.scalar(0, x.type)) : b.convert(x, type);
}

/** Abramowitz and Stegun, 7.1.26, as tfjs' own backends have it; off by 1.5e-7 at most. */
function errorFunction(b: StepBuilder, x: Value): Value {
  const { ERF_P, ERF_A1, ERF_A2, ERF_A3, ERF_A4, ERF_A5 } = tf.backend_util;
  const size = b.unary('abs', x);
  const t = b.binary(
    'divide',
    like(b, 1, x),
    b.binary('add', like(b, 1, x), b.binary('multiply', size, like(b, ERF_P, x))),
  );
  const polynomial = [ERF_A4, ERF_A3, ERF_A2, ERF_A1].reduce(
    (sum, coefficient) => b.binary('add', b.binary('multiply', sum, t), like(b, coefficient, x)),
    b.broadcast(like(b, ERF_A5, x), x.shape),
  );
  const tail = b.unary('exponential', b.unary('negate', b.binary('multiply', x, x)));
  const value = b.binary('subtract', like(b, 1, x), b.binary('multiply', b.binary('multiply', polynomial, t), tail));
  return b.binary('multiply', b.unary('sign', x), value);
}

function halfSum(b: StepBuilder, operation: 'add' | 'subtract', x: Value): Value {
  const both = b.binary(operation, b.unary('exponential', x), b.unary('exponential', b.unary('negate', x)));
  return b.binary('multiply', both, like(b, 0.5, x));
}

/** Rounds down, also for negative integers, where StableHLO's division cuts off. */
function floorDivide(b: StepBuilder, a: Value, c: Value): Value {
  const quotient = b.binary('divide', a, c);
  if (a.type === 'f32') return b.unary('floor', quotient);
  const zero = b.scalar(0, a.type);
  const rest = b.binary('remainder', a, c);
  const isOff = b.binary(
    'and',
    b.compare('NE', rest, zero),
    b.compare('NE', b.compare('LT', rest, zero), b.compare('LT', c, zero)),
  );
  return b.select(isOff, b.binary('subtract', quotient, b.scalar(1, a.type)), quotient);
}

function mapValues<T>(record: Readonly<Record<string, T>>, rule: (value: T) => Rule): RuleTable {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, rule(value)]));
}
