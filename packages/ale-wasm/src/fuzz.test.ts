// Any bytes as a ROM, any actions, any bytes as a saved state: a typed error or a machine that goes on, never a trap, a hang or growing memory.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Ale } from './ale.ts';
import { EMBEDDED_GAME, EMBEDDED_GAME_ROM } from './embedded-game.ts';
import { AleError, AleStateError } from './errors.ts';
import type { CartridgeType, Game } from './game.ts';
import { CARTRIDGE_BYTES } from './game.ts';

const CASES = process.env['MOE_RL_THOROUGH'] ? 10_000 : 1_500;

/** A game with the embedded one's rules for any ROM of a cartridge type. */
const gameFor = (cartridge: CartridgeType): Game => ({
  ...EMBEDDED_GAME,
  cartridge,
  md5: '',
  romBytes: CARTRIDGE_BYTES[cartridge],
});

const memoryOf = (ale: Ale): number =>
  (ale as unknown as { core: { memory: WebAssembly.Memory } }).core.memory.buffer.byteLength;

/** ROM bytes with structure: random ones jam at once, so instructions that loop and touch the hardware are mixed in. */
const romBytes = (length: number) =>
  fc
    .tuple(
      fc.uint8Array({ minLength: 64, maxLength: 256 }),
      fc.array(
        fc.constantFrom(
          0x85,
          0x86,
          0xa9,
          0xa5,
          0xd0,
          0xf0,
          0x4c,
          0x20,
          0x60,
          0xe8,
          0x02,
          0x95,
          0x8d,
          0xad,
          0xb1,
          0x91,
          0x00,
          0x40,
          0x48,
          0x68,
          0x6c,
        ),
        { minLength: 1, maxLength: 64 },
      ),
      fc.integer({ min: 0, max: 255 }),
    )
    .map(([noise, common, start]) => {
      const rom = new Uint8Array(length);
      for (let i = 0; i < length; i++)
        rom[i] = i % 3 === 0 ? (common[i % common.length] as number) : (noise[(i * 7) % noise.length] as number);
      for (let end = 4096; end <= Math.max(length, 4096); end += 4096)
        rom.set([start, 0xf0, start, 0xf0], Math.min(end, length) - 4);
      return rom;
    });

describe('fuzz', () => {
  it('any ROM bytes and actions', { timeout: 600_000 }, () => {
    let machines = 0;
    fc.assert(
      fc.property(
        fc
          .constantFrom(...(Object.keys(CARTRIDGE_BYTES) as CartridgeType[]))
          .chain((cartridge) => fc.tuple(fc.constant(cartridge), romBytes(CARTRIDGE_BYTES[cartridge]))),
        fc.array(fc.integer({ min: 0, max: 17 }), { maxLength: 6 }),
        ([cartridge, rom], actions) => {
          const ale = new Ale(rom, { game: gameFor(cartridge), frameSkip: 2 });
          machines++;
          const before = memoryOf(ale);
          for (const action of actions) ale.act(action);
          const saved = ale.saveState({ random: true });
          const play = () => actions.map((action) => [ale.act(action), ale.lives, ...ale.ram()]);
          const first = play();
          ale.restoreState(saved);
          expect(play()).toEqual(first);
          expect(memoryOf(ale)).toBe(before);
        },
      ),
      { numRuns: Math.ceil(CASES / 20) },
    );
    expect(machines).toBeGreaterThan(0);
  });

  it('ROMs of any size and content are refused by name, or run', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20_000 }), fc.boolean(), (rom, described) => {
        try {
          new Ale(rom, described ? { game: gameFor('4K') } : {}).act(0);
        } catch (error) {
          expect(error).toBeInstanceOf(AleError);
        }
      }),
      { numRuns: Math.ceil(CASES / 10) },
    );
  });

  it('any bytes as a saved state', { timeout: 600_000 }, () => {
    const ale = new Ale(EMBEDDED_GAME_ROM, { game: EMBEDDED_GAME });
    const good = ale.saveState({ random: true });
    const checksum = (bytes: Uint8Array) => {
      let hash = 0x811c9dc5;
      for (const byte of bytes.subarray(0, bytes.length - 4)) hash = Math.imul(hash ^ byte, 0x01000193);
      new DataView(bytes.buffer).setUint32(bytes.length - 4, hash >>> 0, true);
    };
    const before = memoryOf(ale);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: good.length - 1 }), fc.integer({ min: 0, max: 255 })), {
          maxLength: 40,
        }),
        fc.boolean(),
        fc.integer({ min: 0, max: 17 }),
        (changes, repaired, action) => {
          const state = good.slice();
          for (const [at, value] of changes) state[at] = value;
          // Counts of draws are replayed, which may take its time: keep them as they are.
          state.set(good.subarray(20 + 560 + 32, 20 + 560 + 40), 20 + 560 + 32);
          if (repaired) checksum(state);
          try {
            ale.restoreState(state);
          } catch (error) {
            expect(error).toBeInstanceOf(AleStateError);
          }
          for (let i = 0; i < 2; i++) ale.act(action);
        },
      ),
      { numRuns: CASES },
    );
    expect(memoryOf(ale)).toBe(before);
    ale.restoreState(good);
    expect(ale.lives).toBe(3);
  });

  it('arbitrary bytes are no state', () => {
    const ale = new Ale(EMBEDDED_GAME_ROM, { game: EMBEDDED_GAME });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1200 }), (bytes) => {
        expect(() => ale.restoreState(bytes)).toThrow(AleStateError);
      }),
      { numRuns: Math.ceil(CASES / 4) },
    );
  });
});
