// A program whose entry points run as TensorFlow graphs over variables that live in one session.

import { InvalidArgumentError, MissingDependencyError, NotFoundError, type TensorData } from '@moe-rl/core';
import * as tf from '@tensorflow/tfjs-core';
import { addedOperations } from './added-operations.ts';
import { type BindingValues, handleOf, type TensorFlowBackend } from './binding.ts';
import { canCompile, prefersCompiled } from './compile-preference.ts';
import { addCompiledFunction, type CompiledFunction } from './compiled-function.ts';
import { guideFusion } from './fusion.ts';
import { addSignal, GraphRecorder, type GraphVariable, inputType } from './graph-recorder.ts';
import type {
  CompiledEntryPoints,
  InputDtype,
  Program,
  ProgramConfig,
  ProgramInputs,
  ProgramOutputs,
} from './program-interface.ts';
import { recordEntryPoint } from './recorder.ts';
import { createSession, type Feed, type GraphSession } from './session.ts';
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
  const compiledFunctions = new Map<string, CompiledFunction>();
  for (const [index, [name, entryPoint]] of Object.entries<ProgramConfig['entryPoints'][string]>(
    config.entryPoints,
  ).entries()) {
    const scope = `entry${index}`;
    const recorded = recordEntryPoint(recorder, backend, name, scope, entryPoint, [...variables.values()]);
    entryPoints[name] = recorded;
    recorder.replaceNodes(guideFusion(recorder.nodes, scope, recorded.inputNodes[0]));
    const replacements = addedOperations(recorder, scope, backend.addedOperations ?? new Set());
    const choice = entryPoint.compiled ?? 'never';
    const isCompiled =
      choice === 'always' ||
      (choice === 'auto' && prefersCompiled([...recorder.nodes, ...replacements.values()], scope));
    if (isCompiled && canCompile(binding)) {
      // Of the nodes as they were recorded: XLA knows no others.
      compiledFunctions.set(name, addCompiledFunction(recorder, name, scope, recorded));
    }
    recorder.replaceNodes(replacements);
  }
  const session = createSession(
    binding,
    recorder.nodes,
    [...compiledFunctions.values()].flatMap(({ functions }) => functions),
  );
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
  const feedsOf = (name: Name, inputs: ProgramInputs): Feed[] => {
    requireAlive();
    const recorded = findEntryPoint(entryPoints, name);
    const specs = config.entryPoints[name].inputs ?? {};
    const values = checkInputs(name, specs, inputs);
    return Object.values(specs).map(({ shape, dtype }, index) => ({
      node: recorded.inputNodes[index]!,
      shape,
      dtype: inputType(backend, dtype as InputDtype),
      values: values[index]!,
    }));
  };
  const fetch = (name: Name, inputs: ProgramInputs, outputNodes?: readonly string[]): ProgramOutputs => {
    const feeds = feedsOf(name, inputs);
    const recorded = entryPoints[name]!;
    const fetched = session.run(feeds, outputNodes ?? recorded.outputNodes);
    const outputs: ProgramOutputs = {};
    for (const [index, key] of recorded.outputNames.entries()) outputs[key] = fetched[index]!;
    return outputs;
  };
  const compiled = compiledEntryPoints(compiledFunctions, session, feedsOf, fetch);
  return {
    isRecorded: true,
    compiled,
    async run(name, inputs = {}) {
      return fetch(name, inputs);
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
      // A compiler at work runs its function once when it is ready, and needs the variables for that.
      compiled.settle();
      session.dispose();
      tf.dispose(Object.values(config.variables));
    },
  };
}

/** Starts, waits for and runs compiled functions. A function's failure is that of every run. */
function compiledEntryPoints<Name extends string>(
  functions: ReadonlyMap<string, CompiledFunction>,
  session: GraphSession,
  feedsOf: (name: Name, inputs: ProgramInputs) => Feed[],
  fetch: (name: Name, inputs: ProgramInputs, outputNodes: readonly string[]) => ProgramOutputs,
): CompiledEntryPoints<Name> & { settle(): void } {
  const states = new Map<Name, { state: 'started' | 'ready' } | { state: 'failed'; error: MissingDependencyError }>();
  const find = (name: Name): CompiledFunction => {
    const found = functions.get(name);
    if (found === undefined) throw new NotFoundError(`entry point "${name}" has no compiled version`);
    return found;
  };
  const attempt = (name: Name, work: () => void): void => {
    try {
      work();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const failure = `entry point "${name}" can't be compiled by XLA here: ${reason}`;
      states.set(name, { state: 'failed', error: new MissingDependencyError(failure, { cause: error }) });
    }
  };
  const start = (name: Name, inputs: ProgramInputs): void => {
    const { start: made, next } = find(name);
    if (states.has(name)) return;
    const feeds = feedsOf(name, inputs);
    states.set(name, { state: 'started' });
    attempt(name, () => {
      session.run(feeds, [made]);
      session.run([], [next]);
    });
  };
  const settle = (name: Name): void => {
    if (states.get(name)?.state !== 'started') return;
    states.set(name, { state: 'ready' });
    attempt(name, () => session.run([], [find(name).next]));
  };
  return {
    has: (name) => functions.has(name),
    start,
    settle() {
      for (const name of states.keys()) settle(name);
    },
    async run(name, inputs = {}) {
      const { outputNodes } = find(name);
      start(name, inputs);
      settle(name);
      const state = states.get(name)!;
      if (state.state === 'failed') throw state.error;
      return fetch(name, inputs, outputNodes);
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
