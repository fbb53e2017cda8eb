// Nodes that are elements of other nodes at other places, and such as are functions of the place alone. They cost no memory and no kernel of their own.
import type { ElementType } from '@moe-rl/tfjs-graph/tracing';
import { literal } from './maps.ts';
import { type Node, registerType, type ViewOperation } from './node.ts';

/** How many parts one node puts together. */
export const CONCATENATED = 4;

type Write = ViewOperation['write'];

const view = (write: Write, weight = 0, isReshape = false): ViewOperation => ({
  kind: 'view',
  weight,
  isReshape,
  write,
});

export function iota(axis: number, type: ElementType): ViewOperation {
  return view((_, scope, index) => scope.let(`${registerType(type)}(${index.axes[axis]})`));
}

export function reshape(a: Node): ViewOperation {
  return view((context, scope, index) => context.read(scope, a, index.reshaped(a.shape)), 0, true);
}

export function broadcastAlong(a: Node, axes: readonly number[]): ViewOperation {
  return view((context, scope, index) =>
    context.readAt(
      scope,
      a,
      a.shape.map((size, axis) => (size === 1 ? '0u' : index.axes[axes[axis]!]!)),
    ),
  );
}

export function transpose(a: Node, permutation: readonly number[]): ViewOperation {
  return view((context, scope, index) => {
    const axes: string[] = [];
    for (const [at, axis] of permutation.entries()) axes[axis] = index.axes[at]!;
    return context.readAt(scope, a, axes);
  });
}

export function reverse(a: Node, reversed: readonly number[]): ViewOperation {
  return view((context, scope, index) =>
    context.readAt(
      scope,
      a,
      index.axes.map((place, axis) => (reversed.includes(axis) ? `${a.shape[axis]! - 1}u - ${place}` : place)),
    ),
  );
}

export function slice(a: Node, begin: readonly number[], strides: readonly number[]): ViewOperation {
  return view((context, scope, index) =>
    context.readAt(
      scope,
      a,
      index.axes.map((place, axis) => {
        const step = strides[axis] === 1 ? place : place === '0u' ? '0u' : `${place} * ${strides[axis]}u`;
        if (begin[axis] === 0) return step;
        return step === '0u' ? `${begin[axis]}u` : `${step} + ${begin[axis]}u`;
      }),
    ),
  );
}

export function pad(a: Node, low: readonly number[], interior: readonly number[], value: number): ViewOperation {
  return view((context, scope, index) => {
    const conditions: string[] = [];
    const axes = index.axes.map((place, axis) => {
      const size = a.shape[axis]!;
      const [start, gap] = [low[axis]!, interior[axis]! + 1];
      if (index.shape[axis] === size && start === 0 && gap === 1) return place;
      const shifted = start === 0 ? place : scope.let(start > 0 ? `${place} - ${start}u` : `${place} + ${-start}u`);
      if (gap === 1) {
        conditions.push(`${shifted} < ${size}u`);
        return shifted;
      }
      const divided = scope.let(`${shifted} / ${gap}u`);
      conditions.push(`${shifted} < ${(size - 1) * gap + 1}u`, `${shifted} % ${gap}u == 0u`);
      return divided;
    });
    const condition = conditions.length === 0 ? 'true' : conditions.join(' && ');
    return scope.guarded(condition, registerType(a.type), literal(context, value, a.type), (inner) =>
      context.readAt(inner, a, axes),
    );
  });
}

export function concatenate(parts: readonly Node[], axis: number): ViewOperation {
  return view((context, scope, index) => {
    const name = scope.fresh('g');
    const lines = [`var ${name}: ${registerType(parts[0]!.type)};`];
    const place = index.axes[axis]!;
    let start = 0;
    for (const [number, part] of parts.entries()) {
      const from = start;
      start += part.shape[axis]!;
      const inner = scope.inner();
      const shifted = from === 0 ? place : `${place} - ${from}u`;
      const value = context.readAt(
        inner,
        part,
        index.axes.map((other, at) => (at === axis ? shifted : other)),
      );
      const head = number === parts.length - 1 ? 'else' : `${number === 0 ? '' : 'else '}if (${place} < ${start}u)`;
      lines.push(`${head} {`, ...inner.lines, `${name} = ${value};`, '}');
    }
    scope.lines.push(...lines);
    return name;
  }, 2);
}

/** Places outside are those of some element within: WebGPU reads within a buffer only. */
export function gatherNd(a: Node, places: Node): ViewOperation {
  return view((context, scope, index) => {
    const lead = places.shape.length - 1;
    const depth = places.shape[lead]!;
    const chosen = Array.from({ length: depth }, (_, component) =>
      scope.let(`u32(${context.readAt(scope, places, [...index.axes.slice(0, lead), `${component}u`])})`),
    );
    return context.readAt(scope, a, [...chosen, ...index.axes.slice(lead)]);
  }, 2);
}
