// Loops that combine terms by one operation: what most nodes with a loop are.
import type { ElementType } from '@moe-rl/tfjs-graph/tracing';
import type { Scope } from '../compile/scope.ts';
import { literal } from './maps.ts';
import type { FoldOperation, KernelContext } from './node.ts';

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
export function combining(
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

export interface Term {
  readonly condition?: string;
  value(scope: Scope): string;
}
