// How translated code reaches memory and leaves. Addresses known from the operand are decoded here, once: RAM becomes a plain load or store, a TIA
// register a call of its own function, ROM a load from the bank. Cycles and instructions are summed up while writing (`pending...`) and
// reach the locals only where somebody looks. What can't be done leaves before the instruction has changed anything: the interpreter takes it.
import { type CodeWriter, OP } from './code-writer.ts';
import type { Bank, Instruction } from './instruction.ts';
import { functionIndex, LAST_REGISTER, type Layout, registerFunction } from './layout.ts';

export const EXIT = 'exit';
/** See STEP in assembly/translated.ts. */
export const STEP = 0x10000;
export const VSYNC = 0x00;
const VBLANK = 0x01;
const WSYNC = 0x02;
const RSYNC = 0x03;
const STROBES = new Set([0x10, 0x11, 0x12, 0x13, 0x14, 0x2a, 0x2b, 0x2c]);
const INTIM = 0x284;
const CYCLES_PER_LINE = 76;

/** What an absolute address is, as the bus decodes it. */
export const areaOf = (address: number): 'cartridge' | 'tia' | 'riot' | 'ram' =>
  address & 0x1000 ? 'cartridge' : !(address & 0x80) ? 'tia' : address & 0x200 ? 'riot' : 'ram';

export class MemoryEmitter {
  pendingCycles = 0;
  pendingInstructions = 0;
  protected readonly code: CodeWriter;
  protected readonly layout: Layout;
  protected readonly bank: Bank;

  constructor(code: CodeWriter, layout: Layout, bank: Bank) {
    this.code = code;
    this.layout = layout;
    this.bank = bank;
  }

  /** Cycles with everything pending: what memory accesses are told. */
  protected cycles(): void {
    this.code.get('cycles');
    if (this.pendingCycles) this.code.constant(this.pendingCycles).op(OP.add);
  }
  /** Brings the locals up to date. */
  flush(): void {
    const { code, pendingCycles, pendingInstructions } = this;
    if (pendingCycles) code.get('cycles').constant(pendingCycles).op(OP.add).set('cycles');
    if (pendingInstructions) code.get('n').constant(pendingInstructions).op(OP.sub).set('n');
    this.pendingCycles = 0;
    this.pendingInstructions = 0;
  }
  /** Leaves the region for `pc`, with what is pending. */
  exit(pc: number): void {
    const { pendingCycles, pendingInstructions } = this;
    this.flush();
    this.code.constant(pc).set('pc').branch(EXIT);
    this.pendingCycles = pendingCycles;
    this.pendingInstructions = pendingInstructions;
  }
  /** Leaves before `instruction`, whose cycles are pending already, but which does not count yet. */
  private step({ pc, cycles }: Instruction): void {
    this.pendingCycles -= cycles;
    this.exit(pc | STEP);
    this.pendingCycles += cycles;
  }
  /** Leaves before `instruction` when the condition on the stack holds. */
  protected stepIf(instruction: Instruction): void {
    this.code.if();
    this.step(instruction);
    this.code.end();
  }

