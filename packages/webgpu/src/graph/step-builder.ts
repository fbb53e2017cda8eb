// The tracer's builder for WebGPU: every operation as nodes.
import type { Reduction, StepBuilder, Value, Window, WindowConfig } from '@moe-rl/tfjs-graph/tracing';
import * as depthwise from './depthwise.ts';
import * as folds from './folds.ts';
import { GraphBuilder } from './graph-builder.ts';
import type { Node } from './node.ts';
import * as pooling from './pooling.ts';
import * as products from './products.ts';
import { random } from './random.ts';

export class WgslStepBuilder extends GraphBuilder implements StepBuilder {
  reduce(operation: Reduction, a: Value, axes: readonly number[], initial: number | boolean, keep = false): Node {
    return folds.reduce(this, operation, this.nodeOf(a), axes, Number(initial), keep);
  }

  reduceWindow(a: Value, operation: 'add' | 'maximum' | 'multiply', initial: number, window: Window): Node {
    return pooling.reduceWindow(this, this.nodeOf(a), operation, initial, window);
  }

  selectAndScatter(a: Value, dy: Value, window: Window): Node {
    return pooling.selectAndScatter(this, this.nodeOf(a), this.nodeOf(dy), window);
  }

  cumulate(a: Value, operation: 'add' | 'multiply', axis: number, exclusive: boolean, reverse: boolean): Node {
    return folds.cumulate(this, this.nodeOf(a), operation, axis, exclusive, reverse);
  }

  argExtreme(a: Value, axis: number, kind: 'largest' | 'smallest'): Node {
    return folds.argExtreme(this, this.nodeOf(a), axis, kind);
  }

  topK(a: Value, k: number): [Node, Node] {
    return folds.topK(this, this.nodeOf(a), k);
  }

  scatterAdd(target: Value, indices: Value, updates: Value): Node {
    return folds.scatterAdd(this, this.nodeOf(target), this.nodeOf(indices), this.nodeOf(updates));
  }

  matMul(x: Value, y: Value, transposeX: boolean, transposeY: boolean): Node {
    return products.matMul(this, this.nodeOf(x), this.nodeOf(y), transposeX, transposeY);
  }

  conv2d(x: Value, filter: Value, config: WindowConfig): Node {
    return products.conv2d(this, this.nodeOf(x), this.nodeOf(filter), config);
  }

  conv2dInputGradient(dy: Value, filter: Value, inputShape: readonly number[], config: WindowConfig): Node {
    return products.conv2dInputGradient(this, this.nodeOf(dy), this.nodeOf(filter), inputShape, config);
  }

  conv2dFilterGradient(x: Value, dy: Value, filterShape: readonly number[], config: WindowConfig): Node {
    return products.conv2dFilterGradient(this, this.nodeOf(x), this.nodeOf(dy), filterShape, config);
  }

  depthwiseConv2d(x: Value, filter: Value, config: WindowConfig): Node {
    return depthwise.depthwiseConv2d(this, this.nodeOf(x), this.nodeOf(filter), config);
  }

  depthwiseInputGradient(dy: Value, filter: Value, inputShape: readonly number[], config: WindowConfig): Node {
    return depthwise.depthwiseInputGradient(this, this.nodeOf(dy), this.nodeOf(filter), inputShape, config);
  }

  depthwiseFilterGradient(x: Value, dy: Value, filterShape: readonly number[], config: WindowConfig): Node {
    return depthwise.depthwiseFilterGradient(this, this.nodeOf(x), this.nodeOf(dy), filterShape, config);
  }

  randomNormal(shape: readonly number[], seed: Value): Node {
    return random(this, 'normal', shape, this.nodeOf(seed));
  }

  randomUniform(shape: readonly number[], seed: Value): Node {
    return random(this, 'uniform', shape, this.nodeOf(seed));
  }
}
