// Pooling, and max pooling's gradient.
import type { Window } from '@moe-rl/tfjs-graph/tracing';
import type { Scope } from '../compile/scope.ts';
import { combining } from './combining.ts';
import type { GraphBuilder } from './graph-builder.ts';
import { literal } from './maps.ts';
import type { FoldOperation, Node } from './node.ts';

function pooledShape(a: Node, { sizes, strides, padding }: Window): number[] {
  return a.shape.map((size, axis) => {
    const [low, high] = padding[axis]!;
    return Math.floor((size + low + high - sizes[axis]!) / strides[axis]!) + 1;
  });
}

/** Places in the image of a window's element; and the condition that they are within it, if they may not be. */
function windowPlaces(
  scope: Scope,
  a: Node,
  out: readonly string[],
  places: readonly string[],
  { strides, padding }: Window,
): { readonly places: string[]; readonly condition: string | undefined } {
  const conditions: string[] = [];
  const at = out.map((place, axis) => {
    const [low, high] = padding[axis]!;
    const terms = [...(place === '0u' ? [] : [strides[axis] === 1 ? place : `${place} * ${strides[axis]}u`])];
    if (places[axis] !== '0u') terms.push(places[axis]!);
    const sum = terms.length === 0 ? '0u' : terms.join(' + ');
    const shifted = low === 0 ? sum : low > 0 ? `${sum} - ${low}u` : `${sum} + ${-low}u`;
    const named = scope.let(shifted);
    if (low > 0 || high > 0) conditions.push(`${named} < ${a.shape[axis]}u`);
    return named;
  });
  return { places: at, condition: conditions.length === 0 ? undefined : conditions.join(' && ') };
}

/** Sums, products or largest of windows over any axes, as StableHLO’s reduce_window. */
export function reduceWindow(
  b: GraphBuilder,
  a: Node,
  operation: 'add' | 'maximum' | 'multiply',
  initial: number,
  window: Window,
): Node {
  const fold = combining(operation, a.type, initial, window.sizes, true, (context, scope, out, loop) => {
    const { places, condition } = windowPlaces(scope, a, out, loop, window);
    const value = (inner: Scope) => context.readAt(inner, a, places);
    return condition === undefined ? { value } : { condition, value };
  });
  return b.node(`window ${operation} ${initial} ${keyOf(window)}`, fold, [a], pooledShape(a, window), a.type);
}

/**
 * Max pooling's gradient in two kernels: where each window's largest element is, and for each element of the image the sum over the few windows that it may be the
 * largest of.
 */
export function selectAndScatter(b: GraphBuilder, a: Node, dy: Node, window: Window): Node {
  const { sizes, strides, padding } = window;
  const largest: FoldOperation = {
    kind: 'fold',
    loop: sizes,
    rereads: true,
    accumulators: [
      { type: a.type, initial: (context) => literal(context, Number.NEGATIVE_INFINITY, a.type) },
      { type: 'i32', initial: () => '-1i' },
    ],
    step(context, scope, index, loop, [best, place]) {
      const { places, condition } = windowPlaces(scope, a, index.axes, loop, window);
      const inner = scope.inner();
      const value = context.readAt(inner, a, places);
      const better = `if (${value} > ${best} || ${place} < 0i) { ${best} = ${value}; ${place} = i32(${numberIn(loop, sizes)}); }`;
      scope.lines.push(`if (${condition ?? 'true'}) {`, ...inner.lines, better, '}');
    },
    result: ([, place]) => place!,
  };
  const shape = pooledShape(a, window);
  const chosen = b.node(`largest ${keyOf(window)}`, largest, [a], shape, 'i32');
  // Windows that hold an element, along each axis: from the last one backwards.
  const loop = sizes.map((size, axis) => Math.min(shape[axis]!, Math.ceil(size / strides[axis]!)));
  const gather = combining('add', a.type, 0, loop, false, (context, scope, out, back) => {
    const offsets: string[] = [];
    const conditions: string[] = [];
    const windows = out.map((place, axis) => {
      const [low] = padding[axis]!;
      const shifted = scope.let(low === 0 ? place : `${place} + ${low}u`);
      const stride = strides[axis]!;
      const last = stride === 1 ? shifted : scope.let(`${shifted} / ${stride}u`);
      const at = back[axis] === '0u' ? last : scope.let(`${last} - ${back[axis]}`);
      // A window of one element that moves by more leaves elements out between.
      const isEach = sizes[axis] === 1 && stride === 1;
      const offset = isEach ? '0u' : scope.let(`${shifted} - ${at} * ${stride}u`);
      offsets.push(offset);
      if (shape[axis] !== 1 || sizes[axis] !== 1) conditions.push(`${at} < ${shape[axis]}u`);
      if (!isEach) conditions.push(`${offset} < ${sizes[axis]}u`);
      return at;
    });
    const inside = conditions.length === 0 ? 'true' : conditions.join(' && ');
    const isChosen = scope.guarded(inside, 'bool', 'false', (inner) =>
      inner.let(`${context.readAt(inner, chosen, windows)} == i32(${numberIn(offsets, sizes)})`),
    );
    return { condition: isChosen, value: (inner) => context.readAt(inner, dy, windows) };
  });
  return b.node(`scatter ${keyOf(window)}`, gather, [chosen, dy], a.shape, a.type);
}

function numberIn(places: readonly string[], sizes: readonly number[]): string {
  let stride = 1;
  const terms: string[] = [];
  for (let axis = sizes.length - 1; axis >= 0; axis--) {
    if (places[axis] !== '0u') terms.unshift(stride === 1 ? places[axis]! : `${places[axis]} * ${stride}u`);
    stride *= sizes[axis]!;
  }
  return terms.length === 0 ? '0u' : terms.join(' + ');
}

function keyOf({ sizes, strides, padding }: Window): string {
  return `${sizes};${strides};${padding}`;
}
