// TensorFlow's stateless random numbers: Philox4x32-10 (Salmon et al., 2011); how TensorFlow makes key and counter of a seed, and floats of the words, is its own. WGSL
// has 32-bit words only, so wide products are put together of halves; sine and cosine are polynomials, since WGSL promises two or three digits of them.
import type { GraphBuilder } from './graph-builder.ts';
import type { Node, ViewOperation } from './node.ts';

const PHILOX = `fn wide_multiply(a: u32, b: u32) -> vec2<u32> {
  let low = (a & 0xffffu) * (b & 0xffffu);
  let middle = (a >> 16u) * (b & 0xffffu) + (low >> 16u);
  let other = (a & 0xffffu) * (b >> 16u) + (middle & 0xffffu);
  return vec2<u32>(a * b, (a >> 16u) * (b >> 16u) + (middle >> 16u) + (other >> 16u));
}
fn philox(start: vec4<u32>, seed: vec2<u32>) -> vec4<u32> {
  var words = start;
  var key = seed;
  for (var round = 0u; round < 10u; round++) {
    let a = wide_multiply(0xd2511f53u, words.x);
    let b = wide_multiply(0xcd9e8d57u, words.z);
    words = vec4<u32>(b.y ^ words.y ^ key.x, b.x, a.y ^ words.w ^ key.y, a.x);
    key += vec2<u32>(0x9e3779b9u, 0xbb67ae85u);
  }
  return words;
}
fn random_words(low: i32, high: i32, block: u32) -> vec4<u32> {
  // The seed's words are sign-extended to 64 bits, and mixed by a block under a key of TensorFlow's.
  let start = vec4<u32>(bitcast<u32>(low), select(0u, 0xffffffffu, low < 0i), bitcast<u32>(high), select(0u, 0xffffffffu, high < 0i));
  let mixed = philox(start, vec2<u32>(0x3ec8f720u, 0x02461e29u));
  return philox(vec4<u32>(block, 0u, mixed.z, mixed.w), mixed.xy);
}
fn uniform_of(word: u32) -> f32 {
  return bitcast<f32>((word & 0x7fffffu) | 0x3f800000u) - 1f;
}`;
const NORMAL = `fn sine_of_turns(turns: f32) -> f32 {
  // To an eighth of a turn around a multiple of a quarter.
  let quarter = round(turns * 4f);
  let x = (turns - quarter * 0.25f) * 6.2831855f;
  let q = x * x;
  let sine = x * (1f + q * (-0.16666667f + q * (0.008333334f + q * -0.0001984127f)));
  let cosine = 1f + q * (-0.5f + q * (0.041666668f + q * (-0.0013888889f + q * 0.000024801588f)));
  let part = u32(i32(quarter)) & 3u;
  let value = select(sine, cosine, (part & 1u) == 1u);
  return select(value, -value, part >= 2u);
}
fn normal_of(a: u32, b: u32, isSecond: bool) -> f32 {
  let radius = sqrt(-2f * log(max(uniform_of(a), 1e-7f)));
  let turns = uniform_of(b);
  return radius * sine_of_turns(select(turns, turns + 0.25f, isSecond));
}`;

/** Numbers of a seed `i32 [2]`. Four elements come of a block; each computes the block for itself. */
export function random(b: GraphBuilder, kind: 'uniform' | 'normal', shape: readonly number[], seed: Node): Node {
  const operation: ViewOperation = {
    kind: 'view',
    weight: 64,
    isReshape: false,
    write(context, scope, index) {
      context.declare(PHILOX);
      const [low, high] = ['0u', '1u'].map((axis) => context.readAt(scope, seed, [axis]));
      const words = scope.let(`random_words(${low}, ${high}, ${index.number} / 4u)`);
      const lane = scope.let(`${index.number} % 4u`);
      if (kind === 'uniform') return scope.let(`uniform_of(${words}[${lane}])`);
      context.declare(NORMAL);
      const first = scope.let(`${lane} & 2u`);
      return scope.let(`normal_of(${words}[${first}], ${words}[${first} + 1u], (${lane} & 1u) == 1u)`);
    },
  };
  return b.node(`random ${kind}`, operation, [seed], shape, 'f32');
}
