// How the values of a StableHLO function are written.
import type { Value } from '@moe-rl/tfjs-graph/tracing';

/** `tensor<2x3xf32>`. */
export function tensorType({ shape, type }: Pick<Value, 'shape' | 'type'>): string {
  return `tensor<${[...shape, type].join('x')}>`;
}

/** `[1, 2]`. */
export function list(items: readonly (number | string | boolean)[]): string {
  return `[${items.join(', ')}]`;
}

/** `array<i64: 1, 2>`. */
export function array(items: readonly number[]): string {
  return `array<i64${items.length > 0 ? ': ' : ''}${items.join(', ')}>`;
}
