// Where a convolution's outputs, filters and images meet. All places are u32: what would be negative wraps around and is refused as too large.
import type { WindowConfig } from '@moe-rl/tfjs-graph/tracing';
import type { Scope } from '../compile/scope.ts';

const spanOf = (size: number, dilation: number): number => (size - 1) * dilation + 1;

/** Output size of an image axis. */
export function outputSize(
  size: number,
  window: number,
  axis: 0 | 1,
  { strides, padding, dilations }: WindowConfig,
): number {
  const padded = size + padding[axis][0] + padding[axis][1];
  return Math.floor((padded - spanOf(window, dilations[axis])) / strides[axis]) + 1;
}

const times = (place: string, factor: number): string =>
  factor === 1 ? place : place === '0u' ? '0u' : `${place} * ${factor}u`;

/** Where an output's window sees its image: `output * stride + filter * dilation - padding` of one axis. */
export function imagePlace(scope: Scope, axis: 0 | 1, output: string, filter: string, config: WindowConfig): string {
  const low = config.padding[axis][0];
  const sum = `${times(output, config.strides[axis])} + ${times(filter, config.dilations[axis])}`;
  return scope.let(low === 0 ? sum : `${sum} - ${low}u`);
}

/** The output whose window has an image's place at `filter`, and the condition that there is one. */
export function outputPlace(
  scope: Scope,
  axis: 0 | 1,
  image: string,
  filter: string,
  outputs: number,
  { strides, padding, dilations }: WindowConfig,
): { readonly place: string; readonly condition: string } {
  const shifted = scope.let(`${image} + ${padding[axis][0]}u - ${times(filter, dilations[axis])}`);
  const stride = strides[axis];
  if (stride === 1) return { place: shifted, condition: `${shifted} < ${outputs}u` };
  return {
    place: scope.let(`${shifted} / ${stride}u`),
    condition: `${shifted} % ${stride}u == 0u && ${shifted} < ${outputs * stride}u`,
  };
}
