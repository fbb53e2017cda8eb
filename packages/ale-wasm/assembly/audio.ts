// Sound: two channels with a divider, a 4-, 5- or 9-bit polynomial pattern and a volume each, sampled at 31,400 Hz into 512 bytes per act.
// Simplified: the registers act
// when the act's samples are made, not within the frame, so samples are close to ALE's but not equal.
export const AUDIO: usize = memory.data(64, 16);
export const AUDIO_BYTES: usize = 64;
export const SAMPLES: usize = memory.data(512, 16);
export const SAMPLE_COUNT: i32 = 512;

@unmanaged
class Channel {
  control: i32;
  frequency: i32;
  volume: i32;
  output: i32;
  poly4: u8;
  poly5: u8;
  divide3: u8;
  poly9: u16;
  counter: i32;
  period: i32;
}
const POLY4: usize = memory.data(15), POLY5: usize = memory.data(31), POLY9: usize = memory.data(511);
/** Two ticks in 31 of the 5-bit pattern, 18 and 13 apart. */
const DIVIDE31: usize = memory.data<u8>([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
/** Shift register of `bits` bits with feedback from bits 0 and `tap`. */
function buildPattern(at: usize, bits: i32, tap: i32): void {
  const length = (1 << bits) - 1;
  for (let i = 0, x = length; i < length; i++) {
    store<u8>(at + i, x & 1);
    x = (x >> 1) | (((x ^ (x >> tap)) & 1) << (bits - 1));
  }
}
export function buildAudioTables(): void {
  buildPattern(POLY4, 4, 1);
  buildPattern(POLY5, 5, 2);
  buildPattern(POLY9, 9, 4);
}

@inline function channel(index: i32): Channel { return changetype<Channel>(AUDIO + (index << 5)); }

export function resetAudio(): void {
  memory.fill(AUDIO, 0, AUDIO_BYTES);
  channel(0).divide3 = channel(1).divide3 = 3;
}

/** AUDC0 0x15, AUDC1, AUDF0, AUDF1, AUDV0, AUDV1. */
export function writeAudio(register: i32, value: i32): void {
  const c = channel((register - 0x15) & 1);
  if (register < 0x17) c.control = value & 15;
  else if (register < 0x19) c.frequency = value & 31;
  else c.volume = (value & 15) << 2;
  let period = 0;
  if (c.control == 0 || c.control == 11) c.output = c.volume;
  else {
    period = c.frequency + 1;
    if ((c.control & 12) == 12 && c.control != 15) period *= 3;
  }
  if (period == c.period) return;
  c.period = period;
  if (c.counter == 0 || period == 0) c.counter = period;
}
function clock(c: Channel): void {
  if (c.counter > 1) {
    c.counter--;
    return;
  }
  if (c.counter != 1) return;
  const before = load<u8>(POLY5 + c.poly5), control = c.control;
  c.counter = c.period;
  c.poly5 = c.poly5 == 30 ? 0 : c.poly5 + 1;
  const bit5 = load<u8>(POLY5 + c.poly5);
  if (control & 2 && !(control & 1 ? bit5 : load<u8>(DIVIDE31 + c.poly5)) && !(control == 15 && bit5 != before)) return;
  if (control == 15) {
    if (bit5 == before || --c.divide3) return;
    c.divide3 = 3;
    c.output = c.output ? 0 : c.volume;
  } else if (control & 4) c.output = c.output ? 0 : c.volume;
  else if (control == 8) {
    c.poly9 = c.poly9 == 510 ? 0 : c.poly9 + 1;
    c.output = load<u8>(POLY9 + c.poly9) ? c.volume : 0;
  } else if (control & 8) {
    if (control & 2) c.output = c.output || control & 1 ? 0 : c.volume;
    else c.output = bit5 ? c.volume : 0;
  } else {
    c.poly4 = c.poly4 == 14 ? 0 : c.poly4 + 1;
    c.output = load<u8>(POLY4 + c.poly4) ? c.volume : 0;
  }
}
export function makeSamples(): void {
  for (let i = 0; i < SAMPLE_COUNT; i++) {
    clock(channel(0));
    clock(channel(1));
    store<u8>(SAMPLES + i, 128 + channel(0).output + channel(1).output);
  }
}
/** After a restore. */
export function repairAudio(): void {
  for (let i = 0; i < 2; i++) {
    const c = channel(i);
    c.control &= 15;
    c.frequency &= 31;
    c.volume &= 60;
    c.output &= 60;
    c.poly4 %= 15;
    c.poly5 %= 31;
    c.poly9 %= 511;
    c.divide3 = c.divide3 % 4 || 3;
    c.counter &= 127;
    c.period &= 127;
  }
}
