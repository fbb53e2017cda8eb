// Checks of what goes into a program and comes out: typed arrays against declared shapes and element types.

import { elementCount, NotFoundError, ShapeError, type TensorData, type TypedArray } from '@moe-rl/core';
import type * as tf from '@tensorflow/tfjs-core';
import type { BindingValues } from './binding.ts';
import type { EntryPoint, InputDtype, InputSpec, ProgramInputs } from './program-interface.ts';

const arrayTypes = { float32: Float32Array, int32: Int32Array, bool: Uint8Array, uint8: Uint8Array } as const;

/** The entry point of that name. */
export function findEntryPoint<T>(entryPoints: Readonly<Record<string, T>>, name: string): T {
  const entryPoint = Object.hasOwn(entryPoints, name) ? entryPoints[name] : undefined;
  if (entryPoint === undefined) {
    throw new NotFoundError(`the program has no entry point "${name}"; it has ${Object.keys(entryPoints).join(', ')}`);
  }
  return entryPoint;
}

/** Returns the inputs' values in the order of their declaration. */
export function checkInputs(
  entryName: string,
  specs: Readonly<Record<string, InputSpec>>,
  inputs: ProgramInputs,
): BindingValues[] {
  for (const name of Object.keys(inputs)) {
    if (!Object.hasOwn(specs, name)) {
      throw new ShapeError(`${entryName} has no input "${name}"; it has ${Object.keys(specs).join(', ') || 'none'}`);
    }
  }
  return Object.entries(specs).map(([name, { shape, dtype }]) =>
    checkValues(`input "${name}" of ${entryName}`, inputs[name], shape, dtype),
  );
}

/** Checks one array against a shape and an element type. */
export function checkValues(
  place: string,
  values: TypedArray | undefined,
  shape: readonly number[],
  dtype: InputDtype,
): BindingValues {
  const type = arrayTypes[dtype];
  const expected = `expected a ${type.name} of ${elementCount(shape)} values for ${dtype} [${shape}]`;
  if (values === undefined) throw new ShapeError(`${place} is missing; ${expected}`);
  if (!(values instanceof type)) {
    const given = (values as object | null)?.constructor?.name ?? typeof values;
    throw new ShapeError(`${place} is a ${given}; ${expected}`);
  }
  if (values.length !== elementCount(shape)) {
    throw new ShapeError(`${place} has ${values.length} values; ${expected}`);
  }
  return values;
}

/** Checks values for variables; returns them with the variable they are for. */
export function checkVariableValues(
  variables: Readonly<Record<string, tf.Variable>>,
  values: Readonly<Record<string, TensorData>>,
): { name: string; variable: tf.Variable; data: BindingValues }[] {
  return Object.entries(values).map(([name, { shape, data }]) => {
    const variable = findVariable(variables, name);
    if (shape.length !== variable.shape.length || shape.some((size, axis) => size !== variable.shape[axis])) {
      throw new ShapeError(`variable "${name}" has shape [${variable.shape}]; the given value has [${shape}]`);
    }
    return { name, variable, data: checkValues(`variable "${name}"`, data, shape, variable.dtype as InputDtype) };
  });
}

export function findVariable(variables: Readonly<Record<string, tf.Variable>>, name: string): tf.Variable {
  const variable = Object.hasOwn(variables, name) ? variables[name] : undefined;
  if (variable === undefined) throw new NotFoundError(`the program has no variable "${name}"`);
  return variable;
}

/** Checks that a step returned named tensors. */
export function checkOutputs(
  entryName: string,
  outputs: ReturnType<EntryPoint['run']>,
  isTensor: (value: unknown) => boolean,
): void {
  const valid = outputs !== null && typeof outputs === 'object' && Object.values(outputs).every(isTensor);
  if (!valid) throw new ShapeError(`${entryName} returned something else than an object of tensors`);
}
