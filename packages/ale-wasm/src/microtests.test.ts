// Single writes to the TIA at every cycle of a line, motion at every cycle, collisions, and reads of the expired timer, against ALE. A small program
// is assembled here for every scene and run on a console. Its frame: VSYNC; VBLANK on; a line for every register of the setup, 36 lines in all;
// VBLANK off; 60 empty lines; the write or reads under test; empty lines to the end.
import { describe, expect, it } from 'vitest';
import { Ale } from './ale.ts';
import { EMBEDDED_GAME } from './embedded-game.ts';
import { golden } from './testing.ts';

type Write = readonly [register: string, value: number, cycle: number | null];
type Runs = readonly (readonly [count: number, index: number])[];
interface Scene {
  readonly setup: readonly Write[];
  readonly reg: string;
  readonly value: number;
  readonly rows: Readonly<Record<string, readonly Runs[]>>;
}
interface StaticScene {
  readonly setup: readonly Write[];
  readonly row: Runs;
  readonly cx_reads_00_07: readonly number[];
}

const REGISTERS =
  'VSYNC VBLANK WSYNC RSYNC NUSIZ0 NUSIZ1 COLUP0 COLUP1 COLUPF COLUBK CTRLPF REFP0 REFP1 PF0 PF1 PF2 RESP0 RESP1 RESM0 RESM1 RESBL AUDC0 AUDC1 AUDF0 AUDF1 AUDV0 AUDV1 GRP0 GRP1 ENAM0 ENAM1 ENABL HMP0 HMP1 HMM0 HMM1 HMBL VDELP0 VDELP1 VDELBL RESMP0 RESMP1 HMOVE HMCLR CXCLR'.split(
    ' ',
  );
const registerOf = (name: string): number => {
  const register = REGISTERS.indexOf(name);
  if (register < 0) throw new Error(`no register ${name}`);
  return register;
};

// ---- the program: pieces of machine code
const ORIGIN = 0xf000;
const [VSYNC, VBLANK, WSYNC] = [0x00, 0x01, 0x02];
/** Zero page: where the program goes on after the empty lines, what it read, and the byte that ends an episode of the embedded game. */
const [TARGET, RESULTS, GAME_OVER] = [0x88, 0x90, 0x82];
const load = (value: number) => [0xa9, value];
const store = (register: number) => [0x85, register];
const jump = (address: number) => [0x4c, address & 255, address >> 8];
const lines = (count: number) => Array.from({ length: count }, () => store(WSYNC)).flat();
/** Instructions of `cycles` cycles in all (not 1) that leave the accumulator alone. */
function wait(cycles: number): number[] {
  if (cycles === 1 || cycles < 0) throw new Error(`no way to wait ${cycles} cycles`);
  const nops = Array.from({ length: (cycles - (cycles & 1 ? 3 : 0)) / 2 }, () => 0xea);
  return cycles & 1 ? [0x24, 0xff, ...nops] : nops; // BIT zero page
}
/** Waits for the next line, then writes so that the instruction ends at line cycle `cycle`; 0..2 are in the line after. */
function writeAt(register: number, value: number, cycle: number): number[] {
  const end = cycle < 3 ? cycle + 76 : cycle;
  const write = end === 4 ? [0x8d, register, 0x00] : [...wait(end - 3), ...store(register)];
  return [...load(value), ...store(WSYNC), ...write];
}

/** A program that draws `setup` in every frame and, after 60 empty lines, runs the one of `variants` that the pointer in RAM names. */
function assemble(setup: readonly Write[], variants: readonly (readonly number[])[]) {
  const setupLines = setup.reduce((sum, [, , cycle]) => sum + (cycle !== null && cycle < 3 ? 2 : 1), 0);
  const code: number[] = [];
  const here = () => ORIGIN + code.length;
  const startVariant = code.length;
  code.push(...load(0), ...store(TARGET), ...load(0), ...store(TARGET + 1), ...load(0), ...store(GAME_OVER));
  const frame = here();
  code.push(...load(2), ...store(VSYNC), ...lines(3), ...load(0), ...store(VSYNC), ...load(2), ...store(VBLANK));
  for (const [name, value, cycle] of setup) code.push(...writeAt(registerOf(name), value, cycle ?? 3));
  code.push(...lines(36 - setupLines), ...load(0), ...store(VBLANK), ...lines(60));
  code.push(0x6c, TARGET, 0x00);
  const rest = here();
  code.push(...lines(3), 0xa2, 150, ...store(WSYNC), 0xca, 0xd0, 0xfb, ...jump(frame)); // LDX, STA WSYNC, DEX, BNE
  const addresses = variants.map((variant) => {
    const address = here();
    code.push(...variant, ...jump(rest));
    return address;
  });
  const first = addresses[0] as number;
  code[startVariant + 1] = first & 255;
  code[startVariant + 5] = first >> 8;
  if (code.length > 0xff0) throw new Error(`the program has ${code.length} bytes`);
  const rom = new Uint8Array(4096);
  rom.set(code);
  rom.set([ORIGIN & 255, ORIGIN >> 8], 0xffc);
  const ale = new Ale(rom, { game: { ...EMBEDDED_GAME, md5: '' }, repeatActionProbability: 0 });
  return (variant: number) => {
    const address = addresses[variant] as number;
    ale.setRam(TARGET - 0x80, address & 255);
    ale.setRam(TARGET + 1 - 0x80, address >> 8);
    ale.act(0);
    ale.act(0);
    return ale;
  };
}

