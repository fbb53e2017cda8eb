// Kernels: kept nodes that one dispatch computes together. A kernel begins with a product, a loop or an expression; expressions of the same size join it when they read
// its results element by element (bias and activation behind a product, all of Adam's results) or read what it reads.
import type { Node } from '../graph/node.ts';
import { readsOf, turnsOf } from './members.ts';

export type GroupKind = 'elements' | 'rows' | 'product';

/** Nodes computed by one dispatch. */
export interface Group {
  /** `elements`: a thread for each element; `rows`: a workgroup for each element, whose loop it shares; `product`: a workgroup for each tile. */
  readonly kind: GroupKind;
  readonly size: number;
  /** In the order of computing. */
  readonly members: Node[];
  /** What is read from memory; `true`: only by the thread of the same number. */
  readonly reads: Map<Node, boolean>;
  /** Members that other groups or the results need. */
  readonly outputs: Set<Node>;
}

/** A loop of this many turns or more is shared by a workgroup, where there are few elements: its barriers cost more than they save where there are many. */
const SHARED_TURNS = 128;
const FEW_ELEMENTS = 512;
/** Where the loop is this long, the workgroup is worth it for more elements. */
const LONG_TURNS = 2048;
const SOME_ELEMENTS = 4096;
/** Small expressions that have nothing in common still share a dispatch. */
const SMALL = 256;

/** Groups in the order of their running. */
export function makeGroups(kept: ReadonlySet<Node>, results: readonly Node[], mostBuffers: number): Group[] {
  const groups: Group[] = [];
  const places = new Map<Node, number>();
  for (const node of kept) {
    const reads = readsOf(node, kept);
    const at = isJoining(node) ? placeToJoin(node, reads, groups, places, mostBuffers) : undefined;
    if (at === undefined) {
      places.set(node, groups.length);
      groups.push({ kind: kindOf(node), size: node.size, members: [node], reads, outputs: new Set() });
      continue;
    }
    const group = groups[at]!;
    places.set(node, at);
    group.members.push(node);
    for (const [read, isSame] of reads) {
      if (!group.members.includes(read)) group.reads.set(read, (group.reads.get(read) ?? true) && isSame);
    }
  }
  for (const [index, group] of groups.entries()) {
    for (const read of group.reads.keys()) {
      const from = places.get(read);
      if (from !== undefined && from !== index) groups[from]!.outputs.add(read);
    }
  }
  for (const result of results) {
    const place = places.get(result);
    if (place !== undefined) groups[place]!.outputs.add(result);
  }
  return groups;
}

function isJoining({ operation }: Node): boolean {
  return operation.kind !== 'product' && operation.kind !== 'fold';
}

function kindOf(node: Node): GroupKind {
  if (node.operation.kind === 'product') return 'product';
  const { operation } = node;
  const turns = turnsOf(node);
  const isLong = turns >= SHARED_TURNS && node.size < FEW_ELEMENTS;
  const isVeryLong = turns >= LONG_TURNS && node.size < SOME_ELEMENTS;
  const isShared = operation.kind === 'fold' && operation.combine !== undefined && (isLong || isVeryLong);
  return isShared ? 'rows' : 'elements';
}

function placeToJoin(
  node: Node,
  reads: ReadonlyMap<Node, boolean>,
  groups: readonly Group[],
  places: ReadonlyMap<Node, number>,
  mostBuffers: number,
): number | undefined {
  // All that it reads must be there when the group runs.
  const earliest = Math.max(-1, ...[...reads.keys()].map((read) => places.get(read) ?? -1));
  const shared = [...reads.keys()].filter((read) => read.size === node.size && reads.get(read));
  for (let at = groups.length - 1; at >= Math.max(0, earliest); at--) {
    const group = groups[at]!;
    if (group.size !== node.size) continue;
    const own = [...reads].filter(([read]) => places.get(read) === at);
    if (own.some(([, isSame]) => !isSame)) return undefined;
    const hasReason =
      own.length > 0 ||
      (group.kind === 'elements' && (node.size <= SMALL || shared.some((read) => group.reads.get(read) === true)));
    if (!hasReason) continue;
    // Every member may have to be stored.
    const buffers = new Set([...group.reads.keys(), ...reads.keys()]);
    for (const member of group.members) buffers.delete(member);
    if (buffers.size + group.members.length + 1 <= mostBuffers) return at;
  }
  return undefined;
}
