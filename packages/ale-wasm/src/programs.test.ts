// Programs of our own against what ALE made of them: noise of TIA reads, reads without a purpose, decimal mode, and every bank switching scheme.
import { describe, expect, it } from 'vitest';
// @ts-expect-error a plain script, shared with the recorder
import { PROGRAM_FRAMES, PROGRAMS } from '../scripts/test-programs.mjs';
import { Ale } from './ale.ts';
import { detectCartridge } from './cartridges.ts';
import { getGame } from './games.ts';
import { golden } from './testing.ts';

const expected: Record<string, string> = golden('programs.json').ram;
const programs: [string, Uint8Array][] = Object.entries(PROGRAMS);

function play(rom: Uint8Array, translateRom: boolean, frames: number): Ale {
  const game = {
    ...getGame('enduro'),
    md5: '',
    cartridge: detectCartridge(rom),
    romBytes: rom.length,
    firstLine: 34,
    height: 210,
  };
  const ale = new Ale(rom, { game, repeatActionProbability: 0, randomSeed: 1, translateRom });
  for (let frame = 0; frame < frames; frame++) ale.act(0);
  return ale;
}

describe('programs of our own, as in ALE', () => {
  it('are all recorded', () => {
    expect(programs.map(([name]) => name)).toEqual(Object.keys(expected));
  });
  it.each(programs)('%s', (name, rom) => {
    for (const translateRom of [true, false]) {
      const ale = play(rom, translateRom, PROGRAM_FRAMES);
      ale.reset();
      for (let frame = 0; frame < PROGRAM_FRAMES; frame++) ale.act(0);
      expect(Buffer.from(ale.ram()).toString('hex')).toBe(expected[name]);
    }
  });
  it.each(programs.filter(([name]) => /^[0-9A-Z]{2,4}$/.test(name)))('%s goes on from a saved state', (name, rom) => {
    expect(detectCartridge(rom)).toBe(name);
    const ale = play(rom, true, 40);
    const state = ale.saveState({ random: true });
    const other = play(rom, false, 3);
    other.restoreState(state);
    for (let frame = 0; frame < 3; frame++) {
      ale.act(0);
      other.act(0);
      expect(other.saveState({ random: true })).toEqual(ale.saveState({ random: true }));
    }
  });
});
