// What gradients share: undoing a broadcast, and putting reduced axes back.

import type { Tensor } from '@tensorflow/tfjs-core';
import { broadcast_util, mul, ones, reshape, sum, util } from '@tensorflow/tfjs-core';

/** Sums `gradient` over the axes along which a tensor of `shape` was broadcast. */
export function unbroadcast(gradient: Tensor, shape: number[]): Tensor {
  const axes = broadcast_util.getReductionAxes(shape, gradient.shape);
  return reshape(axes.length > 0 ? sum(gradient, axes) : gradient, shape);
}

/** Broadcasts the gradient of a reduction over `axes` back to the reduced tensor's shape. */
export function broadcastReduced(gradient: Tensor, shape: number[], axes: number | number[] | undefined): Tensor {
  return mul(reshape(gradient, keptShape(shape, axes)), ones(shape));
}

/** `shape` with the reduced axes set to 1. */
export function keptShape(shape: number[], axes: number | number[] | undefined): number[] {
  const reduced = util.parseAxisParam(axes ?? shape.map((_, axis) => axis), shape);
  return shape.map((size, axis) => (reduced.includes(axis) ? 1 : size));
}