  // ---- addresses
  /** Local t: the zero page address of an indexed operand. */
  protected zeroPageIndexed({ mode, operand }: Instruction): void {
    this.code
      .get(mode === 'zpy' ? 'Y' : 'X')
      .constant(operand)
      .op(OP.add)
      .constant(0xff)
      .op(OP.and)
      .set('t');
  }
  /** Local ad: the effective address; local t: the address before indexing, where it is not the operand. */
  protected effectiveAddress({ mode, operand }: Instruction): void {
    const { code, layout } = this;
    if (mode === 'abx' || mode === 'aby') {
      code
        .constant(operand)
        .get(mode === 'abx' ? 'X' : 'Y')
        .op(OP.add)
        .constant(0xffff)
        .op(OP.and)
        .set('ad');
      return;
    }
    if (mode === 'izx') {
      code.get('X').constant(operand).op(OP.add).constant(0xff).op(OP.and).constant(operand);
      this.cycles();
      code.call(functionIndex('zeroPagePointer')).tee('ad').set('t');
      return;
    }
    if (operand >= 0x80 && operand !== 0xff) code.loadFrom(OP.load16, layout.ramPage + operand);
    else {
      code.constant(operand).constant(operand);
      this.cycles();
      code.call(functionIndex('zeroPagePointer'));
    }
    code.tee('t').get('Y').op(OP.add).constant(0xffff).op(OP.and).set('ad');
  }
  /** The base of an indexed address, whose high byte is what the bus saw last. */
  private base({ mode, operand }: Instruction): void {
    if (mode === 'izx' || mode === 'izy') this.code.get('t');
    else this.code.constant(operand);
  }
  /** A read costs a cycle more when indexing has crossed a page. */
  private addCrossing(instruction: Instruction): void {
    if (instruction.mode === 'izx') return;
    this.code.get('ad');
    this.base(instruction);
    this.code.op(OP.xor).constant(0xff00).op(OP.and).constant(0).op(OP.ne).get('cycles').op(OP.add).set('cycles');
  }

  // ---- reading
  /** Local m: the operand. */
  protected readOperand(instruction: Instruction): void {
    const { code, layout, bank } = this;
    const { mode, operand } = instruction;
    switch (mode) {
      case 'imm':
        code.constant(operand);
        break;
      case 'zp':
      case 'abs':
        this.readFixed(operand, mode === 'zp' ? operand : operand >> 8);
        break;
      case 'zpx':
      case 'zpy':
        this.zeroPageIndexed(instruction);
        code.get('t').constant(0x80).op(OP.and).if(true);
        code.get('t').memory(OP.load8, layout.ramPage).else();
        code.get('t').constant(operand);
        this.cycles();
        code.call(functionIndex('readTia')).end();
        break;
      default: {
        const offset = operand & 0xfff;
        const isTable =
          (mode === 'abx' || mode === 'aby') && operand & 0x1000 && offset + 0xff < Math.min(bank.hotspots, 0x1000);
        if (isTable) {
          const index = mode === 'abx' ? 'X' : 'Y';
          if (operand & 0xff)
            code
              .get(index)
              .constant(operand & 0xff)
              .op(OP.add)
              .constant(8)
              .op(OP.shr)
              .get('cycles')
              .op(OP.add)
              .set('cycles');
          code.get(index).memory(OP.load8, bank.pointer + offset);
        } else this.readDynamic(instruction);
      }
    }
    code.set('m');
  }
  private readFixed(address: number, noise: number): void {
    const { code, layout, bank } = this;
    switch (areaOf(address)) {
      case 'ram':
        code.loadFrom(OP.load8, layout.ramPage + (address & 0xff));
        break;
      case 'cartridge':
        code.loadFrom(OP.load8, bank.pointer + (address & 0xfff));
        break;
      case 'tia':
        code.constant(address).constant(noise);
        this.cycles();
        code.call(functionIndex('readTia'));
        break;
      case 'riot':
        code.constant(address);
        this.cycles();
        code.call(functionIndex('readRiot'));
    }
  }
  private readDynamic(instruction: Instruction): void {
    const { code, bank } = this;
    this.effectiveAddress(instruction);
    if (bank.hotspots < 0x1000) {
      code.get('ad').constant(0x1000).op(OP.and).if();
      code.get('ad').constant(0xfff).op(OP.and).constant(bank.hotspots).op(OP.ge);
      this.stepIf(instruction);
      code.end();
    }
    this.addCrossing(instruction);
    code.get('ad').constant(0x1000).op(OP.and).if(true);
    code.get('ad').constant(0xfff).op(OP.and).memory(OP.load8, bank.pointer).else();
    code.get('ad');
    this.base(instruction);
    code.constant(8).op(OP.shr);
    this.cycles();
    code.call(functionIndex('readBus')).end();
  }
  /** LDA, LDX or LDY INTIM with BNE back to it: the turns that surely repeat are counted, not run. */
  protected skipPoll({ pc, mnemonic, mode, operand }: Instruction): void {
    const { code, bank } = this;
    const at = (pc & 0xfff) + 3;
    if (mode !== 'abs' || operand !== INTIM || !['LDA', 'LDX', 'LDY'].includes(mnemonic)) return;
    if (bank.bytes[at] !== 0xd0 || bank.bytes[at + 1] !== 0xfb) return;
    this.cycles();
    code
      .get('m')
      .get('n')
      .constant(this.pendingInstructions + 1)
      .op(OP.sub);
    code.call(functionIndex('timerPollTurns')).tee('t');
    code.constant(7).op(OP.mul).get('cycles').op(OP.add).set('cycles');
    code.get('n').get('t').constant(1).op(OP.shl).op(OP.sub).set('n');
  }

