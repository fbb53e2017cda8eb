// Nodes with a loop for each element: reductions, pooling with its gradients, largest elements, sorting, scattering, depthwise convolutions. Nothing is added by atomic
// operations: every sum is made by one thread (or a fixed tree of threads) in a fixed order, so results are the same from run to run.
import type { ElementType, Reduction, Window, WindowConfig } from '@moe-rl/tfjs-graph/tracing';
import type { Scope } from '../compile/scope.ts';
import type { GraphBuilder } from './graph-builder.ts';
import { literal } from './maps.ts';
import { type FoldOperation, type KernelContext, type Node, sizeOf } from './node.ts';
import { imagePlace, outputPlace, outputSize } from './products.ts';

/** Reductions of fewer results than this, over more elements than {@link LONG}, are made in two stages. */
const FEW = 512;
const LONG = 4096;

type Combine = 'add' | 'multiply' | 'maximum' | 'minimum' | 'and' | 'or';

const combine = (operation: Combine, type: ElementType): ((a: string, b: string) => string) => {
  if (operation === 'add') return (a, b) => `${a} + ${b}`;
  if (operation === 'multiply') return (a, b) => `${a} * ${b}`;
  if (operation === 'maximum') return (a, b) => `max(${a}, ${b})`;
  if (operation === 'minimum') return (a, b) => `min(${a}, ${b})`;
  const sign = operation === 'and' ? '&' : '|';
  return (a, b) => (type === 'i1' ? `${a} ${sign}${sign} ${b}` : `${a} ${sign} ${b}`);
};

/** A fold of one accumulator that combines the terms that `term` writes; a term may be left out by a condition. */
function combining(
  operation: Combine,
  type: ElementType,
  initial: number,
  loop: readonly number[],
  rereads: boolean,
  term: (context: KernelContext, scope: Scope, axes: readonly string[], loop: readonly string[]) => Term,
): FoldOperation {
  const together = combine(operation, type);
  return {
    kind: 'fold',
    loop,
    rereads,
    accumulators: [{ type, initial: (context) => literal(context, initial, type) }],
    combine: together,
    step(context, scope, index, places, [accumulator]) {
      const { condition, value } = term(context, scope, index.axes, places);
      const inner = scope.inner();
      const added = together(accumulator!, value(inner));
      if (condition === undefined) scope.lines.push(...inner.lines, `${accumulator} = ${added};`);
      else scope.lines.push(`if (${condition}) {`, ...inner.lines, `${accumulator} = ${added};`, '}');
    },
    result: ([accumulator]) => accumulator!,
  };
}

interface Term {
  readonly condition?: string;
  value(scope: Scope): string;
}

/** Reduces axes away; with `keep` they stay with size 1. */
export function reduce(
  b: GraphBuilder,
  operation: Reduction,
  a: Node,
  axes: readonly number[],
  initial: number,
  keep: boolean,
): Node {
  const kept = a.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  const shape = kept.map((axis) => a.shape[axis]!);
  const finish = (node: Node): Node =>
    b.reshape(node, keep ? a.shape.map((size, axis) => (axes.includes(axis) ? 1 : size)) : shape);
  const loop = axes.map((axis) => a.shape[axis]!);
  const length = sizeOf(loop);
  if (a.size === 0) return finish(b.full(initial, shape, a.type));
  if (length === 1) return finish(a);
  if (length > LONG && sizeOf(shape) < FEW) {
    const [first, ...rest] = [...axes].sort((x, y) => a.shape[y]! - a.shape[x]!);
    // The longest axis by itself at the end: first the others, or parts of it.
    if (sizeOf(rest.map((axis) => a.shape[axis]!)) > 1) {
      return finish(reduce(b, operation, reduce(b, operation, a, rest, initial, true), [first!], initial, false));
    }
    const size = a.shape[first!]!;
    const parts = divisorNear(size, Math.sqrt(size));
    if (parts > 1) {
      const split = b.reshape(a, a.shape.flatMap((other, axis) => (axis === first ? [parts, other / parts] : [other])));
      const within = reduce(b, operation, split, [first! + 1], initial, false);
      return finish(reduce(b, operation, within, axes.filter((axis) => a.shape[axis] !== 1 || axis === first), initial, false));
    }
  }
  const fold = combining(operation, a.type, initial, loop, false, (context, _, out, places) => ({
    value: (scope) => {
      const index: string[] = [];
      for (const [at, axis] of kept.entries()) index[axis] = out[at]!;
      for (const [at, axis] of axes.entries()) index[axis] = places[at]!;
      return context.readAt(scope, a, index);
    },
  }));
  return finish(b.node(`reduce ${operation} ${axes} ${initial}`, fold, [a], shape, a.type));
}

