// A region: the code reachable from one entry, as a control-flow graph that WebAssembly's structured control flow can express. Branches, jumps,
// subroutine calls and, where the return address is one of the region's own calls, returns stay inside; everything else leaves.
// Loops must have one entry (be natural); an edge into the middle of one is cut, and becomes a way out of the region.
import { type Bank, decode, type Instruction } from './instruction.ts';

/** How a block ends. Targets are program counters; those that are no block of the region leave it. */
export type BlockEnd =
  | { readonly kind: 'next'; readonly next: number }
  | { readonly kind: 'branch'; readonly branch: Instruction; readonly taken: number; readonly next: number }
  | { readonly kind: 'jump'; readonly next: number }
  | { readonly kind: 'call'; readonly call: Instruction; readonly next: number }
  | { readonly kind: 'return'; readonly site: number; readonly sites: readonly number[] }
  /** The interpreter has to take the instruction at `pc`. */
  | { readonly kind: 'step'; readonly pc: number };

export interface Block {
  readonly pc: number;
  readonly instructions: readonly Instruction[];
  readonly end: BlockEnd;
  /** Position in reverse postorder. */
  order: number;
  dominator: Block | undefined;
  /** Blocks that this one immediately dominates and that several forward edges reach, the last in order first. */
  merges: Block[];
  isMerge: boolean;
  isLoop: boolean;
}

export interface Region {
  readonly entry: Block;
  readonly blocks: ReadonlyMap<number, Block>;
  /** Edges that leave although their target is a block of the region: `from pc * 0x10000 + to pc`. */
  readonly cut: ReadonlySet<number>;
}

/** A function runs at most this many instructions from its entry, or from one turn of a loop to the next. See BUDGET_MARGIN in the core. */
export const MAXIMUM_INSTRUCTIONS = 128;
/** Return addresses that one RTS is compared with. */
const MAXIMUM_SITES = 4;

export const edge = (from: Block, to: number): number => from.pc * 0x10000 + to;

export function successors(end: BlockEnd): readonly number[] {
  switch (end.kind) {
    case 'branch':
      return [end.next, end.taken];
    case 'return':
      return end.sites;
    case 'step':
      return [];
    default:
      return [end.next];
  }
}

/** Finds the instructions of a region, nearest first, and where its blocks start. */
function explore(bank: Bank, entry: number, needsInterpreter: (instruction: Instruction) => boolean) {
  const found = new Map<number, Instruction | undefined>();
  const starts = new Set([entry]);
  const sites: number[] = [];
  const waiting = [entry];
  const visit = (pc: number) => {
    starts.add(pc);
    waiting.push(pc);
  };
  for (let start = waiting.shift(); start !== undefined; start = waiting.shift()) {
    let pc = start;
    while (!found.has(pc) && found.size < MAXIMUM_INSTRUCTIONS) {
      const instruction = decode(bank, pc);
      const translatable = instruction !== undefined && !needsInterpreter(instruction);
      found.set(pc, translatable ? instruction : undefined);
      if (!translatable) break;
      const after = (pc + instruction.length) & 0xffff;
      if (instruction.mnemonic === 'RTS') break;
      if (instruction.mnemonic === 'JMP') {
        visit(instruction.operand);
        break;
      }
      if (instruction.mnemonic === 'JSR') {
        visit(instruction.operand);
        visit(after);
        if (sites.length < MAXIMUM_SITES) sites.push(after);
        break;
      }
      if (instruction.mode === 'rel') {
        visit(after);
        visit(instruction.operand);
        break;
      }
      pc = after;
    }
  }
  return { found, starts, sites };
}

