// TensorFlow's stateless random numbers in integer arithmetic of StableHLO: the same draws as TensorFlow's own, on any plugin. The generator is Philox4x32-10
// (Salmon et al., 2011); how TensorFlow makes key and counter of a seed, and floats of the words, is its own.
import type { Value } from '@moe-rl/tfjs-graph/tracing';
import type { FunctionBuilder } from './builder.ts';

type Words4 = readonly [Value, Value, Value, Value];
type Words2 = readonly [Value, Value];

const ROUNDS = 10;
const MULTIPLIERS = [0xd2511f53, 0xcd9e8d57] as const;
const KEY_STEPS = [0x9e3779b9, 0xbb67ae85] as const;
/** TensorFlow mixes the two words of a seed by one Philox block under this key. */
const MIXING_KEY = [0x3ec8f720, 0x02461e29] as const;
/** Smallest argument of the logarithm in Box and Muller's transformation. */
const SMALLEST_UNIFORM = 1e-7;

/** Uniform float32 in `[0, 1)` of a seed `i32 [2]`. */
export function randomUniform(b: FunctionBuilder, shape: readonly number[], seed: Value): Value {
  const count = elementCountOf(shape);
  const words = wordsOf(b, count, seed);
  return interleave(
    b,
    words.map((word) => toUniform(b, word)),
    count,
    shape,
  );
}

/** Standard normal float32 of a seed `i32 [2]`, by Box and Muller's transformation. */
export function randomNormal(b: FunctionBuilder, shape: readonly number[], seed: Value): Value {
  const count = elementCountOf(shape);
  const [w0, w1, w2, w3] = wordsOf(b, count, seed);
  return interleave(b, [...normalPair(b, w0, w1), ...normalPair(b, w2, w3)], count, shape);
}

function normalPair(b: FunctionBuilder, x: Value, y: Value): [Value, Value] {
  const radius = b.binary('maximum', toUniform(b, x), b.scalar(SMALLEST_UNIFORM));
  const angle = b.binary('multiply', toUniform(b, y), b.scalar(2 * Math.PI));
  const length = b.unary('sqrt', b.binary('multiply', b.unary('log', radius), b.scalar(-2)));
  return [b.binary('multiply', b.unary('sine', angle), length), b.binary('multiply', b.unary('cosine', angle), length)];
}

/** At least `count` words as four arrays: the i-th block of four are the i-th elements. */
function wordsOf(b: FunctionBuilder, count: number, seed: Value): Words4 {
  const low = [0, 1].map((index) => b.bitcast(b.reshape(b.slice(seed, [index], [1]), []), 'ui32'));
  // The seed's words are sign-extended to 64 bits.
  const high = [0, 1].map((index) => {
    const word = b.reshape(b.slice(seed, [index], [1]), []);
    return b.select(b.compare('LT', word, b.scalar(0, 'i32')), unsigned(b, 0xffffffff), unsigned(b, 0));
  });
  const mixed = philox(
    b,
    [low[0]!, high[0]!, low[1]!, high[1]!],
    [unsigned(b, MIXING_KEY[0]), unsigned(b, MIXING_KEY[1])],
  );
  const blocks = Math.max(1, Math.ceil(count / 4));
  const zero = b.broadcast(unsigned(b, 0), [blocks]);
  const counter = [
    b.iota([blocks], 0, 'ui32'),
    zero,
    b.broadcast(mixed[2], [blocks]),
    b.broadcast(mixed[3], [blocks]),
  ] as const;
  return philox(b, counter, [mixed[0], mixed[1]]);
}

function philox(b: FunctionBuilder, counter: Words4, key: Words2): Words4 {
  let words = counter;
  let [k0, k1] = key;
  for (let round = 0; round < ROUNDS; round++) {
    const [low0, high0] = multiplyWide(b, words[0], MULTIPLIERS[0]);
    const [low1, high1] = multiplyWide(b, words[2], MULTIPLIERS[1]);
    words = [
      b.binary('xor', b.binary('xor', high1, words[1]), k0),
      low1,
      b.binary('xor', b.binary('xor', high0, words[3]), k1),
      low0,
    ];
    k0 = b.binary('add', k0, unsigned(b, KEY_STEPS[0]));
    k1 = b.binary('add', k1, unsigned(b, KEY_STEPS[1]));
  }
  return words;
}

/** Low and high half of a 32-bit word times a constant. */
function multiplyWide(b: FunctionBuilder, word: Value, multiplier: number): Words2 {
  const product = b.binary('multiply', b.convert(word, 'ui64'), b.scalar(multiplier, 'ui64'));
  const high = b.binary('shift_right_logical', product, b.scalar(32, 'ui64'));
  return [b.convert(product, 'ui32'), b.convert(high, 'ui32')];
}

/** The low 23 bits as the mantissa of a float in [1, 2), less 1. */
function toUniform(b: FunctionBuilder, word: Value): Value {
  const mantissa = b.binary('and', word, unsigned(b, 0x7fffff));
  const bits = b.binary('or', mantissa, unsigned(b, 127 << 23));
  return b.binary('subtract', b.bitcast(bits, 'f32'), b.scalar(1));
}

/** First elements of all parts, then the second ones, and so on; the first `count` of them. */
function interleave(b: FunctionBuilder, parts: readonly Value[], count: number, shape: readonly number[]): Value {
  const length = parts[0]!.shape[0]!;
  const columns = parts.map((part) => b.reshape(part, [length, 1]));
  const flat = b.reshape(b.concatenate(columns, 1), [length * parts.length]);
  return b.reshape(b.slice(flat, [0], [count]), shape);
}

function unsigned(b: FunctionBuilder, value: number): Value {
  return b.scalar(value >>> 0, 'ui32');
}

function elementCountOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
