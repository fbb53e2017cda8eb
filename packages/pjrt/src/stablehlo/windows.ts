// Reductions over moving windows: pooling with its gradient, cumulative sums.
import type { Window } from '@moe-rl/tfjs-graph/tracing';
import type { FunctionBuilder } from './builder.ts';
import { array, byArrayAxis, list, membersOf, tensorType, type Value } from './value.ts';

function attributes(window: Window, members: number | undefined): string {
  const [sizes, strides] = [window.sizes, window.strides].map((numbers) => byArrayAxis(numbers, 1, members));
  const padding = byArrayAxis(window.padding, [0, 0], members);
  return `{window_dimensions = ${array(sizes!)}, window_strides = ${array(strides!)}, padding = dense<${list(padding.map((pair) => list(pair)))}> : tensor<${padding.length}x2xi64>}`;
}

/** Reduces each position of the window to one value. */
export function reduceWindow(
  b: FunctionBuilder,
  a: Value,
  operation: 'add' | 'maximum' | 'multiply',
  initial: number,
  window: Window,
): Value {
  const shape = a.shape.map((size, axis) => {
    const [low, high] = window.padding[axis]!;
    return Math.floor((size + low + high - window.sizes[axis]!) / window.strides[axis]!) + 1;
  });
  const start = b.scalar(initial, a.type);
  const scalar = tensorType(start);
  const id = b.nextId();
  const block = (n: number | string): string =>
    `({ ^bb0(%wa${n}: ${scalar}, %wb${n}: ${scalar}): %wc${n} = stablehlo.${operation} %wa${n}, %wb${n} : ${scalar} stablehlo.return %wc${n} : ${scalar} })`;
  const result = { ...a, shape };
  const text = (n: number | string): string =>
    `"stablehlo.reduce_window"(${a.id}, ${start.id}) ${block(n)} ${attributes(window, a.members)} : (${tensorType(a)}, ${scalar}) -> ${tensorType(result)}`;
  return b.emit(text(id), result, text('_'));
}

/** Adds each of `gradient` to the place of its window's largest element, the first of equals: max pooling's gradient. */
export function selectAndScatter(b: FunctionBuilder, image: Value, gradient: Value, window: Window): Value {
  const members = membersOf(image, gradient);
  const [a, dy] = [b.lift(image, members), b.lift(gradient, members)];
  const zero = b.scalar(0, a.type);
  const scalar = tensorType(zero);
  const n = b.nextId();
  const select = `({ ^bb0(%sa${n}: ${scalar}, %sb${n}: ${scalar}): %sc${n} = stablehlo.compare GE, %sa${n}, %sb${n}, FLOAT : (${scalar}, ${scalar}) -> tensor<i1> stablehlo.return %sc${n} : tensor<i1> }`;
  const scatter = `{ ^bb0(%sd${n}: ${scalar}, %se${n}: ${scalar}): %sf${n} = stablehlo.add %sd${n}, %se${n} : ${scalar} stablehlo.return %sf${n} : ${scalar} })`;
  return b.emit(
    `"stablehlo.select_and_scatter"(${a.id}, ${dy.id}, ${zero.id}) ${select}, ${scatter} ${attributes(window, members)} : (${tensorType(a)}, ${tensorType(dy)}, ${scalar}) -> ${tensorType(a)}`,
    a,
  );
}

/** Cumulative sums or products along an axis, as windows over everything before (or, reversed, behind). */
export function cumulate(
  b: FunctionBuilder,
  a: Value,
  operation: 'add' | 'multiply',
  axis: number,
  exclusive: boolean,
  reverse: boolean,
): Value {
  const size = a.shape[axis]!;
  const initial = operation === 'add' ? 0 : 1;
  const ones = a.shape.map(() => 1);
  const along = (low: number, high: number): [number, number][] =>
    a.shape.map((_, index) => (index === axis ? [low, high] : [0, 0]));
  // Exclusive: the window ends one before its place, so one element more is padded there and one less is seen.
  const behind = exclusive ? size : size - 1;
  const cut = exclusive ? -1 : 0;
  return reduceWindow(b, a, operation, initial, {
    sizes: ones.map((one, index) => (index === axis ? size : one)),
    strides: ones,
    padding: reverse ? along(cut, behind) : along(behind, cut),
  });
}
