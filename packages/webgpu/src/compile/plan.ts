// Everything that a traced step does on the device, worked out without one: kernels in order, the memory that they use, and what is copied at the end. Memory of what no
// kernel reads any more is given to what comes later.
import { byteLengthOf, type Node } from '../graph/node.ts';
import { type Group, makeGroups } from './groups.ts';
import { type Kernel, writeKernel } from './kernels.ts';
import { chooseMembers, isInMemory, throughReshapes } from './members.ts';

/** A place in memory: a variable, an input, data that are uploaded once, or a piece of working memory. */
export type Place =
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'input'; readonly name: string }
  | { readonly kind: 'data'; readonly node: Node }
  | { readonly kind: 'working'; readonly index: number };

/** One kernel of a run: its WGSL, what it binds, and how often it runs. */
export interface Dispatch {
  readonly text: string;
  /** What is bound, in order. */
  readonly places: readonly Place[];
  readonly workgroups: readonly [number, number, number];
}

/** A copy between two buffers after all kernels. */
export interface Copy {
  readonly from: Place;
  readonly to: Place;
  readonly byteLength: number;
}

/** Where a result lies after the run. */
export interface Output {
  readonly name: string;
  readonly place: Place;
  readonly node: Node;
}

/** Everything that a run of an entry point does on the device. */
export interface Plan {
  readonly dispatches: readonly Dispatch[];
  /** Made after all dispatches, before outputs are read. */
  readonly copies: readonly Copy[];
  readonly outputs: readonly Output[];
  /** Bytes of each piece of working memory. */
  readonly workingBytes: readonly number[];
}

/** A traced step over nodes. */
export interface StepGraph {
  /** Argument nodes of the variables that are read. */
  readonly variables: ReadonlyMap<string, Node>;
  readonly inputs: ReadonlyMap<string, Node>;
  readonly assigned: ReadonlyMap<string, Node>;
  readonly outputs: ReadonlyMap<string, Node>;
}

/** Plans a step. `mostBuffers`: what the device binds to one kernel. */
export function planStep(step: StepGraph, mostBuffers: number): Plan {
  const assigned = new Map([...step.assigned].map(([name, node]) => [name, throughReshapes(node)]));
  const outputs = new Map([...step.outputs].map(([name, node]) => [name, throughReshapes(node)]));
  const results = [...assigned.values(), ...outputs.values()];
  const kept = chooseMembers(results);
  const groups = makeGroups(kept, results, mostBuffers);
  const places = new Map<Node, Place>();
  for (const [name, node] of step.variables) places.set(node, { kind: 'variable', name });
  for (const [name, node] of step.inputs) places.set(node, { kind: 'input', name });
  const takers = inPlaceOutputs(step.variables, assigned, outputs, groups);
  for (const [output, argument] of takers) places.set(output, places.get(argument)!);
  const workingBytes = placeWorkingMemory(groups, results, places);
  const placeOf = (node: Node): Place => places.get(node) ?? { kind: 'data', node };
  const dispatches = groups
    .filter(({ size, outputs }) => size > 0 && outputs.size > 0)
    .map((group) => {
      const { text, bindings, workgroups }: Kernel = writeKernel(group, takers);
      return { text, workgroups, places: bindings.map(({ node }) => placeOf(node)) };
    });
  // Copies of variables that keep their values come first: what is copied onto them would be copied on.
  const copies = [...assigned]
    .filter(([name, node]) => !isPlace(placeOf(node), name))
    .map(([name, node]) => ({
      from: placeOf(node),
      to: { kind: 'variable', name } as const,
      byteLength: byteLengthOf(node),
    }))
    .sort((a, b) => Number(b.from.kind === 'variable') - Number(a.from.kind === 'variable'));
  return {
    dispatches,
    copies,
    outputs: [...outputs].map(([name, node]) => ({ name, place: placeOf(node), node: step.outputs.get(name)! })),
    workingBytes,
  };
}

function isPlace(place: Place, variable: string): boolean {
  return place.kind === 'variable' && place.name === variable;
}

/**
 * New values of variables that may be written over the old ones: their kernel reads the old value only where it writes, and none reads it later.
 */
function inPlaceOutputs(
  variables: ReadonlyMap<string, Node>,
  assigned: ReadonlyMap<string, Node>,
  outputs: ReadonlyMap<string, Node>,
  groups: readonly Group[],
): Map<Node, Node> {
  const takers = new Map<Node, Node>();
  const asResults = new Set([...outputs.values(), ...assigned.values()]);
  for (const [name, node] of assigned) {
    const argument = variables.get(name);
    if (argument === undefined || asResults.has(argument) || takers.has(node) || isInMemory(node)) continue;
    const at = groups.findIndex(({ members }) => members.includes(node));
    const isReadLater = groups.some(({ reads }, index) => index > at && reads.has(argument));
    if (!isReadLater && groups[at]!.reads.get(argument) !== false) takers.set(node, argument);
  }
  return takers;
}

/** Gives outputs of groups working memory, and takes back what nothing reads any more. */
function placeWorkingMemory(groups: readonly Group[], results: readonly Node[], places: Map<Node, Place>): number[] {
  const lastRead = new Map<Node, number>();
  for (const [index, { reads }] of groups.entries()) for (const node of reads.keys()) lastRead.set(node, index);
  for (const node of results) lastRead.set(node, Number.POSITIVE_INFINITY);
  const bytes: number[] = [];
  const free = new Set<number>();
  for (const [index, group] of groups.entries()) {
    for (const node of group.outputs) {
      if (places.has(node)) continue;
      const needed = byteLengthOf(node);
      const fitting = [...free].filter((at) => bytes[at]! >= needed && bytes[at]! <= needed * 2);
      let at = fitting.sort((a, b) => bytes[a]! - bytes[b]!)[0];
      if (at === undefined) at = bytes.push(needed) - 1;
      free.delete(at);
      places.set(node, { kind: 'working', index: at });
    }
    // What this group reads for the last time is free for the next.
    for (const [node, last] of lastRead) {
      const place = places.get(node);
      if (last === index && place?.kind === 'working') free.add(place.index);
    }
  }
  return bytes;
}