/** The divisor of `size` next to `wanted`; 1 when none is within a factor of 4. */
function divisorNear(size: number, wanted: number): number {
  let best = 1;
  for (let divisor = 2; divisor <= Math.min(size, wanted * 4); divisor++) {
    if (size % divisor === 0 && Math.abs(divisor - wanted) < Math.abs(best - wanted)) best = divisor;
  }
  return best * 4 < wanted ? 1 : best;
}

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
      const offset = sizes[axis] === 1 ? '0u' : scope.let(`${shifted} - ${at} * ${stride}u`);
      offsets.push(offset);
      if (shape[axis] !== 1 || sizes[axis] !== 1) conditions.push(`${at} < ${shape[axis]}u`);
      if (sizes[axis] !== 1) conditions.push(`${offset} < ${sizes[axis]}u`);
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

export function cumulate(
  b: GraphBuilder,
  a: Node,
  operation: 'add' | 'multiply',
  axis: number,
  exclusive: boolean,
  reverse: boolean,
): Node {
  const sign = `${reverse ? '>' : '<'}${exclusive ? '' : '='}`;
  const fold = combining(operation, a.type, operation === 'add' ? 0 : 1, [a.shape[axis]!], true, (context, _, out, loop) => ({
    condition: `${loop[0]} ${sign} ${out[axis]}`,
    value: (scope) => context.readAt(scope, a, replaced(out, axis, loop[0]!)),
  }));
  return b.node(`cumulate ${operation} ${axis} ${sign}`, fold, [a], a.shape, a.type);
}

export function argExtreme(b: GraphBuilder, a: Node, axis: number, kind: 'largest' | 'smallest'): Node {
  const others = a.shape.map((_, at) => at).filter((at) => at !== axis);
  const fold: FoldOperation = {
    kind: 'fold',
    loop: [a.shape[axis]!],
    rereads: false,
    accumulators: [
      { type: a.type, initial: (context) => literal(context, 0, a.type) },
      { type: 'i32', initial: () => '-1i' },
    ],
    step(context, scope, index, [place], [best, found]) {
      const at: string[] = [];
      for (const [from, to] of others.entries()) at[to] = index.axes[from]!;
      at[axis] = place!;
      const value = context.readAt(scope, a, at);
      const [x, y] = a.type === 'i1' ? [`u32(${value})`, `u32(${best})`] : [value, best];
      const better = kind === 'largest' ? `${x} > ${y}` : `${x} < ${y}`;
      scope.lines.push(`if (${better} || ${found} < 0i) { ${best} = ${value}; ${found} = i32(${place}); }`);
    },
    result: ([, found]) => found!,
  };
  return b.node(`extreme ${kind} ${axis}`, fold, [a], others.map((at) => a.shape[at]!), 'i32');
}

/** By ranks: how many elements stand before each, then for each of the k places which element has it. */
export function topK(b: GraphBuilder, a: Node, k: number): [Node, Node] {
  const last = a.shape.length - 1;
  const loop = [a.shape[last]!];
  const rank = combining('add', 'i32', 0, loop, true, (context, scope, out, [place]) => {
    const own = context.readAt(scope, a, out);
    const other = context.readAt(scope, a, replaced(out, last, place!));
    return { condition: `${other} > ${own} || (${other} == ${own} && ${place} < ${out[last]})`, value: () => '1i' };
  });
  const ranks = b.node('ranks', rank, [a], a.shape, 'i32');
  const shape = [...a.shape.slice(0, -1), k];
  const chosen = (type: ElementType, value: (context: KernelContext, scope: Scope, at: string[]) => string) =>
    combining('add', type, 0, loop, true, (context, scope, out, [place]) => {
      const at = replaced(out, last, place!);
      return { condition: `${context.readAt(scope, ranks, at)} == i32(${out[last]})`, value: (inner) => value(context, inner, at) };
    });
  const values = chosen(a.type, (context, scope, at) => context.readAt(scope, a, at));
  const places = chosen('i32', (_, scope, at) => scope.let(`i32(${at[last]})`));
  return [
    b.node('ranked values', values, [a, ranks], shape, a.type),
    b.node('ranked places', places, [ranks], shape, 'i32'),
  ];
}

