// Gradients of elementwise operations. TensorFlow.js ships its gradients in the union package `@tensorflow/tfjs` only; with
// `@tensorflow/tfjs-core` alone (all that moe-rl asks for) there are none, so we bring those that training uses.

import type { GradConfig, Tensor } from '@tensorflow/tfjs-core';
import {
  add,
  cast,
  cos,
  div,
  exp,
  greater,
  greaterEqual,
  less,
  lessEqual,
  log,
  logicalAnd,
  mul,
  neg,
  pow,
  sigmoid,
  sign,
  sin,
  sqrt,
  square,
  step,
  sub,
  where,
  zeros,
  zerosLike,
} from '@tensorflow/tfjs-core';
import { unbroadcast } from './shape.ts';

type Unary = (dy: Tensor, saved: Tensor) => Tensor;
type Binary = (dy: Tensor, a: Tensor, b: Tensor) => Tensor;

const fromInput = (kernelName: string, gradient: Unary, input = 'x'): GradConfig => ({
  kernelName,
  inputsToSave: [input],
  gradFunc: (dy, [x]) => ({ [input]: () => gradient(dy as Tensor, x!) }),
});

const fromOutput = (kernelName: string, gradient: Unary): GradConfig => ({
  kernelName,
  outputsToSave: [true],
  gradFunc: (dy, [y]) => ({ x: () => gradient(dy as Tensor, y!) }),
});

const zero = (kernelName: string): GradConfig => ({
  kernelName,
  gradFunc: (dy) => ({ x: () => zerosLike(dy as Tensor) }),
});

/** Comparisons: zero, so that masks may depend on what is differentiated. */
const zeroBinary = (kernelName: string): GradConfig => ({
  kernelName,
  inputsToSave: ['a', 'b'],
  gradFunc: (_dy, [a, b]) => ({ a: () => zeros(a!.shape), b: () => zeros(b!.shape) }),
});

const binary = (kernelName: string, forA: Binary, forB: Binary): GradConfig => ({
  kernelName,
  inputsToSave: ['a', 'b'],
  gradFunc: (dy, [a, b]) => ({
    a: () => unbroadcast(forA(dy as Tensor, a!, b!), a!.shape),
    b: () => unbroadcast(forB(dy as Tensor, a!, b!), b!.shape),
  }),
});

const where01 = (condition: Tensor, dy: Tensor): Tensor => mul(dy, cast(condition, 'float32'));

