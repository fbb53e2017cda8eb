// Writes down, as graph nodes, what one eager step does on tfjs-node. While a step runs, a wrapper stands in the place of the backend's native
// binding: every executed operation becomes a node, a tensor made from JavaScript values becomes a constant, and handles say which node's
// output feeds which. Variables are resource variables of the graph, read at the start and assigned at the end of a step.

import * as tf from '@tensorflow/tfjs-core';
import { type Binding, type BindingValues, handleOf, type OpAttribute, type TensorFlowBackend } from './binding.ts';
import { RecordingError } from './errors.ts';
import type { ConstantTensor, GraphNode, NodeAttribute } from './graph-definition.ts';
import { graphOperation } from './graph-operation.ts';
import { addSignal, type GraphRecorder, type GraphVariable, inputType } from './graph-recorder.ts';
import type { EntryPoint, InputDtype } from './program-interface.ts';
import { constantOf, nodeAttributeOf } from './recorded-values.ts';
import { checkOutputs } from './values.ts';

/** A recorded entry point: what to feed and to fetch. */
export interface RecordedEntryPoint {
  readonly inputNodes: readonly string[];
  readonly outputNodes: readonly string[];
  readonly outputNames: readonly string[];
}

/** A variable during one step. */
interface VariableState extends GraphVariable {
  /** Outputs that hold the variable's present value without an assignment: its reads. */
  readonly clean: Set<string>;
  /** Nodes that a later write must wait for. */
  readonly before: Set<string>;
  readonly original: tf.Tensor;
}

/** The recording that is on, for operations of this package that record better than they run. */
let active: StepRecording | undefined;

export function activeRecording(): StepRecording | undefined {
  return active;
}

/** One run of one entry point, written down. */
export class StepRecording {
  /** Handle -> the node's output that it stands for. */
  private readonly origins = new Map<number, string>();
  /** Handle -> the shape of its tensor; of those that operations, variables and inputs gave. */
  private readonly shapes = new Map<number, readonly number[]>();
  /** Node -> its operation, of this step's. */
  private readonly ops = new Map<string, string>();
  private readonly pendingConstants = new Map<number, ConstantTensor>();
  private readonly states: VariableState[];
  private readonly readOwners = new Map<string, VariableState>();
  private readonly writes: string[] = [];
  private readonly binding: Binding;

  private readonly recorder: GraphRecorder;
  private readonly backend: TensorFlowBackend;
  private readonly entryName: string;
  private readonly scope: string;

  constructor(
    recorder: GraphRecorder,
    backend: TensorFlowBackend,
    entryName: string,
    scope: string,
    variables: readonly GraphVariable[],
  ) {
    this.recorder = recorder;
    this.backend = backend;
    this.entryName = entryName;
    this.scope = scope;
    this.binding = backend.binding;
    this.states = variables.map((variable) => ({
      ...variable,
      clean: new Set(),
      before: new Set(),
      original: tf.keep(tf.clone(variable.variable)),
    }));
    for (const state of this.states) {
      const handle = handleOf(backend, state.variable);
      const read = this.addRead(state);
      this.origins.set(handle, read);
      this.recorder.shapes.set(read, state.variable.shape);
      this.shapes.set(handle, state.variable.shape);
    }
  }

  record(entryPoint: EntryPoint): RecordedEntryPoint {
    const { backend } = this;
    const random = Math.random;
    active = this;
    backend.binding = this.wrapBinding();
    Math.random = () => {
      throw new RecordingError(
        `entry point "${this.entryName}" draws random numbers in JavaScript (tf.randomNormal, tf.dropout ...): a graph would repeat them for ever. Use randomNormal and randomUniform of @moe-rl/tfjs-graph with a seed input`,
      );
    };
    const recorded: { result?: RecordedEntryPoint } = {};
    try {
      tf.tidy(() => {
        const inputs: Record<string, tf.Tensor> = {};
        const inputNodes: string[] = [];
        for (const [name, { shape, dtype }] of Object.entries(entryPoint.inputs ?? {})) {
          const { tensor, node } = this.addInput(shape, dtype);
          inputs[name] = tensor;
          inputNodes.push(node);
        }
        const outputs = entryPoint.run(inputs);
        checkOutputs(this.entryName, outputs, (value) => value instanceof tf.Tensor);
        recorded.result = { inputNodes, ...this.finish(outputs) };
      });
      return recorded.result!;
    } finally {
      Math.random = random;
      backend.binding = this.binding;
      active = undefined;
    }
  }

