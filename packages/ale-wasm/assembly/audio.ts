// Sound: two channels with a divider, a 4-, 5- or 9-bit polynomial pattern and a volume each, sampled at 31,400 Hz into 512 bytes per act.
// Simplified as ALE does: the registers act when the act's samples are made, not within the frame.
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
  poly4: i32;
  poly5: i32;
  counter: i32;
  period: i32;
}
const POLY4: usize = memory.data<u8>([1, 1, 0, 1, 1, 1, 0, 0, 0, 0, 1, 0, 1, 0, 0]);
const POLY5: usize = memory.data<u8>([0, 0, 1, 0, 1, 1, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0, 1, 1, 0, 1, 1, 1, 0, 1, 0, 1, 0, 0, 0, 0, 1]);
const DIVIDE31: usize = memory.data<u8>([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);

@inline function channel(index: i32): Channel { return changetype<Channel>(AUDIO + (index << 5)); }

export function resetAudio(): void { memory.fill(AUDIO, 0, AUDIO_BYTES); }

/** AUDC0 0x15, AUDC1, AUDF0, AUDF1, AUDV0, AUDV1. */
export function writeAudio(register: i32, value: i32): void {
  const c = channel((register - 0x15) & 1);
  if (register < 0x17) c.control = value & 15;
  else if (register < 0x19) c.frequency = value & 31;
  else c.volume = (value & 15) << 2;
  let period = 0;
  if (c.control == 0) c.output = c.volume;
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
  const clocked = !(control & 2) || (!(control & 1) && load<u8>(DIVIDE31 + c.poly5)) || (control & 1 && bit5) || (control == 15 && bit5 != before);
  if (!clocked) return;
  if (control & 4) {
    if (control == 15 && bit5 == before) return;
    c.output = c.output ? 0 : c.volume;
  } else if (control & 8) c.output = bit5 ? c.volume : 0;
  else {
    c.poly4 = c.poly4 == 14 ? 0 : c.poly4 + 1;
    c.output = load<u8>(POLY4 + c.poly4) ? c.volume : 0;
  }
}
export function makeSamples(): void {
  for (let i = 0; i < SAMPLE_COUNT; i++) {
    store<u8>(SAMPLES + i, 128 + channel(0).output + channel(1).output);
    clock(channel(0));
    clock(channel(1));
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
    c.poly4 = <i32>(<u32>c.poly4 % 15);
    c.poly5 = <i32>(<u32>c.poly5 % 31);
    c.counter &= 127;
    c.period &= 127;
  }
}
