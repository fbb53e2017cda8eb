// Translates the code of a ROM to WebAssembly while it is played. The interpreter counts where jumps find no translation; at growing
// intervals the places that were met often become functions. Consoles with the same ROM share what has been translated.
import type { CoreExports } from '../core.ts';
import type { CartridgeType } from '../game.ts';
import type { Bank } from './instruction.ts';
import { needsInterpreter } from './instruction-emitter.ts';
import { IMPORTS, type Layout, readLayout } from './layout.ts';
import { buildModule } from './module.ts';
import { buildRegion } from './region.ts';
import { emitRegion } from './region-emitter.ts';

/** See assembly/state.ts: banks lie this far apart, guard pages between. */
const BANK_STRIDE = 0x1100;
const BANK_BYTES = 0x1000;
const BANKS: Partial<Record<CartridgeType, number>> = {
  '2K': 1,
  '4K': 1,
  F8: 2,
  F8SC: 2,
  F6: 4,
  F6SC: 4,
  F4: 8,
  F4SC: 8,
  FA: 3,
  E0: 1,
};
/** Offset behind the ports of a cartridge's RAM, where code begins. */
const CODE_BEGINS: Partial<Record<CartridgeType, number>> = { F8SC: 0x100, F6SC: 0x100, F4SC: 0x100, FA: 0x200 };
const MOST_BANKS = 8;
/** E0: the bank is put together from eight slices; translations belong to a slice in its place. */
const SLICE_BYTES = 0x400;
const SLICES = 8;
/** High bits of a program counter that tell the places of a slice, and mirrors, apart; see assembly/translated.ts. */
const HIGH = 0xfc00;
const MIRROR = 0xe000;
/** More than any game has; it bounds the table. */
const MAXIMUM_ENTRIES = 8191;
/** Acts until the first look, and the most between two. */
const FIRST_INTERVAL = 32;
const LONGEST_INTERVAL = 8192;
/** A place that is met less often than once in so many acts stays with the interpreter. */
const RAREST_ACTS = 16;

/** Functions translated together. */
interface Translation {
  readonly module: WebAssembly.Module;
  readonly firstEntry: number;
  /** By function: where in the core's table of entries it belongs, and the high bits of its program counter. */
  readonly entries: readonly (readonly [place: number, high: number])[];
}
const translations = new Map<string, Translation[]>();

export class RomTranslator {
  private readonly core: CoreExports;
  private readonly layout: Layout;
  private readonly banks: number;
  private readonly cartridge: CartridgeType;
  private readonly shared: Translation[];
  private applied = 0;
  private nextEntry: number;
  private interval = FIRST_INTERVAL;
  private countdown = FIRST_INTERVAL;
  private isOff = false;

  /** Undefined for cartridges whose code can't be translated: theirs changes under the CPU, or is watched as it is fetched. */
  static for(core: CoreExports, cartridge: CartridgeType, romHash: string): RomTranslator | undefined {
    const banks = BANKS[cartridge];
    return banks === undefined ? undefined : new RomTranslator(core, banks, cartridge, romHash);
  }
  private constructor(core: CoreExports, banks: number, cartridge: CartridgeType, romHash: string) {
    this.core = core;
    this.layout = readLayout(core);
    this.banks = banks;
    this.cartridge = cartridge;
    this.nextEntry = core.table.length;
    // The same bytes mean other code on another cartridge.
    const key = `${cartridge} ${romHash}`;
    const known = translations.get(key);
    this.shared = known ?? [];
    if (known === undefined) translations.set(key, this.shared);
    core.setTranslating(1);
  }

  /** To be called once per act or step. */
  tick(): void {
    if (--this.countdown > 0) return;
    this.translate();
    this.countdown = this.interval;
    this.interval = Math.min(this.interval * 2, LONGEST_INTERVAL);
  }

  /** Translates what has been met often enough since the last look. */
  translate(rarest = Math.max(2, this.interval / RAREST_ACTS)): void {
    if (this.isOff) return;
    try {
      if (this.applied === this.shared.length) {
        const translation = this.build(rarest);
        if (translation) this.shared.push(translation);
      }
      while (this.applied < this.shared.length) this.apply(this.shared[this.applied++] as Translation);
    } catch (error) {
      // A content security policy can forbid new code; the interpreter needs none.
      if (!(error instanceof WebAssembly.CompileError || error instanceof RangeError || error instanceof EvalError))
        throw error;
      this.isOff = true;
    }
    this.misses().fill(0);
  }