/** Each element of the target looks for its updates: no atomic additions, and the same order every time. */
export function scatterAdd(b: GraphBuilder, target: Node, indices: Node, updates: Node): Node {
  const lead = indices.shape.length - 1;
  const depth = indices.shape[lead]!;
  const loop = indices.shape.slice(0, lead);
  const fold = combining('add', target.type, 0, loop, true, (context, scope, out, places) => {
    const matches = Array.from(
      { length: depth },
      (_, component) => `${context.readAt(scope, indices, [...places, `${component}u`])} == i32(${out[component]})`,
    );
    return {
      condition: matches.length === 0 ? 'true' : matches.join(' && '),
      value: (inner) => context.readAt(inner, updates, [...places, ...out.slice(depth)]),
    };
  });
  const sums = b.node('scatter add', fold, [indices, updates], target.shape, target.type);
  return b.binary('add', target, sums) as Node;
}

/** `x` `[N, H, W, C]` with `filter` `[h, w, C, M]`. */
export function depthwiseConv2d(b: GraphBuilder, x: Node, filter: Node, config: WindowConfig): Node {
  const [height, width, channels, multiplier] = filter.shape as [number, number, number, number];
  const outputs = ([0, 1] as const).map((axis) => outputSize(x.shape[axis + 1]!, filter.shape[axis]!, axis, config));
  const fold = combining('add', 'f32', 0, [height, width], true, (context, scope, out, [y, u]) => {
    const places = [imagePlace(scope, 0, out[1]!, y!, config), imagePlace(scope, 1, out[2]!, u!, config)];
    const channel = scope.let(`${out[3]} / ${multiplier}u`);
    return {
      condition: inside(places, x),
      value: (inner) =>
        `${context.readAt(inner, x, [out[0]!, ...places, channel])} * ${context.readAt(inner, filter, [y!, u!, channel, `${out[3]} % ${multiplier}u`])}`,
    };
  });
  const shape = [x.shape[0]!, ...outputs, channels * multiplier];
  return b.node(`depthwise ${windowKey(config)}`, fold, [x, filter], shape, 'f32');
}

export function depthwiseInputGradient(
  b: GraphBuilder,
  dy: Node,
  filter: Node,
  shape: readonly number[],
  config: WindowConfig,
): Node {
  const [height, width, , multiplier] = filter.shape as [number, number, number, number];
  const fold = combining('add', 'f32', 0, [height, width, multiplier], true, (context, scope, out, [y, u, m]) => {
    const vertical = outputPlace(scope, 0, out[1]!, y!, dy.shape[1]!, config);
    const horizontal = outputPlace(scope, 1, out[2]!, u!, dy.shape[2]!, config);
    return {
      condition: `${vertical.condition} && ${horizontal.condition}`,
      value: (inner) =>
        `${context.readAt(inner, dy, [out[0]!, vertical.place, horizontal.place, `${out[3]} * ${multiplier}u + ${m}`])} * ${context.readAt(inner, filter, [y!, u!, out[3]!, m!])}`,
    };
  });
  return b.node(`depthwise input ${windowKey(config)}`, fold, [dy, filter], shape, 'f32');
}

export function depthwiseFilterGradient(
  b: GraphBuilder,
  x: Node,
  dy: Node,
  shape: readonly number[],
  config: WindowConfig,
): Node {
  const multiplier = shape[3]!;
  const fold = combining('add', 'f32', 0, dy.shape.slice(0, 3), true, (context, scope, out, [sample, row, column]) => {
    const places = [imagePlace(scope, 0, row!, out[0]!, config), imagePlace(scope, 1, column!, out[1]!, config)];
    return {
      condition: inside(places, x),
      value: (inner) =>
        `${context.readAt(inner, x, [sample!, ...places, out[2]!])} * ${context.readAt(inner, dy, [sample!, row!, column!, `${out[2]} * ${multiplier}u + ${out[3]}`])}`,
    };
  });
  return b.node(`depthwise filter ${windowKey(config)}`, fold, [x, dy], shape, 'f32');
}

function inside(places: readonly string[], { shape }: Node): string {
  return places.map((place, axis) => `${place} < ${shape[axis + 1]}u`).join(' && ');
}

function windowKey({ strides, padding, dilations }: WindowConfig): string {
  return `${strides};${padding};${dilations}`;
}

function replaced(axes: readonly string[], at: number, place: string): string[] {
  return axes.map((other, axis) => (axis === at ? place : other));
}
