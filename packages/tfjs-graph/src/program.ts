// A program: variables and named entry points over them (act, learn, sync target ...). On tfjs-node every entry point runs as one recorded
// TensorFlow graph and the variables live in its session; a backend that brings an engine of its own (engine.ts) makes its programs itself; elsewhere the same entry points run eagerly, with the same results.

import { InvalidArgumentError, requireOneOf, ShapeError } from '@moe-rl/core';
import * as tf from '@tensorflow/tfjs-core';
import { tensorFlowBackend } from './binding.ts';
import { createEagerProgram } from './eager-program.ts';
import { programEngine } from './engine.ts';
import { registerNativeGradients } from './native-gradients.ts';
import { compiledChoices, inputDtypes, type Program, type ProgramConfig, programModes } from './program-interface.ts';
import { createRecordedProgram } from './recorded-program.ts';

/**
 * Creates a program. Recording runs every entry point once on zeros; the variables keep their values.
 * @throws RecordingError when a step can't be recorded (mode `auto` and `recorded`), InvalidArgumentError for a bad configuration.
 */
export async function createProgram<Name extends string>(config: ProgramConfig<Name>): Promise<Program<Name>> {
  const mode = requireOneOf('mode', config.mode ?? 'auto', programModes);
  checkConfig(config);
  await tf.ready();
  const engine = programEngine(tf.getBackend());
  if (engine !== undefined) return engine({ ...config, mode });
  const backend = tensorFlowBackend();
  if (mode === 'recorded' && !backend) {
    throw new InvalidArgumentError(
      `mode is "recorded", but the backend is ${tf.getBackend()}; only tensorflow (tfjs-node) can record. Use "auto" or load that backend`,
    );
  }
  if (backend) registerNativeGradients();
  return backend && mode !== 'eager' ? createRecordedProgram(config, backend) : createEagerProgram(config);
}

function checkConfig(config: ProgramConfig): void {
  for (const [name, variable] of Object.entries(config.variables)) {
    if (!(variable instanceof tf.Variable)) throw new InvalidArgumentError(`variables.${name} is not a tf.Variable`);
    if (variable.dtype !== 'float32' && variable.dtype !== 'int32' && variable.dtype !== 'bool') {
      throw new InvalidArgumentError(`variables.${name} has dtype ${variable.dtype}; expected float32, int32 or bool`);
    }
  }
  if (new Set(Object.values(config.variables)).size !== Object.keys(config.variables).length) {
    throw new InvalidArgumentError('the same tf.Variable is listed under two names');
  }
  for (const [entryName, entry] of Object.entries(config.entryPoints)) {
    requireOneOf(`entryPoints.${entryName}.compiled`, entry.compiled ?? 'never', compiledChoices);
    for (const [name, { shape, dtype }] of Object.entries(entry.inputs ?? {})) {
      const place = `entryPoints.${entryName}.inputs.${name}`;
      requireOneOf(`${place}.dtype`, dtype, inputDtypes);
      if (!shape.every((size) => Number.isInteger(size) && size >= 0)) {
        throw new ShapeError(`${place}.shape is [${shape}]; expected integers of at least 0`);
      }
    }
  }
}
