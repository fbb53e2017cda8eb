// An entry point that assigns nothing, once more in the graph: as a function that XLA compiles. It reads the session's own variables, so nothing is copied. The compiler takes seconds,
// so it is started in the background: an element of a dataset that is prefetched calls the function first, on a thread of TensorFlow's, while the session goes on.

import { isOwnOperation } from './compile-preference.ts';
import { RecordingError } from './errors.ts';
import type { FunctionValue, GraphFunction, GraphNode } from './graph-definition.ts';
import type { GraphRecorder } from './graph-recorder.ts';
import { outputName } from './output-names.ts';
import type { RecordedEntryPoint } from './step-recording.ts';

/** What to fetch of a compiled entry point. */
export interface CompiledFunction {
  readonly outputNodes: readonly string[];
  /** Starts the compiler and returns at once; the entry point's inputs must be fed (with anything). */
  readonly start: string;
  /** Fetched twice: the first comes soon, the second when the function is compiled. */
  readonly next: string;
  readonly functions: readonly GraphFunction[];
}

const RESOURCE = 20;
const INT32 = 3;
/** Their numbers are TensorFlow's own, and XLA would draw others: they are drawn in the graph and handed to the function. */
const RANDOM = /^Stateless(Random|Truncated|Parameterized)/;
const isArgument = ({ op }: GraphNode): boolean => op === 'Placeholder' || op === 'VarHandleOp' || RANDOM.test(op);

/**
 * Adds the compiled version of a recorded entry point to the graph.
 * @throws RecordingError when it assigns variables (after a failure half-way nobody could tell which), or has an operation of our own kernels
 */
export function addCompiledFunction(
  recorder: GraphRecorder,
  entryName: string,
  scope: string,
  { outputNodes }: Pick<RecordedEntryPoint, 'outputNodes'>,
): CompiledFunction {
  const byName = new Map(recorder.nodes.map((node) => [node.name, node]));
  const reached = nodesBehind(byName, outputNodes);
  const assigns = reached.find(({ op }) => /^(Assign|ResourceApply)/.test(op));
  if (assigns !== undefined) {
    throw new RecordingError(
      `entry point "${entryName}" assigns variables (${assigns.op}); only one that assigns none can be compiled`,
    );
  }
  const own = reached.find(isOwnOperation);
  if (own !== undefined) {
    throw new RecordingError(
      `entry point "${entryName}" can't be compiled: XLA has no ${own.op}, an operation of @moe-rl's native kernels. Choose "auto" or "never"`,
    );
  }
  const boundary = reached.filter(isArgument);
  const inputs = boundary.map((node, index) => ({ name: `argument_${index}`, dtype: outputType(node) }));
  const argumentOf = new Map(boundary.map(({ name }, index) => [name, `argument_${index}`]));
  const within = (reference: string): string | undefined => {
    const name = nodeOf(reference);
    const argument = argumentOf.get(name);
    if (reference.startsWith('^')) return argument === undefined ? `^${flat(name)}` : undefined;
    if (argument !== undefined) return argument;
    return `${flat(name)}:${outputName(byName.get(name)!.op, Number(reference.split(':')[1] ?? 0))}`;
  };
  const outputs: FunctionValue[] = outputNodes.map((node, index) => ({
    name: `result_${index}`,
    dtype: outputType(byName.get(node)!),
    source: within(node)!,
  }));
  const compiled: GraphFunction = {
    name: `${scope}_compiled`,
    inputs,
    outputs,
    nodes: reached
      .filter(({ name }) => !argumentOf.has(name))
      .map((node) => ({
        ...node,
        name: flat(node.name),
        inputs: node.inputs.map(within).filter((input) => input !== undefined),
      })),
    attributes: { _XlaMustCompile: { kind: 'flag', value: true }, _noinline: { kind: 'flag', value: true } },
  };
  const types = {
    Tin: { kind: 'types', value: inputs.map(({ dtype }) => dtype) },
    Tout: { kind: 'types', value: outputs.map(({ dtype }) => dtype) },
  } as const;
  const call: GraphNode['attributes'] = {
    ...types,
    f: { kind: 'function', value: compiled.name },
    _XlaMustCompile: { kind: 'flag', value: true },
  };
  const called = recorder.addNode(scope, 'StatefulPartitionedCall', [...argumentOf.keys()], call);
  const results = outputs.map(({ dtype }, index) =>
    recorder.addNode(scope, 'Identity', [`${called}:${index}`], { T: { kind: 'type', value: dtype } }),
  );
  // The element of the dataset: its number, after the call.
  const number: FunctionValue = { name: 'number', dtype: INT32 };
  const warmUp: GraphFunction = {
    name: `${scope}_warm_up`,
    inputs: [number, ...inputs],
    outputs: [{ name: 'result', dtype: INT32, source: 'after:output:0' }],
    nodes: [
      { name: 'call', op: 'StatefulPartitionedCall', inputs: inputs.map(({ name }) => name), attributes: call },
      { name: 'after', op: 'Identity', inputs: ['number', '^call'], attributes: { T: { kind: 'type', value: INT32 } } },
    ],
    attributes: {},
  };
  const background = addBackground(recorder, `${scope}/compiler`, warmUp.name, types.Tin, [...argumentOf.keys()]);
  return { outputNodes: results, ...background, functions: [compiled, warmUp] };
}

