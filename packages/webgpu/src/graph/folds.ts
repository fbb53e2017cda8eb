// Nodes with a loop for each element: reductions, cumulative sums, largest elements, sorting, scattering. Nothing is added by atomic
// operations: every sum is made by one thread (or a fixed tree of threads) in a fixed order, so results are the same from run to run.
import type { ElementType, Reduction } from '@moe-rl/tfjs-graph/tracing';
import type { Scope } from '../compile/scope.ts';
import { combining } from './combining.ts';
import type { GraphBuilder } from './graph-builder.ts';
import { literal } from './maps.ts';
import { type FoldOperation, type KernelContext, type Node, sizeOf } from './node.ts';

/** Reductions of fewer results than this, over more elements than {@link LONG}, are made in two stages. */
const FEW = 512;
const LONG = 4096;

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
      const split = b.reshape(
        a,
        a.shape.flatMap((other, axis) => (axis === first ? [parts, other / parts] : [other])),
      );
      const within = reduce(b, operation, split, [first! + 1], initial, false);
      return finish(
        reduce(
          b,
          operation,
          within,
          axes.filter((axis) => a.shape[axis] !== 1 || axis === first),
          initial,
          false,
        ),
      );
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

/** Running sums or products along an axis; the result has the shape of `a`. */
export function cumulate(
  b: GraphBuilder,
  a: Node,
  operation: 'add' | 'multiply',
  axis: number,
  exclusive: boolean,
  reverse: boolean,
): Node {
  const sign = `${reverse ? '>' : '<'}${exclusive ? '' : '='}`;
  const fold = combining(
    operation,
    a.type,
    operation === 'add' ? 0 : 1,
    [a.shape[axis]!],
    true,
    (context, _, out, loop) => ({
      condition: `${loop[0]} ${sign} ${out[axis]}`,
      value: (scope) => context.readAt(scope, a, replaced(out, axis, loop[0]!)),
    }),
  );
  return b.node(`cumulate ${operation} ${axis} ${sign}`, fold, [a], a.shape, a.type);
}

/** Index `i32` of the first largest or smallest along `axis`, which is left out of the shape. */
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
  return b.node(
    `extreme ${kind} ${axis}`,
    fold,
    [a],
    others.map((at) => a.shape[at]!),
    'i32',
  );
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
      return {
        condition: `${context.readAt(scope, ranks, at)} == i32(${out[last]})`,
        value: (inner) => value(context, inner, at),
      };
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

function replaced(axes: readonly string[], at: number, place: string): string[] {
  return axes.map((other, axis) => (axis === at ? place : other));
}