export const ELEMENTWISE_GRADIENTS: readonly GradConfig[] = [
  fromInput('Abs', (dy, x) => mul(dy, sign(x))),
  fromInput('Cos', (dy, x) => neg(mul(dy, sin(x)))),
  fromOutput('Exp', (dy, y) => mul(dy, y)),
  fromInput('Elu', (dy, x) => mul(dy, where(greater(x, 0), add(zerosLike(x), 1), exp(x)))),
  fromInput('Log', (dy, x) => div(dy, x)),
  fromInput('Log1p', (dy, x) => div(dy, add(x, 1))),
  fromInput('Neg', (dy) => neg(dy)),
  fromInput('Reciprocal', (dy, x) => neg(div(dy, square(x)))),
  fromInput('Relu', (dy, x) => mul(dy, cast(step(x), 'float32'))),
  fromInput('Relu6', (dy, x) => where01(logicalAnd(greater(x, 0), less(x, 6)), dy)),
  fromInput('Rsqrt', (dy, x) => neg(div(dy, mul(mul(x, sqrt(x)), 2)))),
  fromOutput('Sigmoid', (dy, y) => mul(dy, mul(y, sub(1, y)))),
  fromInput('Sin', (dy, x) => mul(dy, cos(x))),
  fromInput('Softplus', (dy, x) => mul(dy, sigmoid(x))),
  fromInput('Sqrt', (dy, x) => div(dy, mul(sqrt(x), 2))),
  fromInput('Square', (dy, x) => mul(dy, mul(x, 2))),
  fromOutput('Tanh', (dy, y) => mul(dy, sub(1, square(y)))),
  zero('Ceil'),
  zero('Floor'),
  zero('Round'),
  zero('Sign'),
  zero('Step'),
  zero('OnesLike'),
  zero('ZerosLike'),
  zeroBinary('Equal'),
  zeroBinary('NotEqual'),
  zeroBinary('Greater'),
  zeroBinary('GreaterEqual'),
  zeroBinary('Less'),
  zeroBinary('LessEqual'),
  zeroBinary('LogicalAnd'),
  zeroBinary('LogicalOr'),
  {
    kernelName: 'LeakyRelu',
    inputsToSave: ['x'],
    gradFunc: (dy, [x], attrs) => {
      const { alpha } = attrs as unknown as { alpha: number };
      return { x: () => mul(dy as Tensor, where(greater(x!, 0), add(zerosLike(x!), 1), add(zerosLike(x!), alpha))) };
    },
  },
  {
    kernelName: 'ClipByValue',
    inputsToSave: ['x'],
    gradFunc: (dy, [x], attrs) => {
      const { clipValueMin, clipValueMax } = attrs as unknown as { clipValueMin: number; clipValueMax: number };
      return {
        x: () => where01(logicalAnd(greaterEqual(x!, clipValueMin), lessEqual(x!, clipValueMax)), dy as Tensor),
      };
    },
  },
  { kernelName: 'Cast', gradFunc: (dy) => ({ x: () => cast(dy as Tensor, 'float32') }) },
  { kernelName: 'Identity', gradFunc: (dy) => ({ x: () => cast(dy as Tensor, 'float32') }) },
  binary(
    'Add',
    (dy) => dy,
    (dy) => dy,
  ),
  binary(
    'Sub',
    (dy) => dy,
    (dy) => neg(dy),
  ),
  binary(
    'Multiply',
    (dy, _a, b) => mul(dy, cast(b, 'float32')),
    (dy, a) => mul(dy, cast(a, 'float32')),
  ),
  binary(
    'RealDiv',
    (dy, _a, b) => div(dy, cast(b, 'float32')),
    (dy, a, b) => neg(div(mul(dy, cast(a, 'float32')), square(cast(b, 'float32')))),
  ),
  binary(
    'SquaredDifference',
    (dy, a, b) => mul(dy, mul(2, sub(a, b))),
    (dy, a, b) => mul(dy, mul(2, sub(b, a))),
  ),
  // Where both are equal, the whole gradient goes to a, as upstream does.
  binary(
    'Maximum',
    (dy, a, b) => where01(greaterEqual(a, b), dy),
    (dy, a, b) => where01(less(a, b), dy),
  ),
  binary(
    'Minimum',
    (dy, a, b) => where01(lessEqual(a, b), dy),
    (dy, a, b) => where01(greater(a, b), dy),
  ),
  binary(
    'Pow',
    (dy, a, b) => mul(dy, mul(cast(b, 'float32'), pow(a, sub(cast(b, 'float32'), 1)))),
    (dy, a, b) =>
      mul(dy, mul(pow(a, b), where(greater(a, 0), log(where(greater(a, 0), a, add(zerosLike(a), 1))), zerosLike(a)))),
  ),
  {
    kernelName: 'AddN',
    saveAllInputs: true,
    gradFunc: (dy, saved) => Object.fromEntries(saved.map((_, index) => [String(index), () => mul(dy as Tensor, 1)])),
  },
  {
    kernelName: 'Select',
    inputsToSave: ['condition', 't', 'e'],
    gradFunc: (dy, [condition, t, e]) => ({
      condition: () => zerosLike(cast(condition!, 'float32')),
      t: () => unbroadcast(where(condition!, dy as Tensor, zerosLike(dy as Tensor)), t!.shape),
      e: () => unbroadcast(where(condition!, zerosLike(dy as Tensor), dy as Tensor), e!.shape),
    }),
  },
];
