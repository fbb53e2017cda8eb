// Operations on single elements in WGSL. WGSL promises less than IEEE 754 and a GPU may assume that there are no infinities: what is exact elsewhere and matters for
// training (small arguments of tanh, log1p and expm1, powers of negative numbers, tests for NaN) is written out here.
import type { BinaryOperation, Comparison, ElementType, UnaryOperation } from '@moe-rl/tfjs-graph/tracing';
import type { KernelContext } from './node.ts';

export interface MapRule {
  /** About how many cheap instructions. */
  readonly weight: number;
  write(context: KernelContext, inputs: readonly string[]): string;
}

const rule = (
  weight: number,
  write: (a: string, b: string) => string,
  declarations: readonly string[] = [],
): MapRule => ({
  weight,
  write(context, [a, b]) {
    for (const text of declarations) context.declare(text);
    return write(a!, b!);
  },
});

const EXPM1 = `fn exact_expm1(x: f32) -> f32 {
  if (abs(x) > 0.4f) { return exp(x) - 1f; }
  return x * (1f + x / 2f * (1f + x / 3f * (1f + x / 4f * (1f + x / 5f * (1f + x / 6f * (1f + x / 7f))))));
}`;
const LOG1P = `fn exact_log1p(x: f32) -> f32 {
  if (x > 0.34f || x < -0.25f) { return log(1f + x); }
  let z = x / (2f + x);
  let q = z * z;
  return 2f * z * (1f + q * (0.33333334f + q * (0.2f + q * (0.14285715f + q * 0.11111111f))));
}`;
/** By its bits: a compiler may take `x != x` for false. */
const IS_NAN = 'fn is_nan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }';
/** The bits of what WGSL has no literal for, out of a variable: a constant expression may not be infinite. */
const SPECIAL = 'var<private> special_bits: u32 = 0x7f800000u;';
const LOG = `fn exact_log(x: f32) -> f32 {
  if (x > 0f) { return log(x); }
  return bitcast<f32>(special_bits | select(0x00400000u, 0x80000000u, x == 0f));
}`;
const LOGISTIC = 'fn logistic(x: f32) -> f32 { return select(1f / (1f + exp(-x)), x, is_nan(x)); }';
const TANH = `fn exact_tanh(x: f32) -> f32 {
  let e = exact_expm1(2f * min(abs(x), 15f));
  return select(sign(x) * e / (e + 2f), x, is_nan(x));
}`;
const POWER = `fn any_power(x: f32, y: f32) -> f32 {
  if (y == 0f) { return 1f; }
  if (y == 2f) { return x * x; }
  if (x == 0f) { return select(0f, 1f / x, y < 0f); }
  if (is_nan(x) || (x < 0f && floor(y) != y)) { return bitcast<f32>(special_bits | 0x00400000u); }
  let size = pow(abs(x), y);
  let isOdd = floor(y * 0.5f) * 2f != y;
  return select(size, -size, x < 0f && isOdd);
}`;
const CUBE_ROOT = 'fn cube_root(x: f32) -> f32 { return select(sign(x) * pow(abs(x), 0.33333334f), 0f, x == 0f); }';

const unary: Readonly<Record<UnaryOperation, MapRule>> = {
  abs: rule(1, (a) => `abs(${a})`),
  negate: rule(1, (a) => `-(${a})`),
  exponential: rule(4, (a) => `exp(${a})`),
  exponential_minus_one: rule(6, (a) => `exact_expm1(${a})`, [EXPM1]),
  log: rule(4, (a) => `exact_log(${a})`, [SPECIAL, LOG]),
  log_plus_one: rule(6, (a) => `exact_log1p(${a})`, [LOG1P]),
  sqrt: rule(2, (a) => `sqrt(${a})`),
  rsqrt: rule(2, (a) => `inverseSqrt(${a})`),
  cbrt: rule(6, (a) => `cube_root(${a})`, [CUBE_ROOT]),
  tanh: rule(8, (a) => `exact_tanh(${a})`, [EXPM1, IS_NAN, TANH]),
  tan: rule(6, (a) => `tan(${a})`),
  sign: rule(1, (a) => `sign(${a})`),
  sine: rule(4, (a) => `sin(${a})`),
  cosine: rule(4, (a) => `cos(${a})`),
  floor: rule(1, (a) => `floor(${a})`),
  ceil: rule(1, (a) => `ceil(${a})`),
  round_nearest_even: rule(1, (a) => `round(${a})`),
  logistic: rule(5, (a) => `logistic(${a})`, [IS_NAN, LOGISTIC]),
  not: rule(1, (a) => `!(${a})`),
};