function buildBlocks(bank: Bank, entry: number, needsInterpreter: (instruction: Instruction) => boolean) {
  const { found, starts, sites } = explore(bank, entry, needsInterpreter);
  const blocks = new Map<number, Block>();
  for (const start of starts) {
    if (!found.has(start)) continue;
    const instructions: Instruction[] = [];
    let end: BlockEnd | undefined;
    for (let pc = start; end === undefined; ) {
      const instruction = found.get(pc);
      if ((pc !== start && starts.has(pc)) || !found.has(pc)) end = { kind: 'next', next: pc };
      else if (instruction === undefined) end = { kind: 'step', pc };
      else {
        const next = (pc + instruction.length) & 0xffff;
        if (instruction.mode === 'rel') end = { kind: 'branch', branch: instruction, taken: instruction.operand, next };
        else if (instruction.mnemonic === 'JMP') end = { kind: 'jump', next: instruction.operand };
        else if (instruction.mnemonic === 'JSR') end = { kind: 'call', call: instruction, next: instruction.operand };
        else if (instruction.mnemonic === 'RTS')
          end = { kind: 'return', site: pc, sites: sites.filter((site) => found.has(site)) };
        else instructions.push(instruction);
        pc = next;
      }
    }
    blocks.set(start, {
      pc: start,
      instructions,
      end,
      order: -1,
      dominator: undefined,
      merges: [],
      isMerge: false,
      isLoop: false,
    });
  }
  return blocks;
}

/** Numbers the blocks in reverse postorder of a depth-first walk; unreachable ones keep -1. */
function sortBlocks(blocks: ReadonlyMap<number, Block>, entry: Block): Block[] {
  const postorder: Block[] = [];
  const seen = new Set<Block>();
  const walk = (block: Block) => {
    seen.add(block);
    for (const target of successors(block.end)) {
      const next = blocks.get(target);
      if (next && !seen.has(next)) walk(next);
    }
    postorder.push(block);
  };
  walk(entry);
  const sorted = postorder.reverse();
  sorted.forEach((block, order) => {
    block.order = order;
  });
  return sorted;
}

function dominates(a: Block, b: Block): boolean {
  let block: Block | undefined = b;
  while (block && block.order > a.order) block = block.dominator;
  return block === a;
}

/** Immediate dominators after Cooper, Harvey and Kennedy, "A Simple, Fast Dominance Algorithm" (2001). */
function findDominators(sorted: readonly Block[], predecessors: ReadonlyMap<Block, readonly Block[]>): void {
  const entry = sorted[0] as Block;
  for (const block of sorted) block.dominator = undefined;
  const common = (a: Block, b: Block): Block => {
    let [left, right] = [a, b];
    while (left !== right) {
      while (left.order > right.order) left = left.dominator as Block;
      while (right.order > left.order) right = right.dominator as Block;
    }
    return left;
  };
  for (let changed = true; changed; ) {
    changed = false;
    for (const block of sorted) {
      if (block === entry) continue;
      let dominator: Block | undefined;
      for (const predecessor of predecessors.get(block) ?? []) {
        if (predecessor !== entry && predecessor.dominator === undefined) continue;
        dominator = dominator ? common(dominator, predecessor) : predecessor;
      }
      if (dominator !== block.dominator) {
        block.dominator = dominator;
        changed = true;
      }
    }
  }
}

/** The region entered at `entry`, undefined when its first instruction can't be translated. */
export function buildRegion(
  bank: Bank,
  entryPc: number,
  needsInterpreter: (instruction: Instruction) => boolean,
): Region | undefined {
  const blocks = buildBlocks(bank, entryPc, needsInterpreter);
  const entry = blocks.get(entryPc);
  if (entry === undefined || (entry.end.kind === 'step' && entry.instructions.length === 0)) return undefined;
  const sorted = sortBlocks(blocks, entry);
  const cut = new Set<number>();
  const targets = (block: Block) =>
    new Set(
      successors(block.end).flatMap((pc) =>
        blocks.has(pc) && !cut.has(edge(block, pc)) ? [blocks.get(pc) as Block] : [],
      ),
    );
  const predecessors = new Map<Block, Block[]>();
  for (let again = true; again; ) {
    again = false;
    predecessors.clear();
    for (const block of sorted)
      for (const target of targets(block)) predecessors.set(target, [...(predecessors.get(target) ?? []), block]);
    findDominators(sorted, predecessors);
    for (const block of sorted)
      for (const target of targets(block))
        if (target.order <= block.order && !dominates(target, block)) {
          cut.add(edge(block, target.pc));
          again = true;
        }
  }
  for (const block of sorted) {
    const into = predecessors.get(block) ?? [];
    block.isLoop = into.some((from) => from.order >= block.order);
    block.isMerge = into.filter((from) => from.order < block.order).length > 1;
    if (block.isMerge) block.dominator?.merges.push(block);
  }
  for (const block of sorted) block.merges.sort((a, b) => b.order - a.order);
  return { entry, blocks, cut };
}