function runsOf(ale: Ale, row: number): [number, number][] {
  const runs: [number, number][] = [];
  for (const index of ale.screen().subarray(row * 160, row * 160 + 160)) {
    const last = runs.at(-1);
    if (last?.[1] === index) last[0]++;
    else runs.push([1, index]);
  }
  return runs;
}

const { R0, scenes, static: staticScenes } = golden('microtests.json');
const tables = golden('tia_tables.json');

describe('one write at every cycle of a line', () => {
  it.each(Object.entries<Scene>(scenes))('%s', (_name, { setup, reg, value, rows }) => {
    const cycles = Object.keys(rows).map(Number);
    const run = assemble(
      setup,
      cycles.map((cycle) => writeAt(registerOf(reg), value, cycle)),
    );
    const got = cycles.map((cycle, variant) => {
      const ale = run(variant);
      return [cycle, [0, 1, 2].map((row) => runsOf(ale, R0 + row))];
    });
    expect(got).toEqual(cycles.map((cycle) => [cycle, rows[cycle]]));
  });
});

describe('pictures and collisions', () => {
  const reads = Array.from({ length: 8 }, (_, register) => [0xa5, register, 0x85, RESULTS + register]).flat();
  it.each(Object.entries<StaticScene>(staticScenes))('%s', (_name, { setup, row, cx_reads_00_07 }) => {
    const ale = assemble(setup, [[...lines(3), ...reads]])(0);
    expect(runsOf(ale, R0)).toEqual(row);
    expect([...ale.ram().subarray(RESULTS - 0x80, RESULTS - 0x78)]).toEqual(cx_reads_00_07);
  });
});

describe('horizontal motion', () => {
  interface MotionRow {
    readonly cycles: readonly [number, number];
    readonly delta_by_HM_nibble_0_to_F: readonly number[];
  }
  const rows: readonly MotionRow[] = tables.hmove.rows;
  it.each(Array.from({ length: 16 }, (_, nibble) => nibble))('nibble %i at every cycle', (nibble) => {
    const setup: Write[] = [
      ['COLUPF', 14, null],
      ['ENABL', 2, null],
      ['HMBL', nibble << 4, null],
      ['RESBL', 0, 40],
    ];
    const cycles = Array.from({ length: 76 }, (_, cycle) => cycle);
    const run = assemble(
      setup,
      cycles.map((cycle) => writeAt(registerOf('HMOVE'), 0, cycle)),
    );
    const got = cycles.map(
      (_, variant) =>
        run(variant)
          .screen()
          .indexOf(14, (R0 + 4) * 160) -
        (R0 + 4) * 160 -
        56,
    );
    const expected = cycles.map(
      (cycle) => rows.find(({ cycles: [from, to] }) => cycle >= from && cycle <= to)?.delta_by_HM_nibble_0_to_F[nibble],
    );
    expect(got).toEqual(expected);
  });

  it('blanks the first pixels of the line after a move early in it', () => {
    const cycles = Array.from({ length: 76 }, (_, cycle) => cycle);
    const run = assemble(
      [['COLUBK', 32, null]],
      cycles.map((cycle) => writeAt(registerOf('HMOVE'), 0, cycle)),
    );
    const { cycles: blanking, pixels, value } = tables.hmove_blank;
    const [first, last] = pixels;
    const dark = (ale: Ale, row: number) => {
      const line = ale.screen().subarray((R0 + row) * 160, (R0 + row + 1) * 160);
      return line.every((index, x) => index === (x >= first && x <= last ? value : 32));
    };
    const got = cycles.filter((cycle, variant) => {
      // writeAt puts cycles 0..2 on the line after its own; a move at the last cycle blanks the line after that one.
      return dark(run(variant), cycle < 3 || cycle === 75 ? 1 : 0);
    });
    expect(got).toEqual(blanking);
  });
});

/** HMOVE at a line cycle, then a store of `value` that ends `cycles` later. */
const afterMove = (moveCycle: number, register: string, value: number, cycles: number): number[] => [
  ...writeAt(registerOf('HMOVE'), 0, moveCycle),
  ...(value ? [...load(value), ...wait(cycles - 5)] : wait(cycles - 3)),
  ...store(registerOf(register)),
];

