// What a recorded step says in several operations, and @moe-rl/tfjs-native has added one operation to TensorFlow for: images out of planes of bytes; a convolution of one image, and a dense
// layer of one row, which acting consists of. TensorFlow's own kernels lay the weights of a convolution out anew in every call, and multiply one row by a matrix on one thread.
// (Products of a wide dense layer over a batch, forward and backward, and the norm of its gradient were tried, too: alone they take half of oneDNN's time, in a training step, whose
// operations share the processors with it, more.)

import type { GraphNode, NodeAttribute } from './graph-definition.ts';
import { isBias } from './graph-operation.ts';
import type { GraphRecorder } from './graph-recorder.ts';

const FLOAT = 1;
const UINT8 = 4;

/**
 * Nodes of a step that can be replaced, by name, by nodes of the same name; the others stay as they are. What is not needed any more is left to TensorFlow to prune.
 * @param scope the step's: its nodes' names begin with it
 * @param added names of the operations that are there
 */
export function addedOperations(
  { nodes, shapes }: Pick<GraphRecorder, 'nodes' | 'shapes'>,
  scope: string,
  added: ReadonlySet<string>,
): ReadonlyMap<string, GraphNode> {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const find = (reference: string | undefined): GraphNode | undefined =>
    reference === undefined ? undefined : byName.get(reference);
  const own = nodes.filter(({ name }) => name.startsWith(`${scope}/`));
  const readers = new Map<string, number>();
  for (const input of own.flatMap(({ inputs }) => inputs)) readers.set(input, (readers.get(input) ?? 0) + 1);
  const graph = { find, shapes, readers };
  // An update of variables waits for the nodes that read them, by their names.
  const assigns = own.some(({ op }) => /^(Assign|ResourceApply)/.test(op));
  const replacements = new Map<string, GraphNode>();
  for (const node of own) {
    const replacement =
      (added.has('MoeRlImages') ? asImages(graph, node) : undefined) ??
      (assigns ? undefined : asLayer(graph, node, added));
    if (replacement !== undefined) replacements.set(node.name, replacement);
  }
  return replacements;
}

interface Graph {
  find(reference: string | undefined): GraphNode | undefined;
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** How many inputs of the step a node's output is. */
  readonly readers: ReadonlyMap<string, number>;
}

/** Transpose(Slice(Cast(bytes))), the slice of whole planes; reshapes to the same shape may stand between. */
function asImages(graph: Graph, node: GraphNode): GraphNode | undefined {
  const { find, shapes } = graph;
  const shape = shapes.get(node.name);
  if (node.op !== 'Transpose' || shape?.length !== 4) return undefined;
  if (integersOf(find(node.inputs[1]))?.join() !== '0,2,3,1') return undefined;
  let from = skipReshapes(graph, find(node.inputs[0]));
  let first = 0;
  if (from?.op === 'Slice') {
    const begin = integersOf(find(from.inputs[1]));
    const whole = shapes.get(from.inputs[0]!);
    const cut = shapes.get(from.name);
    if (begin === undefined || whole?.length !== 4 || cut === undefined) return undefined;
    if ([0, 2, 3].some((axis) => begin[axis] !== 0 || whole[axis] !== cut[axis])) return undefined;
    first = begin[1]!;
    from = skipReshapes(graph, find(from.inputs[0]));
  }
  if (from?.op !== 'Cast' || !isType(from.attributes.SrcT, UINT8) || !isType(from.attributes.DstT, FLOAT)) {
    return undefined;
  }
  return {
    name: node.name,
    op: 'MoeRlImages',
    inputs: [from.inputs[0]!],
    attributes: { first: { kind: 'integer', value: first }, count: { kind: 'integer', value: shape[3]! } },
  };
}

function skipReshapes({ find, shapes }: Graph, node: GraphNode | undefined): GraphNode | undefined {
  if (node?.op !== 'Reshape') return node;
  const [before, after] = [shapes.get(node.inputs[0]!), shapes.get(node.name)];
  return before !== undefined && before.join() === after?.join() ? find(node.inputs[0]) : node;
}

/** BiasAdd(Conv2D) of one image and Add(BatchMatMulV2) of one row and a bias, each with a Relu around it that alone reads it, or without. */
function asLayer({ find, shapes, readers }: Graph, node: GraphNode, added: ReadonlySet<string>): GraphNode | undefined {
  const isRelu = node.op === 'Relu';
  const biased = isRelu ? find(node.inputs[0]) : node;
  if (biased === undefined || (isRelu && readers.get(biased.name) !== 1)) return undefined;
  if (!isBias(shapes.get(biased.inputs[0]!), shapes.get(biased.inputs[1]!))) return undefined;
  const product = find(biased.inputs[0]);
  if (product === undefined || shapes.get(product.name)?.[0] !== 1 || !isType(product.attributes.T, FLOAT)) {
    return undefined;
  }
  const inputs = [...product.inputs, biased.inputs[1]!];
  const relu = { kind: 'flag', value: isRelu } as const;
  if (biased.op === 'Add' && product.op === 'BatchMatMulV2' && added.has('MoeRlDense')) {
    const { adj_x, adj_y } = product.attributes;
    const areMatrices = product.inputs.every((input) => shapes.get(input)?.length === 2);
    if (!areMatrices || isTrue(adj_x) || isTrue(adj_y)) return undefined;
    return { name: node.name, op: 'MoeRlDense', inputs, attributes: { relu } };
  }
  if (biased.op !== 'BiasAdd' || product.op !== 'Conv2D' || !added.has('MoeRlConvolution')) return undefined;
  const { strides, dilations, padding, data_format: format } = product.attributes;
  const [steps, spread] = [listOf(strides), listOf(dilations) ?? [1, 1, 1, 1]];
  const paddingName = padding?.kind === 'text' ? padding.value : '';
  if (format?.kind === 'text' && format.value !== 'NHWC') return undefined;
  if (steps === undefined || steps[1] !== steps[2] || spread.some((size) => size !== 1)) return undefined;
  if (paddingName !== 'SAME' && paddingName !== 'VALID') return undefined;
  return {
    name: node.name,
    op: 'MoeRlConvolution',
    inputs,
    attributes: {
      relu,
      stride: { kind: 'integer', value: steps[1]! },
      same: { kind: 'flag', value: paddingName === 'SAME' },
    },
  };
}

const isType = (attribute: NodeAttribute | undefined, type: number): boolean =>
  attribute?.kind === 'type' && attribute.value === type;
const isTrue = (attribute: NodeAttribute | undefined): boolean => attribute?.kind === 'flag' && attribute.value;
const listOf = (attribute: NodeAttribute | undefined): readonly number[] | undefined =>
  attribute?.kind === 'integers' ? attribute.value : undefined;

/** The elements of a constant of int32. */
function integersOf(node: GraphNode | undefined): readonly number[] | undefined {
  const value = node?.op === 'Const' ? node.attributes.value : undefined;
  if (value?.kind !== 'tensor') return undefined;
  const { data, fill, shape } = value.value;
  if (fill !== undefined) return Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => fill.value);
  return [...new Int32Array(data.slice().buffer)];
}
