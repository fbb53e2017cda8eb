// Object masks: for each of P0 P1 M0 M1 BL PF the 160 pixels of a line it covers, as 160 bits (pixel x = bit x), rebuilt lazily from the
// registers. Everything that draws or collides works on these masks, 128 pixels per instruction.
import { CURRENT, Tia, line, tia } from './state';
import { DOUBLED, QUADRUPLED, REVERSED } from './tia-tables';

const TIA: usize = changetype<usize>(tia);
// Registers that exist once per player, missile or object, by index.
@inline export function nusiz(p: i32): i32 { return load<i32>(TIA + (p << 2), offsetof<Tia>('nusiz0')); }
@inline export function position(i: i32): i32 { return load<i32>(TIA + (i << 2), offsetof<Tia>('x0')); }
@inline export function setPosition(i: i32, x: i32): void { store<i32>(TIA + (i << 2), x, offsetof<Tia>('x0')); }
@inline export function suppressed(p: i32): i32 { return load<i32>(TIA + (p << 2), offsetof<Tia>('suppress0')); }
@inline export function setSuppressed(p: i32, value: i32): void { store<i32>(TIA + (p << 2), value, offsetof<Tia>('suppress0')); }
@inline export function shownGraphic(p: i32): i32 {
  return load<i32>(TIA + (p << 2), offsetof<Tia>('delay0')) ? load<i32>(TIA + (p << 2), offsetof<Tia>('delayed0')) : load<i32>(TIA + (p << 2), offsetof<Tia>('graphic0'));
}
/** A bit for each missile that is enabled and not hidden by RESMP. */
@inline export function shownMissiles(): i32 { return i32(tia.missile0 && !tia.reset0) | i32(tia.missile1 && !tia.reset1) << 1; }
@inline export function shownBall(): i32 { return tia.delayBall ? tia.delayedBall : tia.ball; }

/** Bits of `line.stale`; the mask of object i is bit i. */
export const STALE_ALL = 63;
@inline export function touchPlayer(p: i32): void { line.stale |= 1 << p; }
@inline export function touchMissile(p: i32): void { line.stale |= 4 << p; }
@inline export function touchBall(): void { line.stale |= 16; }
@inline export function touchPlayfield(): void { line.stale |= 32; }

@inline function put(mask: usize, w0: u64, w1: u64, w2: u64): void {
  store<u64>(mask, w0);
  store<u64>(mask, w1, 8);
  store<u64>(mask, w2, 16);
}

/** Writes `bits` shifted to `x`, wrapped at pixel 160; `second` is the copy 64 pixels further on. */
function place(mask: usize, bits: u64, x: i32, second: u64): void {
  let w0: u64 = 0, w1: u64 = 0, w2: u64 = 0;
  const word = x >> 6, shift = <u64>(x & 63);
  let low = bits << shift, high = (bits >> 1) >> (63 - shift);
  if (word == 0) { w0 = low; w1 = high; }
  else if (word == 1) { w1 = low; w2 = high; }
  else { w2 = low; w0 = high << 32; }
  if (second) {
    low = second << shift;
    high = (second >> 1) >> (63 - shift);
    if (word == 0) { w1 |= low; w2 |= high; }
    else if (word == 1) { w2 |= low; w0 |= high << 32; }
    else { w0 |= low << 32; w1 |= (low >> 32) | (high << 32); }
  }
  put(mask, w0 | (w2 >> 32), w1, w2 & 0xffffffff);
}

