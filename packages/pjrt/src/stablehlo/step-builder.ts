// The tracer's builder for XLA: every operation as StableHLO.
import type { StepBuilder, Value, Window, WindowConfig } from '@moe-rl/tfjs-graph/tracing';
import { FunctionBuilder } from './builder.ts';
import * as contractions from './contractions.ts';
import * as indexing from './indexing.ts';
import * as random from './random.ts';
import * as windows from './windows.ts';

/** Writes the operations of a traced step as StableHLO; shapes as {@link StepBuilder} has them. */
export class StableHloStepBuilder extends FunctionBuilder implements StepBuilder {
  matMul(x: Value, y: Value, transposeX = false, transposeY = false): Value {
    return contractions.matMul(this, x, y, transposeX, transposeY);
  }

  conv2d(x: Value, filter: Value, config: WindowConfig): Value {
    return contractions.conv2d(this, x, filter, config);
  }

  conv2dInputGradient(dy: Value, filter: Value, inputShape: readonly number[], config: WindowConfig): Value {
    return contractions.conv2dInputGradient(this, dy, filter, inputShape, config);
  }

  conv2dFilterGradient(x: Value, dy: Value, filterShape: readonly number[], config: WindowConfig): Value {
    return contractions.conv2dFilterGradient(this, x, dy, filterShape, config);
  }

  depthwiseConv2d(x: Value, filter: Value, config: WindowConfig): Value {
    return contractions.depthwiseConv2d(this, x, filter, config);
  }

  depthwiseInputGradient(dy: Value, filter: Value, inputShape: readonly number[], config: WindowConfig): Value {
    return contractions.depthwiseInputGradient(this, dy, filter, inputShape, config);
  }

  depthwiseFilterGradient(x: Value, dy: Value, filterShape: readonly number[], config: WindowConfig): Value {
    return contractions.depthwiseFilterGradient(this, x, dy, filterShape, config);
  }

  reduceWindow(a: Value, operation: 'add' | 'maximum' | 'multiply', initial: number, window: Window): Value {
    return windows.reduceWindow(this, a, operation, initial, window);
  }

  selectAndScatter(a: Value, dy: Value, window: Window): Value {
    return windows.selectAndScatter(this, a, dy, window);
  }

  cumulate(a: Value, operation: 'add' | 'multiply', axis: number, exclusive: boolean, reverse: boolean): Value {
    return windows.cumulate(this, a, operation, axis, exclusive, reverse);
  }

  argExtreme(a: Value, axis: number, kind: 'largest' | 'smallest'): Value {
    return indexing.argExtreme(this, a, axis, kind);
  }

  topK(a: Value, k: number): [Value, Value] {
    return indexing.topK(this, a, k);
  }

  gatherNd(a: Value, indices: Value): Value {
    return indexing.gatherNd(this, a, indices);
  }

  scatterAdd(target: Value, indices: Value, updates: Value): Value {
    return indexing.scatterAdd(this, target, indices, updates);
  }

  randomNormal(shape: readonly number[], seed: Value): Value {
    return random.randomNormal(this, shape, seed);
  }

  randomUniform(shape: readonly number[], seed: Value): Value {
    return random.randomUniform(this, shape, seed);
  }
}
