// Writes a region as one WebAssembly function. Control flow graph to structured code after Ramsey, "Beyond Relooper" (ICFP 2022): a block is
// written inside the blocks that end where its dominated merge points begin. Registers live in locals from the entry to the one way out.
import { BRANCH, LOCALS } from '../generated/operations.ts';
import { CodeWriter, OP, operationOf, REGISTERS } from './code-writer.ts';
import type { Bank } from './instruction.ts';
import { InstructionEmitter } from './instruction-emitter.ts';
import type { Layout } from './layout.ts';
import { EXIT, STEP } from './memory-emitter.ts';
import { type Block, edge, type Region } from './region.ts';

/** See BUDGET_MARGIN in assembly/translated.ts. */
const BUDGET_MARGIN = 200;
const I32 = 0x7f;

class RegionEmitter {
  private readonly code = new CodeWriter();
  private readonly emitter: InstructionEmitter;
  private readonly region: Region;
  private readonly layout: Layout;

  constructor(region: Region, layout: Layout, bank: Bank) {
    this.region = region;
    this.layout = layout;
    this.emitter = new InstructionEmitter(this.code, layout, bank);
  }

  emit(): readonly number[] {
    const { code, layout } = this;
    code.block(EXIT);
    this.node(this.region.entry);
    code.op(OP.unreachable).end();
    const registers = LOCALS.slice(0, REGISTERS);
    const before = new CodeWriter();
    const after = new CodeWriter();
    const used = code.reads | code.writes;
    registers.forEach((register, i) => {
      const address = layout.cpu + 4 + i * 4;
      if ((used >> i) & 1) before.loadFrom(OP.load32, address).set(register);
      if ((code.writes >> i) & 1) after.constant(0).get(register).memory(OP.store32, address);
    });
    before
      .loadFrom(OP.load32, layout.cpu + 44)
      .set('cycles')
      .loadFrom(OP.load32, layout.budget)
      .set('n');
    after
      .constant(0)
      .get('cycles')
      .memory(OP.store32, layout.cpu + 44);
    after.constant(0).get('n').memory(OP.store32, layout.budget).get('pc');
    const body = [1, LOCALS.length, I32, ...before.bytes];
    for (const byte of code.bytes) body.push(byte);
    body.push(...after.bytes, 0x0b);
    return body;
  }

  private node(block: Block): void {
    if (block.isLoop) {
      this.code.loop(loopLabel(block.pc));
      this.within(block, 0);
      this.code.end().op(OP.unreachable);
    } else this.within(block, 0);
  }
  private within(block: Block, index: number): void {
    const merge = block.merges[index];
    if (merge === undefined) {
      this.body(block);
      return;
    }
    // The block's own code comes first and takes what is pending along; a merge point starts with nothing pending.
    this.code.block(mergeLabel(merge.pc));
    this.within(block, index + 1);
    this.code.end();
    this.emitter.pendingCycles = 0;
    this.emitter.pendingInstructions = 0;
    this.node(merge);
  }
  private body(block: Block): void {
    const { code, emitter } = this;
    for (const instruction of block.instructions) emitter.emit(instruction);
    const { end } = block;
    switch (end.kind) {
      case 'next':
        this.edge(block, end.next);
        break;
      case 'jump':
        emitter.pendingCycles += 3;
        emitter.pendingInstructions++;
        this.edge(block, end.next);
        break;
      case 'step':
        emitter.exit(end.pc | STEP);
        break;
      case 'branch': {
        const { branch, taken, next } = end;
        emitter.pendingCycles += branch.cycles;
        emitter.pendingInstructions++;
        code.operation(operationOf(BRANCH, branch.mnemonic)).if();
        const { pendingCycles, pendingInstructions } = emitter;
        emitter.pendingCycles += (next ^ taken) & 0xff00 ? 2 : 1;
        this.edge(block, taken);
        code.else();
        emitter.pendingCycles = pendingCycles;
        emitter.pendingInstructions = pendingInstructions;
        this.edge(block, next);
        code.end().op(OP.unreachable);
        break;
      }
      case 'call':
        emitter.call(end.call);
        this.edge(block, end.next);
        break;
      case 'return': {
        emitter.returnFrom({ pc: end.site, mnemonic: 'RTS', mode: 'imp', cycles: 6, length: 1, operand: 0 });
        emitter.flush();
        for (const site of end.sites) {
          code.get('pc').constant(site).op(OP.eq).if();
          this.edge(block, site);
          code.end();
          emitter.pendingCycles = 0;
          emitter.pendingInstructions = 0;
        }
        code.branch(EXIT);
      }
    }
  }
  private edge(from: Block, to: number): void {
    const { code, emitter, region } = this;
    const target = region.blocks.get(to);
    if (target === undefined || target.order < 0 || region.cut.has(edge(from, to))) {
      emitter.exit(to);
      return;
    }
    if (target.order <= from.order) {
      emitter.flush();
      code.get('cycles').loadFrom(OP.load32, this.layout.safeCycles).op(OP.le);
      code.get('n').constant(BUDGET_MARGIN).op(OP.gt).op(OP.and).branch(loopLabel(to), OP.brIf);
      emitter.exit(to);
    } else if (target.isMerge) {
      emitter.flush();
      code.branch(mergeLabel(to));
    } else {
      if (target.isLoop) emitter.flush();
      this.node(target);
    }
  }
}

const loopLabel = (pc: number) => `loop ${pc}`;
const mergeLabel = (pc: number) => `merge ${pc}`;

/** The function's body: declarations of locals and code, without its size. */
export function emitRegion(region: Region, layout: Layout, bank: Bank): readonly number[] {
  return new RegionEmitter(region, layout, bank).emit();
}
