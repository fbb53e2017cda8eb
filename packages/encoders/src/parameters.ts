// Parameters: what a block needs (name, shape, initializer) before any tensor exists, and how the values are drawn.
// Networks are pure functions over a flat tree `name -> tensor`; names and shapes are the official implementation's (flax paths joined by '/').
import {
  elementCount,
  InvalidArgumentError,
  type NamedTensors,
  NotFoundError,
  type Rng,
  ShapeError,
} from '@moe-rl/core';
import type { Tensor } from '@tensorflow/tfjs-core';

/** How a parameter's first values are drawn. Fans as flax counts them: `fanIn` is the product of all axes but the last (expert axes excluded). */
export type Initializer =
  | { readonly type: 'zeros' }
  | { readonly type: 'constant'; readonly value: number }
  /** Glorot: U(-a, a) with `a = sqrt(6 / (fanIn + fanOut))`. */
  | { readonly type: 'xavierUniform' }
  /** Normal, cut at two standard deviations, of variance `1 / fanIn` (flax's default for kernels). */
  | { readonly type: 'lecunNormal' }
  /** U(-limit, limit). */
  | { readonly type: 'uniform'; readonly limit: number };

/** One parameter of a network. */
export interface ParameterSpec {
  readonly shape: readonly number[];
  readonly initializer: Initializer;
  /** Leading axes that stack independent copies (experts): each copy is drawn with the fans of its own shape. Default 0. */
  readonly stackedAxes?: number;
}

/** A network's parameters by name. */
export type ParameterSpecs = Record<string, ParameterSpec>;

/** A network's parameters as tensors (variables, or values inside a gradient computation). */
export type ParameterTensors = Readonly<Record<string, Tensor>>;

/** The standard deviation of a standard normal cut at +-2, which `lecunNormal` divides by. */
const TRUNCATED_STANDARD_DEVIATION = 0.87962566103423978;

/** Draws every parameter, each from its own stream, so that adding one does not change the others. */
export function initializeParameters(rng: Rng, specs: ParameterSpecs): NamedTensors {
  const parameters: NamedTensors = {};
  for (const [name, spec] of Object.entries(specs)) {
    parameters[name] = { shape: spec.shape, data: drawParameter(rng.fork(name), spec) };
  }
  return parameters;
}

/** Number of values of all parameters. */
export function countParameters(specs: Readonly<Record<string, { readonly shape: readonly number[] }>>): number {
  let count = 0;
  for (const { shape } of Object.values(specs)) count += elementCount(shape);
  return count;
}

/**
 * The tensor called `name`.
 * @throws NotFoundError naming it and the parameters that exist.
 */
export function parameterOf(parameters: ParameterTensors, name: string): Tensor {
  const tensor = parameters[name];
  if (tensor === undefined) {
    throw new NotFoundError(`parameter "${name}" is missing; there are ${Object.keys(parameters).sort().join(', ')}`);
  }
  return tensor;
}

/**
 * The tensor called `name`, of a shape: tensors of some others would be spread silently.
 * @throws NotFoundError when it is missing, ShapeError when it has another shape
 */
export function shapedParameter(parameters: ParameterTensors, name: string, shape: readonly number[]): Tensor {
  const tensor = parameterOf(parameters, name);
  if (tensor.shape.join() === shape.join()) return tensor;
  throw new ShapeError(`parameter "${name}" has shape [${tensor.shape}]; expected [${shape}]`);
}

/**
 * Checks that `values` has exactly the parameters of `specs`, with their shapes.
 * @throws ShapeError naming the first that is missing, unknown or of another shape.
 */
export function checkParameters(
  values: Readonly<Record<string, { readonly shape: readonly number[] }>>,
  specs: Readonly<Record<string, { readonly shape: readonly number[] }>>,
): void {
  for (const [name, { shape }] of Object.entries(specs)) {
    const value = values[name];
    if (value === undefined) throw new ShapeError(`parameter "${name}" is missing; expected shape [${shape}]`);
    if (value.shape.join() !== shape.join()) {
      throw new ShapeError(`parameter "${name}" has shape [${value.shape}]; expected [${shape}]`);
    }
  }
  for (const name of Object.keys(values)) {
    if (!(name in specs)) throw new ShapeError(`parameter "${name}" is not part of this network`);
  }
}

function drawParameter(rng: Rng, spec: ParameterSpec): Float32Array {
  const values = new Float32Array(elementCount(spec.shape));
  const { initializer } = spec;
  const own = spec.shape.slice(spec.stackedAxes ?? 0);
  const fanOut = own.at(-1) ?? 1;
  const fanIn = elementCount(own) / fanOut;
  switch (initializer.type) {
    case 'zeros':
      break;
    case 'constant':
      values.fill(initializer.value);
      break;
    case 'xavierUniform':
    case 'uniform': {
      // A convolution's receptive field counts in both fans.
      const field = own.length > 2 ? elementCount(own.slice(0, -2)) : 1;
      const limit = initializer.type === 'uniform' ? initializer.limit : Math.sqrt(6 / (fanIn + fanOut * field));
      for (let index = 0; index < values.length; index++) values[index] = (2 * rng.nextFloat() - 1) * limit;
      break;
    }
    case 'lecunNormal': {
      const scale = Math.sqrt(1 / fanIn) / TRUNCATED_STANDARD_DEVIATION;
      for (let index = 0; index < values.length; index++) {
        let normal = rng.nextNormal();
        while (Math.abs(normal) > 2) normal = rng.nextNormal();
        values[index] = normal * scale;
      }
      break;
    }
    default:
      throw new InvalidArgumentError(
        `initializer is ${JSON.stringify(initializer satisfies never)}; expected a known type`,
      );
  }
  return values;
}