const binary: Readonly<Record<BinaryOperation, MapRule>> = {
  add: rule(1, (a, b) => `(${a} + ${b})`),
  subtract: rule(1, (a, b) => `(${a} - ${b})`),
  multiply: rule(1, (a, b) => `(${a} * ${b})`),
  divide: rule(2, (a, b) => `(${a} / ${b})`),
  maximum: rule(1, (a, b) => `max(${a}, ${b})`),
  minimum: rule(1, (a, b) => `min(${a}, ${b})`),
  power: rule(8, (a, b) => `any_power(${a}, ${b})`, [SPECIAL, IS_NAN, POWER]),
  remainder: rule(2, (a, b) => `(${a} % ${b})`),
  atan2: rule(6, (a, b) => `atan2(${a}, ${b})`),
  and: rule(1, (a, b) => `(${a} & ${b})`),
  or: rule(1, (a, b) => `(${a} | ${b})`),
  xor: rule(1, (a, b) => `(${a} ^ ${b})`),
  shift_right_logical: rule(1, (a, b) => `(${a} >> ${b})`),
};

const comparisons: Readonly<Record<Comparison, string>> = { EQ: '==', NE: '!=', LT: '<', LE: '<=', GT: '>', GE: '>=' };

export function unaryRule(operation: UnaryOperation): MapRule {
  return unary[operation];
}

export function binaryRule(operation: BinaryOperation): MapRule {
  return binary[operation];
}

export function comparisonRule(comparison: Comparison, type: ElementType): MapRule {
  const sign = comparisons[comparison];
  const isOrder = comparison !== 'EQ' && comparison !== 'NE';
  return type === 'i1' && isOrder
    ? rule(1, (a, b) => `(u32(${a}) ${sign} u32(${b}))`)
    : rule(1, (a, b) => `(${a} ${sign} ${b})`);
}

export const selectRule: MapRule = {
  weight: 1,
  write: (_, [condition, a, b]) => `select(${b}, ${a}, ${condition})`,
};

export const finiteRule = rule(1, (a) => `((bitcast<u32>(${a}) & 0x7f800000u) != 0x7f800000u)`);
export const nanRule = rule(1, (a) => `is_nan(${a})`, [IS_NAN]);
export const infiniteRule = (isNegative: boolean): MapRule =>
  rule(1, (a) => `(bitcast<u32>(${a}) == ${isNegative ? '0xff800000u' : '0x7f800000u'})`);

export function convertRule(to: ElementType): MapRule {
  const name = to === 'f32' || to === 'i32' ? to : to === 'i1' ? 'bool' : 'u32';
  return rule(1, (a) => `${name}(${a})`);
}

/** A number as an expression of its type. */
export function literal(context: KernelContext, value: number, type: ElementType): string {
  if (type === 'i1') return value ? 'true' : 'false';
  if (type === 'i32') return value === -(2 ** 31) ? '(-2147483647i - 1i)' : value < 0 ? `(${value}i)` : `${value}i`;
  if (type !== 'f32') return `${value}u`;
  const rounded = Math.fround(value);
  if (Number.isFinite(rounded)) return rounded < 0 || Object.is(rounded, -0) ? `(-${-rounded}f)` : `${rounded}f`;
  context.declare(SPECIAL);
  if (Number.isNaN(rounded)) return 'bitcast<f32>(special_bits | 0x00400000u)';
  return rounded > 0 ? 'bitcast<f32>(special_bits)' : 'bitcast<f32>(special_bits | 0x80000000u)';
}
