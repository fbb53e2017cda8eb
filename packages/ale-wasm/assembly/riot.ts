// The RIOT's timer and ports. Ports show their pins only (data direction and output latch are ignored), as in ALE.
import { riot } from './state';

/** Periods since the timer was set. Unsigned, as in ALE: at the very clock at which it was set it has long expired, which the opcode behind can see. */
@inline function periods(cycles: i32): i32 { return <i32>(<u32>(cycles - 1 - riot.timerSetCycle) >> riot.timerShift); }
/** What the timer would read if it did not change its pace after expiry. */
@inline function ticksLeft(cycles: i32): i32 { return riot.timerValue - periods(cycles) - 1; }

function readTimer(cycles: i32): i32 {
  const running = ticksLeft(cycles);
  if (running >= 0) return running & 0xff;
  const value = riot.timerValue, shift = riot.timerShift, elapsed = cycles - 1 - riot.timerSetCycle;
  const expired = (value << shift) - elapsed - 1;
  if (expired <= -2 && !riot.readAfterExpiry) {
    riot.readAfterExpiry = 1;
    riot.expiryReadCycle = cycles;
  }
  // After the first read the count goes once per prescaler period again, from an offset that this read fixes.
  if (riot.readAfterExpiry) return (value - periods(cycles) - (riot.expiryReadCycle - riot.timerSetCycle - (value << shift))) & 0xff;
  return expired & 0xff;
}

export function readRiot(address: i32, cycles: i32): i32 {
  switch (address & 7) {
    case 0: return riot.swcha;
    case 1: return riot.ddra;
    case 2: return riot.swchb;
    case 3: return 0;
    case 4: case 6: return readTimer(cycles);
  }
  return ticksLeft(cycles) < 0 && !riot.readAfterExpiry ? 0x80 : 0;
}

export function writeRiot(address: i32, value: i32, cycles: i32): void {
  if (!(address & 4)) {
    if ((address & 3) == 1) riot.ddra = value;
    return;
  }
  if ((address & 0x14) != 0x14) return;
  const prescaler = address & 3;
  riot.timerShift = prescaler == 3 ? 10 : prescaler * 3;
  riot.timerValue = value;
  riot.timerSetCycle = cycles;
  riot.readAfterExpiry = 0;
}

/** How many turns of a loop of `period` cycles surely read INTIM above zero, after a read of `value` > 0 at `cycles`. */
export function turnsUntilTimerIsZero(cycles: i32, value: i32, period: i32): i32 {
  if (ticksLeft(cycles) != value) return 0;
  const elapsed = cycles - 1 - riot.timerSetCycle;
  const needed = ((riot.timerValue - 1) << riot.timerShift) - elapsed;
  return needed <= 0 ? 0 : (needed + period - 1) / period - 1;
}
