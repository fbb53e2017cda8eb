// Writes one instruction: what it does is the text that the interpreter is made of, compiled; how it reaches memory is in memory-emitter.ts.
import { AFTER_MODIFY, IMPLIED, MODIFY, READ, SET_STATUS, STATUS, STORE } from '../generated/operations.ts';
import { OP, operationOf } from './code-writer.ts';
import type { Bank, Instruction } from './instruction.ts';
import { functionIndex } from './layout.ts';
import { areaOf, MemoryEmitter, VSYNC } from './memory-emitter.ts';

const PLA = 0x68;
const PLP = 0x28;

/** Whether the interpreter has to take this instruction in any case. */
export function needsInterpreter(bank: Bank, { mnemonic, mode, operand }: Instruction): boolean {
  if (['JSR', 'RTS', 'JMP', 'PHA', 'PHP', 'PLA', 'PLP'].includes(mnemonic)) return false;
  if (mode === 'rel') return areaOf(operand) !== 'cartridge';
  if (mode === 'acc' || mode === 'imm' || (mnemonic in IMPLIED && mode === 'imp')) return false;
  if (mnemonic in READ) return mode === 'abs' && areaOf(operand) === 'cartridge' && (operand & 0xfff) >= bank.hotspots;
  if (mnemonic in STORE) {
    if (mode !== 'abs' && mode !== 'zp') return false;
    return areaOf(operand) === 'cartridge' || (areaOf(operand) === 'tia' && (operand & 0x3f) === VSYNC);
  }
  if (mnemonic in MODIFY) return (mode === 'abs' || mode === 'zp') && areaOf(operand) !== 'ram';
  return true;
}

export class InstructionEmitter extends MemoryEmitter {
  /** One instruction of a block; control flow is not among them. */
  emit(instruction: Instruction): void {
    const { code } = this;
    const { mnemonic, mode } = instruction;
    this.pendingCycles += instruction.cycles;
    if (mode === 'acc') code.get('A').set('m').operation(operationOf(MODIFY, mnemonic)).get('m').set('A');
    else if (mnemonic in IMPLIED && mode === 'imp') code.operation(operationOf(IMPLIED, mnemonic));
    else if (mnemonic in READ) {
      this.readOperand(instruction);
      code.operation(operationOf(READ, mnemonic));
      this.skipPoll(instruction);
    } else if (mnemonic in STORE) this.store(instruction, () => code.operation(operationOf(STORE, mnemonic)));
    else if (mnemonic in MODIFY) this.modify(instruction);
    else this.stack(instruction);
    this.pendingInstructions++;
  }

  private modify(instruction: Instruction): void {
    const { code, layout } = this;
    const { mnemonic, mode, operand } = instruction;
    const finish = () => code.operation(operationOf(MODIFY, mnemonic));
    if (mode === 'zp' || mode === 'abs') {
      const address = layout.ramPage + (operand & 0xff);
      code.loadFrom(OP.load8, address).set('m');
      finish();
      code.constant(0).get('m').memory(OP.store8, address);
    } else {
      if (mode === 'zpx' || mode === 'zpy') {
        this.zeroPageIndexed(instruction);
        code.get('t').constant(0x80).op(OP.and).op(OP.eqz);
      } else {
        this.effectiveAddress(instruction);
        code.get('ad').constant(0x1280).op(OP.and).constant(0x80).op(OP.ne);
      }
      this.stepIf(instruction);
      code
        .get(mode === 'zpx' || mode === 'zpy' ? 't' : 'ad')
        .constant(0xff)
        .op(OP.and)
        .tee('ad');
      code.memory(OP.load8, layout.ramPage).set('m');
      finish();
      code.get('ad').get('m').memory(OP.store8, layout.ramPage);
    }
    if (mnemonic in AFTER_MODIFY) code.operation(operationOf(AFTER_MODIFY, mnemonic));
  }

  // ---- stack
  private stack(instruction: Instruction): void {
    const { code, layout } = this;
    const { mnemonic } = instruction;
    if (mnemonic === 'PHA' || mnemonic === 'PHP') {
      const value = () => (mnemonic === 'PHA' ? code.get('A') : code.operation(STATUS));
      // A stack in the TIA's registers is a trick that kernels use.
      code.get('SP').constant(0x80).op(OP.and).if();
      code.get('SP');
      value();
      code.memory(OP.store8, layout.ramPage).else();
      code.get('SP').constant(0x3f).op(OP.and).set('u');
      this.storeToRegister(instruction, value);
      code.end();
      code.get('SP').constant(1).op(OP.sub).constant(0xff).op(OP.and).set('SP');
      return;
    }
    code.get('SP').constant(1).op(OP.add).constant(0xff).op(OP.and).tee('SP').constant(0x80).op(OP.gt).if(true);
    code.get('SP').memory(OP.load8, layout.ramPage).else();
    code.get('SP').constant(mnemonic === 'PLA' ? PLA : PLP);
    this.cycles();
    code.call(functionIndex('pullFirst')).end().set('m');
    if (mnemonic === 'PLP') code.operation(SET_STATUS);
    else code.get('m').tee('A').tee('nr').set('zr');
  }
  /** JSR's push; leaves for the interpreter where the stack is no RAM. */
  call(instruction: Instruction): void {
    const { code, layout } = this;
    const last = (instruction.pc + 2) & 0xffff;
    this.pendingCycles += instruction.cycles;
    code.get('SP').constant(1).op(OP.sub).tee('t').get('SP').op(OP.and).constant(0x80).op(OP.and).op(OP.eqz);
    this.stepIf(instruction);
    code
      .get('SP')
      .constant(last >> 8)
      .memory(OP.store8, layout.ramPage);
    code
      .get('t')
      .constant(last & 0xff)
      .memory(OP.store8, layout.ramPage);
    code.get('t').constant(1).op(OP.sub).set('SP');
    this.pendingInstructions++;
  }
  /** RTS's pull: local pc is where it returns to. */
  returnFrom(instruction: Instruction): void {
    const { code, layout, bank } = this;
    this.pendingCycles += instruction.cycles;
    code.get('SP').constant(1).op(OP.add).constant(0xff).op(OP.and).tee('t');
    code.get('SP').constant(2).op(OP.add).constant(0xff).op(OP.and).tee('u');
    code.op(OP.and).constant(0x80).op(OP.and).op(OP.eqz);
    this.stepIf(instruction);
    code
      .get('t')
      .memory(OP.load8, layout.ramPage)
      .get('u')
      .memory(OP.load8, layout.ramPage)
      .constant(8)
      .op(OP.shl)
      .op(OP.or)
      .tee('t');
    // The byte before the return address is read: that must be plain ROM.
    code.constant(0x1000).op(OP.and).op(OP.eqz);
    code.get('t').constant(0xfff).op(OP.and).constant(bank.hotspots).op(OP.ge, OP.or);
    this.stepIf(instruction);
    code.get('t').constant(1).op(OP.add).constant(0xffff).op(OP.and).set('pc').get('u').set('SP');
    this.pendingInstructions++;
  }
}
