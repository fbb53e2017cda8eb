// mt19937, two streams per console as in ALE: `system` (RAM at power-on, timer at reset, cartridge RAM) has a fixed seed, `environment`
// (sticky actions) the user's. A stream is 624 words and an index, in the console's own block.
import { environment } from './state';

const WORDS = 624;
export const STREAM_BYTES: usize = 2512;
export const SYSTEM_SEED = 4753849;
let system: usize = 0;
let sticky: usize = 0;

export function useStreams(systemStream: usize, environmentStream: usize): void {
  system = systemStream;
  sticky = environmentStream;
}

function seed(stream: usize, value: u32): void {
  store<u32>(stream, value);
  for (let i = 1; i < WORDS; i++) {
    const previous = load<u32>(stream + ((i - 1) << 2));
    store<u32>(stream + (i << 2), 1812433253 * (previous ^ (previous >> 30)) + i);
  }
  store<u32>(stream, WORDS, WORDS * 4);
}
@inline function word(stream: usize, i: i32): u32 { return load<u32>(stream + (i << 2)); }
function twist(stream: usize): void {
  for (let i = 0; i < WORDS; i++) {
    const y = (word(stream, i) & 0x80000000) | (word(stream, i + 1 == WORDS ? 0 : i + 1) & 0x7fffffff);
    let other = i + 397;
    if (other >= WORDS) other -= WORDS;
    store<u32>(stream + (i << 2), word(stream, other) ^ (y >> 1) ^ (y & 1 ? 0x9908b0df : 0));
  }
}
function next(stream: usize): u32 {
  let index = load<u32>(stream, WORDS * 4);
  if (index == WORDS) {
    twist(stream);
    index = 0;
  }
  store<u32>(stream, index + 1, WORDS * 4);
  let y = word(stream, index);
  y ^= y >> 11;
  y ^= (y << 7) & 0x9d2c5680;
  y ^= (y << 15) & 0xefc60000;
  return y ^ (y >> 18);
}

export function seedSystem(): void {
  seed(system, SYSTEM_SEED);
  environment.systemDraws = 0;
}
export function seedEnvironment(value: u32): void {
  seed(sticky, value);
  environment.environmentDraws = 0;
}
export function drawSystem(): u32 {
  environment.systemDraws++;
  return next(system);
}
export function drawEnvironment(): u32 {
  environment.environmentDraws++;
  return next(sticky);
}
/** 0 <= double < 1 of one draw. */
export function drawEnvironmentDouble(): f64 { return <f64>drawEnvironment() / 4294967296.0; }

/** Brings the system stream from `drawn` draws to `draws`. */
export function replaySystem(draws: i32, drawn: i32): void {
  if (draws < drawn) {
    seed(system, SYSTEM_SEED);
    drawn = 0;
  }
  for (; drawn < draws; drawn++) next(system);
  environment.systemDraws = draws;
}
/** Brings both streams to where they were after so many draws: how a saved state restores them. */
export function replayStreams(systemDraws: i32, environmentSeed: u32, environmentDraws: i32): void {
  replaySystem(systemDraws, 0x7fffffff);
  seed(sticky, environmentSeed);
  for (let i = 0; i < environmentDraws; i++) next(sticky);
  environment.environmentDraws = environmentDraws;
}
