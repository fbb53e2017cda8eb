// Sound: two channels, each a divider, a 5-bit noise register, a 4-bit tone register and a volume, sampled at 31,400 Hz into 512 bytes per act.
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
  divider: i32;
  noise: i32;
  tone: i32;
  output: i32;
}
@inline function channel(index: i32): Channel { return changetype<Channel>(AUDIO + (index << 5)); }

export function resetAudio(): void {
  memory.fill(AUDIO, 0, AUDIO_BYTES);
  channel(0).noise = channel(1).noise = 0x10;
  channel(0).tone = channel(1).tone = 8;
}

/** AUDC0 0x15, AUDC1, AUDF0, AUDF1, AUDV0, AUDV1. */
export function writeAudio(register: i32, value: i32): void {
  const c = channel((register - 0x15) & 1);
  if (register < 0x17) c.control = value & 15;
  else if (register < 0x19) c.frequency = value & 31;
  else c.volume = (value & 15) << 2;
}

/** Controls that move the noise register; it stands still in the others. */
const USES_NOISE: i32 = 0b1100_0111_1100_1100;

/** One tick of the divider. Bits move down; bit 0 of the tone register is what is heard. */
function clock(c: Channel): void {
  const control = c.control, tone = c.tone, dropped = c.noise & 1;
  if ((USES_NOISE >> control) & 1) {
    // Alone the noise register has a period of 31; with control 8 both registers are one of 9 bits, with a period of 511.
    // Registers of zeros only would stay so: they take in a one.
    const stuck = !c.noise && (control != 8 || !tone);
    const bit = stuck ? 1 : (dropped ^ (control == 8 ? tone : c.noise >> 2)) & 1;
    c.noise = (c.noise >> 1) | (bit << 4);
    // Controls 2, 6, 10 and 14 let 2 ticks in 31 through, 3, 7 and 15 those with a noise bit.
    if (control & 2 && control != 11 && !(control & 1 ? c.noise & 1 : i32((c.noise & 0x1e) == 2))) return;
  }
  if (control >= 12) { // divides by 6: every stage inverts, and with three zeros a zero follows
    c.tone = (~(tone >> 1) & 7) | (!(tone & 2) && tone & 14 ? 8 : 0);
    c.output = c.tone & 1;
    return;
  }
  let bit: i32;
  if (control == 0 || control == 11) bit = 1;
  else if (control < 4) bit = tone ? (tone ^ (tone >> 1)) & 1 : 1;
  else if (control < 8) bit = (tone >> 3) ^ 1;
  else bit = control == 10 ? c.noise & 1 : dropped;
  c.tone = (tone >> 1) | (bit << 3);
  c.output = c.tone & 1;
}
@inline function sample(c: Channel): i32 {
  if (c.divider >= c.frequency) {
    c.divider = 0;
    clock(c);
  } else c.divider++;
  return c.output ? c.volume : 0;
}
export function makeSamples(): void {
  for (let i = 0; i < SAMPLE_COUNT; i++) store<u8>(SAMPLES + i, 128 + sample(channel(0)) + sample(channel(1)));
}
/** After a restore. */
export function repairAudio(): void {
  for (let i = 0; i < 2; i++) {
    const c = channel(i);
    c.control &= 15;
    c.frequency &= 31;
    c.volume &= 60;
    c.divider &= 31;
    c.noise &= 31;
    c.tone &= 15;
    c.output &= 1;
  }
}
