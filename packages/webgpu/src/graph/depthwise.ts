// Depthwise convolutions with both gradients: a loop over the filter for each element.
import type { WindowConfig } from '@moe-rl/tfjs-graph/tracing';
import { combining } from './combining.ts';
import { imagePlace, outputPlace, outputSize } from './convolution-places.ts';
import type { GraphBuilder } from './graph-builder.ts';
import type { Node } from './node.ts';

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

/** Gradient of {@link depthwiseConv2d} by its image `[N, H, W, C]` (`shape`), of `dy` `[N, H', W', C*M]`. */
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

/** Gradient of {@link depthwiseConv2d} by its filter `[h, w, C, M]` (`shape`), of `dy` `[N, H', W', C*M]`. */
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