  restoreVariables(): void {
    for (const { variable, original } of this.states) {
      if (variable.dataId !== original.dataId) variable.assign(original);
      original.dispose();
    }
  }

  /**
   * Records an operation that changes variables in place (`ResourceApplyAdam` ...): its inputs are the variables' resources, then `inputs`.
   * Returns false, and records nothing, when one of the variables is not the program's or was changed before in this step.
   */
  applyInPlace(
    op: string,
    attributes: GraphNode['attributes'],
    variables: readonly tf.Variable[],
    inputs: readonly tf.Tensor[],
  ): boolean {
    const states: VariableState[] = [];
    for (const variable of variables) {
      const state = this.states.find((candidate) => candidate.variable === variable);
      if (!state?.clean.has(this.originOf(handleOf(this.backend, variable), op))) return false;
      states.push(state);
    }
    const values = inputs.map((tensor) => this.originOf(handleOf(this.backend, tensor), op));
    // Waiting for the readers of the old value leaves its buffer to the update alone, which then need not copy it.
    const controls = new Set(states.flatMap((state) => [...state.before]));
    for (const value of values) controls.delete(value.replace(/:\d+$/, ''));
    const name = this.recorder.addNode(
      this.scope,
      op,
      [...states.map((state) => state.resource), ...values, ...[...controls].map((node) => `^${node}`)],
      attributes,
    );
    this.writes.push(name);
    for (const state of states) {
      state.before.add(name);
      state.clean.clear();
      const after = this.addRead(state, name);
      const [copy] = this.binding.executeOp('Identity', [], [handleOf(this.backend, state.variable)], 1);
      this.origins.set(copy!.id, after);
      const tensor = this.backend.createOutputTensor(copy!);
      state.variable.assign(tensor);
      tensor.dispose();
    }
    return true;
  }

  private wrapBinding(): Binding {
    const wrapped = Object.create(this.binding) as Binding;
    const define = (name: keyof Binding, value: unknown) => Object.defineProperty(wrapped, name, { value });
    define('createTensor', (shape: number[], dtype: number, values: BindingValues | Uint8Array[]) => {
      const id = this.binding.createTensor(shape, dtype, values);
      if (Array.isArray(values)) throw new RecordingError(`entry point "${this.entryName}" makes a string tensor`);
      this.pendingConstants.set(id, constantOf(this.binding, shape, dtype, values));
      return id;
    });
    define('executeOp', (op: string, attributes: readonly OpAttribute[], inputIds: number[], outputCount: number) => {
      const outputs = this.binding.executeOp(op, attributes, inputIds, outputCount);
      const inputs = inputIds.map((id) => this.originOf(id, op));
      const encoded: Record<string, NodeAttribute> = {};
      for (const attribute of attributes) encoded[attribute.name] = this.encode(op, attribute);
      // The one operation for which tfjs-node leaves out a type that eager execution infers and a graph must state.
      if (op === 'ExpandDims') encoded.T ??= { kind: 'type', value: outputs[0]!.dtype };
      // And the one for which it states another than it passes: integers and booleans are averaged as numbers.
      if (op === 'Mean') encoded.T = { kind: 'type', value: outputs[0]!.dtype };
      const operands = inputs.map((input, index) => ({
        op: this.ops.get(input),
        shape: this.shapes.get(inputIds[index]!),
      }));
      const operation = graphOperation({ op, attributes: encoded }, operands);
      const name = this.addNode(operation.op, inputs, operation.attributes);
      this.ops.set(name, operation.op);
      outputs.forEach(({ id, shape }, index) => {
        this.origins.set(id, index === 0 ? name : `${name}:${index}`);
        this.shapes.set(id, shape);
      });
      if (outputs[0] !== undefined) this.recorder.shapes.set(name, outputs[0].shape);
      return outputs;
    });
    define('tensorDataSync', () => {
      throw new RecordingError(
        `entry point "${this.entryName}" reads a tensor's values while it runs (dataSync, data, arraySync, print ...): a graph can't hand them to JavaScript half-way. Return the tensor as a result instead`,
      );
    });
    return wrapped;
  }

  private addNode(op: string, inputs: readonly string[], attributes: GraphNode['attributes']): string {
    const name = this.recorder.addNode(this.scope, op, inputs, attributes);
    for (const input of inputs) this.readOwners.get(input)?.before.add(name);
    return name;
  }

