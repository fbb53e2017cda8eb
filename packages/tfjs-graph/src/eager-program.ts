// A program whose entry points run operation by operation, on any backend.

import { InvalidArgumentError, type TensorData } from '@moe-rl/core';
import * as tf from '@tensorflow/tfjs-core';
import { type BindingValues, executeOp, tensorFlowBackend } from './binding.ts';
import type { InputSpec, Program, ProgramConfig, ProgramOutputs } from './program-interface.ts';
import { rememberHostValues } from './random.ts';
import { checkInputs, checkOutputs, checkVariableValues, findEntryPoint, findVariable } from './values.ts';

/** The program on whatever backend is set: each run executes its entry point anew. */
export function createEagerProgram<Name extends string>(config: ProgramConfig<Name>): Program<Name> {
  const { variables, entryPoints } = config;
  let disposed = false;
  const requireAlive = (): void => {
    if (disposed) throw new InvalidArgumentError('the program was disposed');
  };
  return {
    isRecorded: false,
    async run(name, inputs = {}) {
      requireAlive();
      const entryPoint = findEntryPoint(entryPoints as ProgramConfig['entryPoints'], name);
      const specs = entryPoint.inputs ?? {};
      const values = checkInputs(name, specs, inputs);
      const results = tf.tidy(() => {
        const tensors: Record<string, tf.Tensor> = {};
        for (const [index, [key, spec]] of Object.entries(specs).entries())
          tensors[key] = makeInput(values[index]!, spec);
        const outputs = entryPoint.run(tensors);
        checkOutputs(name, outputs, (value) => value instanceof tf.Tensor);
        // A result may be a variable or an input itself; the copy can be disposed.
        return Object.fromEntries(Object.entries(outputs).map(([key, tensor]) => [key, tf.clone(tensor)]));
      });
      const read: ProgramOutputs = {};
      try {
        // The cpu backend hands out its own array, which may be a variable's.
        for (const [key, tensor] of Object.entries(results)) {
          read[key] = ((await tensor.data()) as BindingValues).slice();
        }
      } finally {
        tf.dispose(results);
      }
      return read;
    },
    async readVariables(names = Object.keys(variables)) {
      requireAlive();
      const read: Record<string, TensorData> = {};
      for (const name of names) {
        const variable = findVariable(variables, name);
        read[name] = { shape: [...variable.shape], data: ((await variable.data()) as BindingValues).slice() };
      }
      return read;
    },
    async writeVariables(values) {
      requireAlive();
      for (const { variable, data } of checkVariableValues(variables, values)) {
        tf.tidy(() => variable.assign(tf.tensor(data.slice(), variable.shape, variable.dtype)));
      }
    },
    dispose() {
      if (!disposed) tf.dispose(Object.values(variables));
      disposed = true;
    },
  };
}

/** Makes an entry point's input tensor; the values are copied, because tfjs keeps what it is given. */
function makeInput(values: BindingValues, { shape, dtype }: InputSpec): tf.Tensor {
  const size = [...shape];
  if (dtype !== 'uint8') return rememberHostValues(tf.tensor(values.slice(), size, dtype), values);
  const backend = tensorFlowBackend();
  if (!backend) return tf.tensor(Float32Array.from(values), size, 'float32');
  const { binding } = backend;
  // tfjs has no uint8: TensorFlow does, and converts a batch of frames twenty times faster than JavaScript.
  const bytes = binding.createTensor(size, binding.TF_UINT8, values);
  const raw = backend.createOutputTensor({ id: bytes, shape: size, dtype: binding.TF_UINT8 });
  return executeOp(backend, 'Cast', { SrcT: { type: binding.TF_UINT8 }, DstT: { type: binding.TF_FLOAT } }, [raw]);
}
