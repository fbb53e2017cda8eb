// What the TIA's registers read: collisions, paddles, buttons. Only bits 7 and 6 are driven; the others keep the last byte seen on the bus.
import { cpu, tia } from './state';
import { readWatched } from './cartridge';
import { watchesBus } from './cartridge-banks';
import { collideUpTo, pixelAt } from './tia-line';
import { noteAccess } from './tia-registers';
import { SHOWN_PAIRS } from './tia-tables';

function readPaddle(threshold: i32, cycles: i32): i32 {
  if (threshold == -2) return 0x80;
  if (threshold == -1 || tia.dumping) return 0;
  // Unsigned on purpose: a dump that ended long before this frame wraps, as in ALE.
  return <u32>(cycles - cpu.frameOffset) > <u32>(tia.dumpEndCycle - cpu.frameOffset + threshold) ? 0x80 : 0;
}
/** `bus` is the byte that was read or written before. */
export function readTia(address: i32, bus: i32, cycles: i32): i32 {
  if (watchesBus) {
    const byte = readWatched(address);
    if (byte >= 0) return byte;
  }
  const register = address & 15, noise = bus & 0x3f;
  noteAccess(cycles * 3);
  if (register < 8) {
    const shown = load<u32>(SHOWN_PAIRS + (register << 2));
    if ((tia.collisions & shown) != shown) collideUpTo(pixelAt(cycles * 3), shown);
    const pairs = tia.collisions;
    let high = 0, low = 0;
    switch (register) {
      case 0: high = 5; low = 1; break; // M0-P1, M0-P0
      case 1: high = 2; low = 6; break; // M1-P0, M1-P1
      case 2: high = 4; low = 3; break; // P0-PF, P0-BL
      case 3: high = 8; low = 7; break; // P1-PF, P1-BL
      case 4: high = 11; low = 10; break; // M0-PF, M0-BL
      case 5: high = 13; low = 12; break; // M1-PF, M1-BL
      case 6: return (((pairs >> 14) & 1) << 7) | noise; // BL-PF
      default: high = 0; low = 9; // P0-P1, M0-M1
    }
    return (((pairs >> high) & 1) << 7) | (((pairs >> low) & 1) << 6) | noise;
  }
  switch (register) {
    case 8: return readPaddle(tia.paddle0, cycles) | noise;
    case 9: return readPaddle(tia.paddle1, cycles) | noise;
    case 10: return readPaddle(tia.paddle2, cycles) | noise;
    case 11: return readPaddle(tia.paddle3, cycles) | noise;
    case 12: return tia.inpt4 | noise;
    case 13: return tia.inpt5 | noise;
  }
  return noise;
}
