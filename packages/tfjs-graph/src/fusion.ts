// Control edges that decide what TensorFlow's optimizer fuses in a recorded step. It leaves every node alone that another one waits for, so no update of a variable waits for a node that
// it depends on anyway. And where a sum of a convolution with a bias and something else is read by a relu and by others, as in residual networks, its fusion of all four fails, and with it the
// whole pass over the graph ("fanout ... exist for missing node"): that relu gets a control edge, with which the other three are fused.

import type { GraphNode } from './graph-definition.ts';

/**
 * The nodes of a step whose control edges should be others, by name.
 * @param scope the step's: its nodes' names begin with it
 * @param anchor a node that runs before everything: an input of the step; none: no edges are added
 */
export function guideFusion(
  nodes: readonly GraphNode[],
  scope: string,
  anchor: string | undefined,
): ReadonlyMap<string, GraphNode> {
  const own = nodes.filter(({ name }) => name.startsWith(`${scope}/`));
  const byName = new Map(own.map((node) => [node.name, node]));
  const changed = new Map<string, GraphNode>();
  for (const node of own) {
    if (!node.op.startsWith('ResourceApply')) continue;
    const known = ancestors(byName, node.inputs.filter(isData));
    // Reads stay: what is computed from a value may be optimized away, the value read must be the old one.
    const isNeeded = (input: string) =>
      isData(input) || !known.has(nodeOf(input)) || byName.get(nodeOf(input))?.op === 'ReadVariableOp';
    if (!node.inputs.every(isNeeded)) changed.set(node.name, { ...node, inputs: node.inputs.filter(isNeeded) });
  }
  if (anchor === undefined) return changed;
  const readers = new Map<string, GraphNode[]>();
  for (const node of own) {
    for (const input of node.inputs) readers.set(input, [...(readers.get(input) ?? []), node]);
  }
  const isBiased = (input: string): boolean => {
    const node = byName.get(input);
    return node?.op === 'BiasAdd' && byName.get(node.inputs[0]!)?.op === 'Conv2D';
  };
  for (const sum of own) {
    const all = readers.get(sum.name) ?? [];
    if (sum.op !== 'Add' || all.length < 2 || !sum.inputs.some(isBiased)) continue;
    for (const node of all) {
      if (node.op === 'Relu') changed.set(node.name, { ...node, inputs: [...node.inputs, `^${anchor}`] });
    }
  }
  return changed;
}

const isData = (input: string): boolean => !input.startsWith('^');
const nodeOf = (input: string): string => input.replace(/^\^/, '').replace(/:\d+$/, '');

function ancestors(byName: ReadonlyMap<string, GraphNode>, inputs: readonly string[]): ReadonlySet<string> {
  const found = new Set<string>();
  const open = inputs.map(nodeOf);
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (found.has(name)) continue;
    found.add(name);
    open.push(...(byName.get(name)?.inputs ?? []).map(nodeOf));
  }
  return found;
}