  // ---- writing
  protected store(instruction: Instruction, value: () => void): void {
    const { code, layout } = this;
    const { mode } = instruction;
    if (mode === 'zp' || mode === 'abs') {
      this.storeFixed(instruction, value);
      return;
    }
    if (mode === 'zpx' || mode === 'zpy') {
      this.zeroPageIndexed(instruction);
      code.get('t').constant(0x80).op(OP.and).if();
      code.get('t');
      value();
      code.memory(OP.store8, layout.ramPage).else();
      code.get('t').constant(0x3f).op(OP.and).set('u');
      this.storeToRegister(instruction, value);
      code.end();
      return;
    }
    this.effectiveAddress(instruction);
    code.get('ad').constant(0x1000).op(OP.and);
    this.stepIf(instruction);
    code.get('ad').constant(0x80).op(OP.and).if();
    code.get('ad');
    value();
    this.cycles();
    code.call(functionIndex('writeRiotOrRam')).else();
    code.get('ad').constant(0x3f).op(OP.and).set('u');
    this.storeToRegister(instruction, value);
    code.end();
  }
  /** To the TIA register in local u. */
  protected storeToRegister(instruction: Instruction, value: () => void): void {
    const { code, layout } = this;
    code
      .get('u')
      .constant(RSYNC)
      .op(OP.sub)
      .constant(LAST_REGISTER - RSYNC)
      .op(OP.gtU);
    this.stepIf(instruction);
    code.get('u').constant(1).op(OP.shl).memory(OP.load16, layout.shadow);
    value();
    code.op(OP.ne).if();
    code.get('u');
    value();
    this.cycles();
    code.call(functionIndex('writeTia')).end();
  }
  private storeFixed(instruction: Instruction, value: () => void): void {
    const { code, layout } = this;
    const { operand, pc, length } = instruction;
    switch (areaOf(operand)) {
      case 'ram':
        code.constant(0);
        value();
        code.memory(OP.store8, layout.ramPage + (operand & 0xff));
        return;
      case 'riot':
        code.constant(operand);
        value();
        this.cycles();
        code.call(functionIndex('writeRiotOrRam'));
        return;
    }
    const register = operand & 0x3f;
    if (register === WSYNC) {
      // Waits for the end of the line; far down the screen the interpreter goes on, which watches the line limit.
      this.cycles();
      code
        .constant(CYCLES_PER_LINE - 1)
        .op(OP.add)
        .constant(CYCLES_PER_LINE)
        .op(OP.divU)
        .constant(CYCLES_PER_LINE)
        .op(OP.mul)
        .set('cycles');
      this.pendingCycles = 0;
      code.get('cycles').loadFrom(OP.load32, layout.safeCycles).op(OP.gt).if();
      this.pendingInstructions++;
      this.exit((pc + length) & 0xffff);
      this.pendingInstructions--;
      code.end();
    } else if (register === VBLANK) {
      code.constant(VBLANK);
      value();
      this.cycles();
      code.call(functionIndex('writeTiaSlow')).op(OP.drop);
    } else if (register > RSYNC && register <= LAST_REGISTER) {
      const isStrobe = STROBES.has(register);
      if (!isStrobe) {
        code.loadFrom(OP.load16, layout.shadow + register * 2);
        value();
        code.op(OP.ne).if();
      }
      value();
      this.cycles();
      code.call(registerFunction(register));
      if (!isStrobe) code.end();
    }
  }
}