/** Each rebuild tells whether the mask may have pixels. */
function rebuildPlayer(p: i32): bool {
  const mask = CURRENT + (p << 5);
  const graphic = shownGraphic(p);
  if (!graphic) { put(mask, 0, 0, 0); return false; }
  const pattern = load<i32>(TIA + (p << 2), offsetof<Tia>('reverse0')) ? graphic : <i32>load<u8>(REVERSED + graphic);
  const one = <u64>pattern;
  let bits: u64 = one, second: u64 = 0, stretched = false;
  switch (nusiz(p) & 7) {
    case 1: bits = one | (one << 16); break;
    case 2: bits = one | (one << 32); break;
    case 3: bits = one | (one << 16) | (one << 32); break;
    case 4: second = one; break;
    case 5: bits = (<u64>load<u16>(DOUBLED + (pattern << 1))) << 1; stretched = true; break; // wide players start a pixel late
    case 6: bits = one | (one << 32); second = one; break;
    case 7: bits = (<u64>load<u32>(QUADRUPLED + (pattern << 2))) << 1; stretched = true; break;
  }
  if (suppressed(p)) bits = stretched ? 0 : bits & ~(<u64>0xff);
  place(mask, bits, position(p), second);
  return true;
}

function rebuildMissile(p: i32): bool {
  const mask = CURRENT + 64 + (p << 5);
  if (!load<i32>(TIA + (p << 2), offsetof<Tia>('missile0')) || load<i32>(TIA + (p << 2), offsetof<Tia>('reset0'))) { put(mask, 0, 0, 0); return false; }
  const size = nusiz(p);
  let width = (size >> 4) & 3;
  if (p == 0 && tia.star) { // the "star field" state that an HMM0 write at the right clock leaves behind
    if (tia.starCounter == 2) { put(mask, 0, 0, 0); return false; }
    if (tia.starCounter == 1) width |= 1;
  }
  const one: u64 = ((<u64>1) << (1 << width)) - 1;
  let bits = one, second: u64 = 0;
  switch (size & 7) {
    case 1: bits = one | (one << 16); break;
    case 2: bits = one | (one << 32); break;
    case 3: bits = one | (one << 16) | (one << 32); break;
    case 4: second = one; break;
    case 6: bits = one | (one << 32); second = one; break;
  }
  place(mask, bits, position(2 + p), second);
  return true;
}

function rebuildBall(): bool {
  const mask = CURRENT + 128;
  if (!shownBall()) { put(mask, 0, 0, 0); return false; }
  place(mask, ((<u64>1) << (1 << ((tia.control >> 4) & 3))) - 1, tia.x4, 0);
  return true;
}

function rebuildPlayfield(): bool {
  const p0 = tia.pf0 >> 4, p1 = tia.pf1, p2 = tia.pf2;
  const e0 = <u64>load<u32>(QUADRUPLED + (p0 << 2)), e1 = <u64>load<u32>(QUADRUPLED + (<i32>load<u8>(REVERSED + p1) << 2)), e2 = <u64>load<u32>(QUADRUPLED + (p2 << 2));
  const mask = CURRENT + 160;
  if ((p0 | p1 | p2) == 0) { put(mask, 0, 0, 0); return false; }
  if (!tia.reflect) {
    put(mask, e0 | (e1 << 16) | (e2 << 48), (e2 >> 16) | (e0 << 16) | (e1 << 32), e2);
    return true;
  }
  const r2 = <u64>load<u32>(QUADRUPLED + (<i32>load<u8>(REVERSED + p2) << 2)), r1 = <u64>load<u32>(QUADRUPLED + (p1 << 2)), r0 = <u64>load<u32>(QUADRUPLED + (<i32>load<u8>(REVERSED + p0) >> 4 << 2));
  put(mask, e0 | (e1 << 16) | (e2 << 48), (e2 >> 16) | (r2 << 16) | (r1 << 48), (r1 >> 16) | (r0 << 16));
  return true;
}

export function rebuildStale(): void {
  const stale = line.stale;
  let filled = line.filled & ~stale;
  line.stale = 0;
  if (stale & 1) filled |= i32(rebuildPlayer(0));
  if (stale & 2) filled |= i32(rebuildPlayer(1)) << 1;
  if (stale & 4) filled |= i32(rebuildMissile(0)) << 2;
  if (stale & 8) filled |= i32(rebuildMissile(1)) << 3;
  if (stale & 16) filled |= i32(rebuildBall()) << 4;
  if (stale & 32) filled |= i32(rebuildPlayfield()) << 5;
  line.filled = filled;
}