  private addRead(state: VariableState, after?: string): string {
    const inputs = after === undefined ? [state.resource] : [state.resource, `^${after}`];
    const name = this.recorder.addNode(this.scope, 'ReadVariableOp', inputs, {
      dtype: { kind: 'type', value: state.dtype },
    });
    state.clean.add(name);
    state.before.add(name);
    this.readOwners.set(name, state);
    return name;
  }

  private addInput(shape: readonly number[], dtype: InputDtype): { tensor: tf.Tensor; node: string } {
    const { backend, binding } = this;
    const type = inputType(backend, dtype);
    const node = this.recorder.addNode(this.scope, 'Placeholder', [], {
      dtype: { kind: 'type', value: type },
      shape: { kind: 'shape', value: shape },
    });
    const size = shape.reduce((product, dimension) => product * dimension, 1);
    const zeros =
      dtype === 'float32' ? new Float32Array(size) : dtype === 'int32' ? new Int32Array(size) : new Uint8Array(size);
    const id = binding.createTensor([...shape], type, zeros);
    this.origins.set(id, node);
    this.shapes.set(id, shape);
    this.recorder.shapes.set(node, shape);
    const tensor = backend.createOutputTensor({ id, shape: [...shape], dtype: type });
    if (dtype !== 'uint8') return { tensor, node };
    const attributes = [
      { name: 'SrcT', type: binding.TF_ATTR_TYPE, value: type },
      { name: 'DstT', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT },
    ];
    const [cast] = backend.binding.executeOp('Cast', attributes, [id], 1);
    return { tensor: backend.createOutputTensor(cast!), node };
  }

  /** The node output that a handle stands for; tensors from outside the step become constants. */
  private originOf(id: number, op: string): string {
    const known = this.origins.get(id);
    if (known !== undefined) return known;
    let constant = this.pendingConstants.get(id);
    if (constant === undefined) {
      const stranger = Object.values(tf.engine().registeredVariables).find(
        (variable) => this.backend.tensorMap.get(variable.dataId).id === id,
      );
      if (stranger) {
        throw new RecordingError(
          `entry point "${this.entryName}" reads the variable ${stranger.name} (in ${op}), which is not in the program's variables`,
        );
      }
      const [copy] = this.binding.executeOp('Identity', [], [id], 1);
      constant = constantOf(this.binding, copy!.shape, copy!.dtype, this.binding.tensorDataSync(id));
      this.binding.deleteTensor(copy!.id);
    }
    const name = this.recorder.addConstant(constant);
    this.origins.set(id, name);
    return name;
  }

  private encode(op: string, attribute: OpAttribute): NodeAttribute {
    const encoded = nodeAttributeOf(this.binding, attribute);
    if (encoded === undefined) {
      throw new RecordingError(
        `entry point "${this.entryName}": attribute ${attribute.name} of ${op} can't be recorded`,
      );
    }
    return encoded;
  }

  private finish(outputs: Record<string, tf.Tensor>): Omit<RecordedEntryPoint, 'inputNodes'> {
    const { backend } = this;
    const results = Object.values(outputs).map((tensor) => ({
      origin: this.originOf(handleOf(backend, tensor), 'a result'),
      dtype: backend.getDTypeInteger(tensor.dtype),
    }));
    for (const state of this.states) {
      const value = this.originOf(handleOf(backend, state.variable), `an assignment of ${state.name}`);
      if (state.clean.has(value)) continue;
      const dtype = { kind: 'type', value: state.dtype } as const;
      // Many operations pass on the memory of their input (Reshape, Slice, Unpack ...): without a copy the variable could live in a typed array
      // that JavaScript goes on using. What costs time, the optimizer's update, works in place and comes not through here.
      const copy = this.recorder.addNode(this.scope, 'DeepCopy', [value], { T: dtype });
      const controls = [...state.before].map((node) => `^${node}`);
      this.writes.push(
        this.recorder.addNode(this.scope, 'AssignVariableOp', [state.resource, copy, ...controls], { dtype }),
      );
    }
    const controls = this.writes.map((node) => `^${node}`);
    const outputNodes = results.map(({ origin, dtype }, index) =>
      this.recorder.addNode(this.scope, 'Identity', index === 0 ? [origin, ...controls] : [origin], {
        T: { kind: 'type', value: dtype },
      }),
    );
    if (outputNodes.length === 0) outputNodes.push(addSignal(this.recorder, this.scope, this.binding, controls));
    return { outputNodes, outputNames: Object.keys(outputs) };
  }
}