  private misses(): Uint32Array {
    return new Uint32Array(this.core.memory.buffer, this.core.missesAddress(), MOST_BANKS * BANK_STRIDE);
  }
  /** The code around a place, and its program counter; undefined for places between banks, and for code that has run out of its bank. */
  private locate(place: number, high: number): { readonly bank: Bank; readonly pc: number } | undefined {
    const found = this.locateInBank(place, high);
    return found && (found.pc & HIGH) === high ? found : undefined;
  }
  private locateInBank(place: number, high: number): { readonly bank: Bank; readonly pc: number } | undefined {
    const { core, cartridge } = this;
    const hotspots = core.hotspots.value;
    const [mirror, memory] = [high & MIRROR, core.memory.buffer];
    if (cartridge === 'E0') {
      const slice = Math.floor(place / SLICE_BYTES);
      if (slice >= SLICES) return undefined;
      const first = high & 0xc00;
      const last = Math.min(first + SLICE_BYTES, hotspots) - 1;
      const bytes = new Uint8Array(BANK_BYTES);
      bytes.set(new Uint8Array(memory, core.romAddress() + slice * SLICE_BYTES, SLICE_BYTES), first);
      const bank = { bytes, pointer: core.romBanksAddress(), mirror, first, last, hotspots };
      return { bank, pc: mirror | 0x1000 | first | (place & (SLICE_BYTES - 1)) };
    }
    const index = Math.floor(place / BANK_STRIDE);
    const offset = place - index * BANK_STRIDE;
    if (index >= this.banks || offset >= BANK_BYTES) return undefined;
    const pointer = core.romBanksAddress() + index * BANK_STRIDE;
    const bytes = new Uint8Array(memory, pointer, BANK_BYTES);
    const first = CODE_BEGINS[cartridge] ?? 0;
    const bank = { bytes, pointer, mirror, first, last: Math.min(hotspots, BANK_BYTES) - 1, hotspots };
    return { bank, pc: mirror | 0x1000 | offset };
  }
  private build(rarest: number): Translation | undefined {
    const met = [...this.misses()].flatMap((missed, place) =>
      missed >>> 16 < rarest ? [] : [{ place, high: missed & HIGH, times: missed >>> 16 }],
    );
    // The busiest first. What one function has inside is probably reached there from now on; if not, it is met again, and has its turn next time.
    met.sort((a, b) => b.times - a.times || a.place - b.place);
    const inside = new Set<string>();
    const entries: [number, number][] = [];
    const bodies: (readonly number[])[] = [];
    for (const { place, high } of met) {
      const found = this.locate(place, high);
      if (found === undefined || this.nextEntry + bodies.length > MAXIMUM_ENTRIES) continue;
      const { bank, pc } = found;
      if (inside.has(`${place} ${high}`)) continue;
      const region = buildRegion(bank, pc, (instruction) => needsInterpreter(bank, instruction));
      if (region === undefined) continue;
      for (const block of region.blocks.values())
        if (block.order >= 0) inside.add(`${place + block.pc - pc} ${block.pc & HIGH}`);
      bodies.push(emitRegion(region, this.layout, bank));
      entries.push([place, high]);
    }
    if (bodies.length === 0) return undefined;
    const module = new WebAssembly.Module(buildModule(bodies, this.nextEntry) as BufferSource);
    return { module, firstEntry: this.nextEntry, entries };
  }
  private apply({ module, entries, firstEntry }: Translation): void {
    const { core } = this;
    core.table.grow(entries.length);
    const functions = Object.fromEntries(IMPORTS.map(({ name }) => [name, core[name as keyof CoreExports]]));
    new WebAssembly.Instance(module, {
      core: { memory: core.memory, table: core.table, ...functions },
    } as WebAssembly.Imports);
    const table = new Uint32Array(core.memory.buffer, core.entriesAddress(), MOST_BANKS * BANK_STRIDE);
    entries.forEach(([place, high], i) => {
      table[place] = ((firstEntry + i) << 16) | high;
    });
    this.nextEntry += entries.length;
  }
}
