// A program whose entry points run as TensorFlow graphs over variables that live in one session.

import { InvalidArgumentError, type TensorData } from '@moe-rl/core';
import * as tf from '@tensorflow/tfjs-core';
import { type BindingValues, handleOf, type TensorFlowBackend } from './binding.ts';
import { addSignal, GraphRecorder, type GraphVariable, inputType } from './graph-recorder.ts';
import type { InputDtype, Program, ProgramConfig, ProgramOutputs } from './program-interface.ts';
import { recordEntryPoint } from './recorder.ts';
import { createSession, type Feed } from './session.ts';
import type { RecordedEntryPoint } from './step-recording.ts';
import { checkInputs, checkVariableValues, findEntryPoint, findVariable } from './values.ts';

/** The nodes through which one variable is read and written from outside. */
interface VariableAccess extends GraphVariable {
  readonly read: string;
  readonly feed: string;
  readonly written: string;
}

/**
 * The program as graphs of one TensorFlow session, each entry point recorded once; variables live in the session until they are read.
 * @throws RecordingError naming the entry point and what of it can't be recorded
 */
export function createRecordedProgram<Name extends string>(
  config: ProgramConfig<Name>,
  backend: TensorFlowBackend,
): Program<Name> {
  const { binding } = backend;
  const recorder = new GraphRecorder();
  const variables = new Map<string, VariableAccess>();
  for (const [name, variable] of Object.entries(config.variables)) {
    variables.set(name, addVariable(recorder, backend, name, variable));
  }
  const entryPoints: Record<string, RecordedEntryPoint> = {};
  for (const [index, [name, entryPoint]] of Object.entries<ProgramConfig['entryPoints'][string]>(
    config.entryPoints,
  ).entries()) {
    entryPoints[name] = recordEntryPoint(recorder, backend, name, `entry${index}`, entryPoint, [...variables.values()]);
  }
  const session = createSession(binding, recorder.nodes);
  const write = (values: readonly { access: VariableAccess; data: BindingValues }[]): void => {
    if (values.length === 0) return;
    const feeds: Feed[] = values.map(({ access, data }) => ({
      node: access.feed,
      shape: access.variable.shape,
      dtype: access.dtype,
      values: data,
    }));
    session.run(
      feeds,
      values.map(({ access }) => access.written),
    );
  };
  write(
    [...variables.values()].map((access) => ({
      access,
      data: binding.tensorDataSync(handleOf(backend, access.variable)),
    })),
  );

  let disposed = false;
  const requireAlive = (): void => {
    if (disposed) throw new InvalidArgumentError('the program was disposed');
  };
  return {
    isRecorded: true,
    async run(name, inputs = {}) {
      requireAlive();
      const recorded = findEntryPoint(entryPoints, name);
      const specs = config.entryPoints[name].inputs ?? {};
      const values = checkInputs(name, specs, inputs);
      const feeds = Object.values(specs).map(({ shape, dtype }, index) => ({
        node: recorded.inputNodes[index]!,
        shape,
        dtype: inputType(backend, dtype as InputDtype),
        values: values[index]!,
      }));
      const fetched = session.run(feeds, recorded.outputNodes);
      const outputs: ProgramOutputs = {};
      for (const [index, key] of recorded.outputNames.entries()) outputs[key] = fetched[index]!;
      return outputs;
    },
    async readVariables(names = Object.keys(config.variables)) {
      requireAlive();
      const accesses = names.map((name) => variables.get(findVariable(config.variables, name) && name)!);
      const values =
        accesses.length === 0
          ? []
          : session.run(
              [],
              accesses.map((access) => access.read),
            );
      const read: Record<string, TensorData> = {};
      for (const [index, { name, variable }] of accesses.entries()) {
        read[name] = { shape: [...variable.shape], data: values[index]! };
      }
      return read;
    },
    async writeVariables(values) {
      requireAlive();
      const checked = checkVariableValues(config.variables, values);
      write(checked.map(({ name, data }) => ({ access: variables.get(name)!, data })));
    },
    dispose() {
      if (disposed) return;
      disposed = true;
      session.dispose();
      tf.dispose(Object.values(config.variables));
    },
  };
}

function addVariable(
  recorder: GraphRecorder,
  backend: TensorFlowBackend,
  name: string,
  variable: tf.Variable,
): VariableAccess {
  const type = backend.getDTypeInteger(variable.dtype);
  const dtype = { kind: 'type', value: type } as const;
  const shape = { kind: 'shape', value: variable.shape } as const;
  const scope = 'variable';
  const resource = recorder.addNode(scope, 'VarHandleOp', [], {
    dtype,
    shape,
    shared_name: { kind: 'text', value: name },
    container: { kind: 'text', value: '' },
  });
  const feed = recorder.addNode(scope, 'Placeholder', [], { dtype, shape });
  // The copy keeps the variable from living in the memory of the fed typed array.
  const copy = recorder.addNode(scope, 'DeepCopy', [feed], { T: dtype });
  const assign = recorder.addNode(scope, 'AssignVariableOp', [resource, copy], { dtype });
  return {
    name,
    variable,
    dtype: type,
    resource,
    feed,
    written: addSignal(recorder, scope, backend.binding, [`^${assign}`]),
    read: recorder.addNode(scope, 'ReadVariableOp', [resource], { dtype }),
  };
}