/** A dataset of two elements, the second of which is `map`'s: an iterator over it prefetches one, so the first `next` lets `map` begin. */
function addBackground(
  recorder: GraphRecorder,
  scope: string,
  map: string,
  types: GraphNode['attributes'][string],
  captured: readonly string[],
): Pick<CompiledFunction, 'start' | 'next'> {
  const scalar = (dtype: number) => {
    const data = new Uint8Array(dtype === INT32 ? 4 : 8);
    data[0] = 1;
    return recorder.addConstant({ dtype, shape: [], data });
  };
  const INT64 = 9;
  const element = {
    output_types: { kind: 'types', value: [INT32] },
    output_shapes: { kind: 'shapes', value: [[]] },
  } as const;
  const add = (op: string, inputs: readonly string[], attributes: GraphNode['attributes']) =>
    recorder.addNode(scope, op, inputs, attributes);
  const first = add('TensorDataset', [scalar(INT32)], {
    Toutput_types: element.output_types,
    output_shapes: element.output_shapes,
  });
  const second = add('MapDataset', [first, ...captured], {
    ...element,
    f: { kind: 'function', value: map },
    Targuments: types,
  });
  const both = add('ConcatenateDataset', [first, second], element);
  const ahead = add('PrefetchDataset', [both, scalar(INT64)], element);
  const iterator = add('IteratorV2', [], {
    ...element,
    shared_name: { kind: 'text', value: scope },
    container: { kind: 'text', value: '' },
  });
  const made = add('MakeIterator', [ahead, iterator], {});
  const start = add('Const', [`^${made}`], {
    dtype: { kind: 'type', value: INT32 },
    value: { kind: 'tensor', value: { dtype: INT32, shape: [], data: new Uint8Array(4) } },
  });
  return { start, next: add('IteratorGetNext', [iterator], element) };
}

/** All nodes that the results need, in the order of the graph; arguments are not followed further. */
function nodesBehind(byName: ReadonlyMap<string, GraphNode>, results: readonly string[]): GraphNode[] {
  const reached = new Set<string>();
  const open = [...results];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (reached.has(name)) continue;
    reached.add(name);
    const node = byName.get(name)!;
    if (!isArgument(node)) open.push(...node.inputs.map(nodeOf));
  }
  return [...byName.values()].filter(({ name }) => reached.has(name));
}

const nodeOf = (reference: string): string => reference.replace(/^\^/, '').replace(/:\d+$/, '');
/** Names within functions have no slashes. */
const flat = (name: string): string => name.replaceAll('/', '_');

function outputType({ op, attributes }: GraphNode): number {
  if (op === 'VarHandleOp') return RESOURCE;
  const type = attributes.dtype ?? attributes.T;
  return (type as { readonly value: number }).value;
}