describe('writes soon after a motion', () => {
  interface SpecialCase {
    readonly reg: string;
    readonly clocks_after_HMOVE: number;
    readonly line_clock: readonly number[];
    readonly pos: number;
  }
  const cases = (tables.special_cases as readonly SpecialCase[]).flatMap(
    ({ reg, clocks_after_HMOVE, line_clock, pos }) =>
      line_clock.map((clock) => [reg, clocks_after_HMOVE, clock, pos] as const),
  );
  it.each(cases)('%s %i clocks after HMOVE, at line clock %i: pixel %i', (register, after, clock, position) => {
    const color = 14;
    const setup: Write[] = [
      ['COLUP0', color, null],
      ['COLUP1', color, null],
      ['COLUPF', color, null],
      [register.replace('RES', 'ENA'), 2, null],
    ];
    const strobeAt = clock / 3;
    const variants = [
      afterMove(strobeAt - after / 3, register, 0, after / 3),
      writeAt(registerOf(register), 0, strobeAt),
    ];
    const run = assemble(setup, variants);
    const pixel = (variant: number) => {
      const line = run(variant)
        .screen()
        .subarray((R0 + 3) * 160, (R0 + 4) * 160);
      return line.indexOf(color);
    };
    expect(pixel(0)).toBe(position);
    expect(pixel(1)).not.toBe(position); // without the motion it would be elsewhere
  });

  it('leave missile 0 in the state of a star field', () => {
    const { per_line_shift_left: shifts } = tables.star_mode;
    const setup: Write[] = [
      ['COLUP0', 14, null],
      ['ENAM0', 2, null],
      ['HMM0', 0x70, null],
      ['RESM0', 0, 60],
    ];
    const ale = assemble(setup, [[...lines(1), ...afterMove(10, 'HMM0', 0x60, 63 / 3)]])(0);
    const runs = Array.from({ length: 12 }, (_, row) => runsOf(ale, R0 + 3 + row));
    const shown = runs.map((row) => {
      const at = row.findIndex(([, index]) => index === 14);
      return at < 0 ? undefined : { x: row.slice(0, at).reduce((sum, [count]) => sum + count, 0), width: row[at]?.[0] };
    });
    // The counter goes round in four lines; the line with its second value shows nothing.
    const hidden = shown.indexOf(undefined);
    expect(shown.map((missile) => missile === undefined)).toEqual(shown.map((_, row) => (row - hidden) % 4 === 0));
    for (let row = 1; row < shown.length; row++) {
      const counter = (((row - hidden) % 4) + 6) % 4;
      const [now, before] = [shown[row], shown[row - 1]];
      if (now) expect(now.width).toBe(counter === 1 ? 2 : 1);
      if (now && before) expect((before.x - now.x + 160) % 160).toBe(shifts[counter]);
      const twoAgo = shown[row - 2];
      if (now && !before && twoAgo) expect((twoAgo.x - now.x + 160) % 160).toBe(shifts[2] + shifts[3]);
    }
  });
});

describe('reads', () => {
  interface TimerReads {
    readonly T: number;
    readonly shift: number;
    readonly read_cycles: readonly number[];
    readonly values: readonly number[];
    readonly flag_after: number;
  }
  it.each<TimerReads>(tables.intim_after_expiry_examples)(
    'the timer after it has expired: $T, shift $shift, from cycle $read_cycles.0',
    ({ T, shift, read_cycles, values, flag_after }) => {
      const timer = 0x94 + [0, 3, 6, 10].indexOf(shift);
      const reads = values.flatMap((_, i) => [0xad, 0x84, 0x02, ...store(RESULTS + i)]);
      const flag = [0xad, 0x85, 0x02, ...store(RESULTS + values.length)];
      const ale = assemble(
        [],
        [[...load(T), 0x8d, timer, 0x02, ...wait((read_cycles[0] as number) - 4), ...reads, ...flag]],
      )(0);
      const at = RESULTS - 0x80;
      expect([...ale.ram().subarray(at, at + values.length + 1)]).toEqual([...values, flag_after]);
    },
  );

  it('keep the last byte of the bus where nothing drives it', () => {
    const [zeroPage, absolute] = [0xa5, 0xad];
    const measured = tables.first_instruction_reads;
    const reads: readonly (readonly [name: string, code: readonly number[]])[] = [
      ['LDA_zp_02', [zeroPage, 0x02]],
      ['LDA_zp_3E', [zeroPage, 0x3e]],
      ['LDA_zp_0C', [zeroPage, 0x0c]],
      ['LDA_abs_2042', [absolute, 0x42, 0x20]],
      ['LDA_abs_013E', [absolute, 0x3e, 0x01]],
      ['LDA_abs_000D', [absolute, 0x0d, 0x00]],
      ['SWCHA', [absolute, 0x80, 0x02]],
      ['SWCHB', [absolute, 0x82, 0x02]],
    ];
    const code = reads.flatMap(([, read], i) => [...read, ...store(RESULTS + i)]);
    const at = RESULTS - 0x80;
    const ram = assemble([], [code])(0).ram();
    expect(reads.map(([name], i) => [name, ram[at + i]])).toEqual(reads.map(([name]) => [name, measured[name]]));
  });
});
