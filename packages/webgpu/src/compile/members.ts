// Which nodes of a step are kept: computed once, into a register of their kernel and, where another kernel needs them, into memory. All others are written into
// whatever reads them. Products and loops are kept; so is what would be computed again and again by its readers, and what a kernel would need too many buffers for.
import { type Node, sizeOf } from '../graph/node.ts';

/** Buffers that an expression may read. */
const MOST_LEAVES = 5;
/** A product computes each element of its operands many times: they are elements of one buffer, with no more done to them than converting and scaling bytes. */
const CHEAP = 2;
/** What is read by two is computed twice, unless it costs more than this. */
const SHARED = 4;
/** The longest expression. */
const LONGEST = 48;

interface Cost {
  readonly weight: number;
  readonly leaves: ReadonlySet<Node>;
}

/** The nodes to keep, in the order of their making. Arguments and data are not among them: they are in memory. */
export function chooseMembers(results: readonly Node[]): Set<Node> {
  const order = reachable(results);
  const readers = new Map<Node, number>();
  for (const node of order) for (const input of new Set(node.inputs)) readers.set(input, (readers.get(input) ?? 0) + 1);
  const kept = new Set<Node>();
  const costs = new Map<Node, Cost>();
  const keep = (node: Node): void => {
    const source = throughReshapes(node);
    if (!isInMemory(source)) kept.add(source);
  };
  const costOf = (node: Node): Cost => {
    const source = throughReshapes(node);
    if (kept.has(source) || isInMemory(source)) return { weight: 0, leaves: new Set([source]) };
    return costs.get(node)!;
  };
  for (const node of order) {
    const { operation, inputs } = node;
    if (operation.kind === 'argument' || operation.kind === 'data') continue;
    if (operation.kind === 'splat') {
      costs.set(node, { weight: 0, leaves: new Set() });
      continue;
    }
    const isRereading = operation.kind === 'product' || (operation.kind === 'fold' && operation.rereads);
    const isExpanding = operation.kind === 'view' && inputs.some((input) => input.size * 2 <= node.size);
    for (const input of inputs) {
      const { weight, leaves } = costOf(input);
      if (isRereading && (weight > CHEAP || leaves.size > 1)) keep(input);
      else if (isExpanding && weight > 1) keep(input);
    }
    let leaves = union(inputs.map((input) => costOf(input).leaves));
    while (leaves.size > MOST_LEAVES) {
      const heaviest = inputs.reduce((a, b) => (costOf(b).leaves.size > costOf(a).leaves.size ? b : a));
      if (costOf(heaviest).leaves.size <= 1) break;
      keep(heaviest);
      leaves = union(inputs.map((input) => costOf(input).leaves));
    }
    if (operation.kind === 'fold' || operation.kind === 'product') {
      kept.add(node);
      continue;
    }
    const weight = operation.weight + inputs.reduce((sum, input) => sum + costOf(input).weight, 0);
    costs.set(node, { weight, leaves });
    if (weight > LONGEST || (weight >= SHARED && (readers.get(node) ?? 0) > 1)) keep(node);
  }
  for (const result of results) {
    const source = throughReshapes(result);
    if (!isInMemory(source)) kept.add(source);
  }
  return new Set([...kept].sort((a, b) => a.number - b.number));
}

/** What a kept node reads of others that are in memory or kept; `true`: only its elements of the same number. */
export function readsOf(node: Node, kept: ReadonlySet<Node>): Map<Node, boolean> {
  const reads = new Map<Node, boolean>();
  const seen = new Set<string>();
  const visit = (reader: Node, isSame: boolean): void => {
    const { operation } = reader;
    const passes = isSame && (operation.kind === 'map' || (operation.kind === 'view' && operation.isReshape));
    for (const input of reader.inputs) {
      if (kept.has(input) || isInMemory(input)) {
        reads.set(input, (reads.get(input) ?? true) && passes);
        continue;
      }
      const key = `${input.id} ${passes}`;
      if (seen.has(key)) continue;
      seen.add(key);
      visit(input, passes);
    }
  };
  visit(node, true);
  return reads;
}

/** The node of which this one is a reshape, if it is one. */
export function throughReshapes(node: Node): Node {
  let source = node;
  while (source.operation.kind === 'view' && source.operation.isReshape) source = source.inputs[0]!;
  return source;
}

export function isInMemory({ operation }: Node): boolean {
  return operation.kind === 'argument' || operation.kind === 'data';
}

function reachable(results: readonly Node[]): Node[] {
  const seen = new Set<Node>();
  const open = [...results];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    open.push(...node.inputs);
  }
  return [...seen].sort((a, b) => a.number - b.number);
}

function union(sets: readonly ReadonlySet<Node>[]): Set<Node> {
  return new Set(sets.flatMap((set) => [...set]));
}

/** Turns of a fold's loop. */
export function turnsOf(node: Node): number {
  return node.operation.kind === 'fold' ? sizeOf(node.operation.loop) : 1;
}
