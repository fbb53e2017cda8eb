// The TIA's registers as the 6507 writes them (reads are in tia-reads.ts). A write takes effect `delay` clocks after the instruction that makes it ends; writing a value
// that is already there is dropped by the caller (SHADOW) wherever that can't be seen. Simplified as ALE does: RSYNC is ignored.
import { Line, SHADOW, Tia, line, tia } from './state';
import { watchesBus } from './cartridge-banks';
import { drawAccess } from './tia-accesses';
import { beginLate, commit, flush, pixelAt } from './tia-line';
import { nusiz, position, setPosition, setSuppressed, suppressed, touchBall, touchMissile, touchPlayer, touchPlayfield } from './tia-objects';
import { MOTION } from './tia-tables';
import { CYCLE_MARGIN, link } from './translated';
import { writeAudio } from './audio';

const TIA: usize = changetype<usize>(tia);
const UNKNOWN = 0x100;
const NEVER = 0x7fffffff;

/** Writes in a cycle beyond this end the frame: 291 lines, 343 on PAL. Set by the console, with what depends on the game's format. */
let frameLimit: i32 = 291 * 76 - 1;
/** Writes beyond this take the slow way: the same, or every write while accesses are traced, the cartridge watches the bus or the picture is late. */
export let lineLimit: i32 = 291 * 76 - 1;
/** Clock up to which the last access of the TIA drew, while traced. */
export let lastAccessClock: i32 = 0;
let tracing: bool = false;
/** A read that draws up to this clock. */
export function noteAccess(clock: i32): void {
  lastAccessClock = clock;
  if (tia.late == 1) beginLate(clock);
  if (tracing) drawAccess(clock);
}
export function traceAccesses(on: bool): void {
  tracing = on;
  lineLimit = on || watchesBus || tia.late ? -1 : frameLimit;
  link.safeCycles = lineLimit - CYCLE_MARGIN;
  lastAccessClock = 0;
}
/** How many clocks after the instruction a write takes effect. */
function writeDelay(register: i32, cycles: i32): i32 {
  if (register >= 0x0d && register <= 0x0f) return (0x3254 >> ((lineCycle(cycles) & 3) << 2)) & 15;
  if (register == 0x04 || register == 0x05 || register == 0x12 || register == 0x13) return 8;
  return i32(register == 1 || register == 0x0b || register == 0x0c || register == 0x1b || register == 0x1c);
}
export let hmoveBlanks: bool = true;
export let colorLoss: bool = false;
export function setFormat(pal: bool, blanks: bool): void {
  frameLimit = (pal ? 343 : 291) * 76 - 1;
  traceAccesses(false);
  colorLoss = pal;
  hmoveBlanks = blanks;
}
/** What a color register's value puts in the frame buffer: itself, or its gray; then itself, for consoles that are `colored`. */
export const INKS: usize = memory.data(512, 16);

@inline function shadow(register: i32, value: i32): void { store<u16>(SHADOW + (register << 1), value); }
export function forgetShadows(): void {
  for (let register = 0; register < 64; register++) shadow(register, UNKNOWN);
}
@inline function lineCycle(cycles: i32): i32 { return <i32>(<u32>cycles % 76); }
@inline function wrap(x: i32): i32 { return x < 0 ? x + 160 : x >= 160 ? x - 160 : x; }

// ---- slow writes: VSYNC, VBLANK, and anything once the line limit is passed
/** Returns the new cycle count, complemented when the write ends the frame. */
export function writeTiaSlow(register: i32, value: i32, cycles: i32): i32 {
  let end = cycles > frameLimit;
  const reached = cycles * 3 + writeDelay(register, cycles);
  noteAccess(reached);
  if (register == 2) cycles = <i32>((<u32>(cycles + 75) / 76) * 76);
  else if (register == 0) {
    const clock = cycles * 3;
    if (value & 2) tia.vsyncFinishClock = clock + 228;
    else if (clock >= tia.vsyncFinishClock) {
      tia.vsyncFinishClock = NEVER;
      end = true;
    }
  } else if (register == 1) writeVblank(value, cycles);
  else if (register <= 0x2c && load<u16>(SHADOW + (register << 1)) != <u32>value) writeTia(register, value, cycles);
  tia.drawnClock = max(tia.drawnClock, reached);
  if (!end) return cycles;
  tia.frameEnded = 1;
  return ~cycles;
}

function writeVblank(value: i32, cycles: i32): void {
  if (value & 0x80) tia.dumping = 1;
  else if (tia.dumping) {
    tia.dumping = 0;
    tia.dumpEndCycle = cycles;
  }
  const blank = value & 2;
  if (blank == tia.vblank) return;
  flush(pixelAt(cycles * 3 + 1));
  tia.vblank = blank;
  line.changed = 1;
}

// ---- one function per register
@inline function writeNusiz(p: i32, value: i32, cycles: i32): void {
  shadow(4 + p, value);
  const x = pixelAt(cycles * 3 + 8);
  commit(p, x);
  commit(2 + p, x);
  store<i32>(TIA + (p << 2), value, offsetof<Tia>('nusiz0'));
  setSuppressed(p, 0);
  touchPlayer(p);
  touchMissile(p);
}
export function setInk(index: i32): void {
  const color = <i32>load<u8>(TIA + index, offsetof<Tia>('colors')) | tia.colorLoss;
  store<u8>(changetype<usize>(line) + index, load<u8>(INKS + color + (line.colored << 8)), offsetof<Line>('inks'));
}
@inline function writeColor(index: i32, value: i32, cycles: i32): void {
  shadow(6 + index, value);
  value &= 0xfe;
  if (<i32>load<u8>(TIA + index, offsetof<Tia>('colors')) == value) return;
  flush(pixelAt(cycles * 3));
  store<u8>(TIA + index, value, offsetof<Tia>('colors'));
  setInk(index);
  line.changed = 1;
}
function writeControl(value: i32, cycles: i32): void {
  const old = tia.control, reflect = value & 1;
  if (old == value && tia.reflect == reflect) return;
  const x = pixelAt(cycles * 3);
  if ((old ^ value) & 6) flush(x);
  commit(4, x);
  tia.control = value;
  touchBall();
  if (tia.reflect != reflect && lineCycle(cycles) < 49) {
    commit(5, x);
    tia.reflect = reflect;
    touchPlayfield();
  }
}
@inline function writeReverse(p: i32, value: i32, cycles: i32): void {
  shadow(0x0b + p, value);
  const bit = (value >> 3) & 1;
  if (load<i32>(TIA + (p << 2), offsetof<Tia>('reverse0')) == bit) return;
  commit(p, pixelAt(cycles * 3 + 1));
  store<i32>(TIA + (p << 2), bit, offsetof<Tia>('reverse0'));
  touchPlayer(p);
}
@inline function writePlayfield(index: i32, value: i32, cycles: i32): void {
  shadow(0x0d + index, value);
  commit(5, pixelAt(cycles * 3 + ((0x3254 >> ((lineCycle(cycles) & 3) << 2)) & 15)));
  store<i32>(TIA + (index << 2), value, offsetof<Tia>('pf0'));
  touchPlayfield();
}
/** RESP: where the beam is over a copy of the player, the first copy of the new position is not drawn until the masks are refreshed. */
@inline function writeResetPlayer(p: i32, cycles: i32): void {
  shadow(4 + p, UNKNOWN); // a NUSIZ write refreshes the masks even with the same value
  const clock = cycles * 3, lineClock = lineCycle(cycles) * 3;
  commit(p, pixelAt(clock));
  const x = lineClock < 68 ? 3 : (lineClock - 63) % 160;
  const size = nusiz(p) & 7, width = size == 5 ? 16 : size == 7 ? 32 : 8;
  const old = position(p);
  let hit = copyHit(x - old, width, 0);
  if (size == 1 || size == 3) hit = copyHit(x - old - 16, width, hit);
  if (size == 2 || size == 3 || size == 6) hit = copyHit(x - old - 32, width, hit);
  if (size == 4 || size == 6) hit = copyHit(x - old - 64, width, hit);
  if (hit == 2) { // the old picture goes on for 11 clocks
    commit(p, pixelAt(clock + 11));
    if (tracing) drawAccess(clock + 11);
    tia.drawnClock = clock + 11;
  }
  setPosition(p, x);
  setSuppressed(p, hit == 1 ? 0 : 1);
  touchPlayer(p);
}
/** 1: the new position is up to 3 pixels behind the start of a copy; 2: inside it; wins over 1. */
function copyHit(distance: i32, width: i32, hit: i32): i32 {
  while (distance < 0) distance += 160;
  if (distance < 4) return hit == 2 ? 2 : 1;
  return distance < 4 + width ? 2 : hit;
}
@inline function writeResetMissile(p: i32, cycles: i32): void {
  const clock = cycles * 3, lineClock = lineCycle(cycles) * 3, since = clock - tia.hmoveClock;
  commit(2 + p, pixelAt(clock + 8));
  let x = lineClock < 68 ? 2 : (lineClock - 64) % 160;
  if (p == 0 && since == 60 && lineClock == 69) x = 8;
  if (p == 1 && since == 9 && lineClock == 18) x = 3;
  setPosition(2 + p, x);
  touchMissile(p);
}
function writeResetBall(cycles: i32): void {
  const clock = cycles * 3, lineClock = lineCycle(cycles) * 3, since = clock - tia.hmoveClock;
  commit(4, pixelAt(clock));
  let x = lineClock < 68 ? 2 : (lineClock - 64) % 160;
  if (since == 54 && (lineClock == 60 || lineClock == 69)) x = 10;
  else if (since == 9 && lineClock == 18) x = 3;
  else if (since == 21 && lineClock == 30) x = 6;
  else if (since == 18 && lineClock == 27) x = 5;
  tia.x4 = x;
  touchBall();
}
function writeGraphic0(value: i32, cycles: i32): void {
  shadow(0x1b, value);
  const x = pixelAt(cycles * 3 + 1);
  if (tia.graphic0 != value) {
    shadow(0x1c, UNKNOWN); // GRP1 now copies something new
    if (!tia.delay0) {
      commit(0, x);
      touchPlayer(0);
    }
    tia.graphic0 = value;
  }
  const copy = tia.graphic1;
  if (tia.delayed1 != copy) {
    if (tia.delay1) {
      commit(1, x);
      touchPlayer(1);
    }
    tia.delayed1 = copy;
  }
}
function writeGraphic1(value: i32, cycles: i32): void {
  shadow(0x1c, value);
  const x = pixelAt(cycles * 3 + 1);
  if (tia.graphic1 != value) {
    shadow(0x1b, UNKNOWN);
    if (!tia.delay1) {
      commit(1, x);
      touchPlayer(1);
    }
    tia.graphic1 = value;
  }
  const copy = tia.graphic0;
  if (tia.delayed0 != copy) {
    if (tia.delay0) {
      commit(0, x);
      touchPlayer(0);
    }
    tia.delayed0 = copy;
  }
  const ball = tia.ball;
  if (tia.delayedBall != ball) {
    if (tia.delayBall) {
      commit(4, x);
      touchBall();
    }
    tia.delayedBall = ball;
  }
}
@inline function writeMissile(p: i32, value: i32, cycles: i32): void {
  shadow(0x1d + p, value);
  const bit = (value >> 1) & 1;
  if (load<i32>(TIA + (p << 2), offsetof<Tia>('missile0')) == bit) return;
  commit(2 + p, pixelAt(cycles * 3));
  store<i32>(TIA + (p << 2), bit, offsetof<Tia>('missile0'));
  touchMissile(p);
}
function writeBall(value: i32, cycles: i32): void {
  shadow(0x1f, value);
  const bit = (value >> 1) & 1;
  if (tia.ball == bit) return;
  shadow(0x1c, UNKNOWN);
  commit(4, pixelAt(cycles * 3));
  tia.ball = bit;
  touchBall();
}
@inline function writeMotion(index: i32, value: i32): void {
  shadow(0x20 + index, value);
  store<i32>(TIA + (index << 2), value >> 4, offsetof<Tia>('motion0'));
}
function writeMotionMissile0(value: i32, cycles: i32): void {
  if (cycles * 3 - tia.hmoveClock == 63 && tia.motion2 == 7 && value >> 4 == 6) {
    pixelAt(cycles * 3);
    tia.star = 1;
    tia.starCounter = 0;
  }
  writeMotion(2, value);
}
@inline function writeVerticalDelay(p: i32, value: i32, cycles: i32): void {
  shadow(0x25 + p, value);
  const bit = value & 1;
  if (load<i32>(TIA + (p << 2), offsetof<Tia>('delay0')) == bit) return;
  commit(p, pixelAt(cycles * 3));
  store<i32>(TIA + (p << 2), bit, offsetof<Tia>('delay0'));
  touchPlayer(p);
}
function writeVerticalDelayBall(value: i32, cycles: i32): void {
  shadow(0x27, value);
  const bit = value & 1;
  if (tia.delayBall == bit) return;
  commit(4, pixelAt(cycles * 3));
  tia.delayBall = bit;
  touchBall();
}
@inline function writeResetMissileToPlayer(p: i32, value: i32, cycles: i32): void {
  shadow(0x28 + p, value);
  const bit = value & 2, old = load<i32>(TIA + (p << 2), offsetof<Tia>('reset0'));
  if (old == bit) return;
  commit(2 + p, pixelAt(cycles * 3));
  if (old) {
    const size = nusiz(p) & 7;
    setPosition(2 + p, (position(p) + (size == 5 ? 8 : size == 7 ? 16 : 4)) % 160);
  }
  store<i32>(TIA + (p << 2), bit, offsetof<Tia>('reset0'));
  touchMissile(p);
}
@inline function move(object: i32, table: usize, x: i32): void {
  const delta = <i32>load<i8>(table + load<i32>(TIA + (object << 2), offsetof<Tia>('motion0')));
  if (delta == 0 && (object > 1 || !suppressed(object))) return;
  commit(object, x);
  setPosition(object, wrap(position(object) + delta));
  if (object < 2) setSuppressed(object, 0);
  line.stale |= 1 << object;
}
function writeHmove(cycles: i32): void {
  const clock = cycles * 3, cycle = lineCycle(cycles);
  const x = pixelAt(clock);
  tia.hmoveClock = clock;
  if (hmoveBlanks && (cycle <= 20 || cycle == 75)) {
    if (clock >= tia.lineClock && (cycle == 75 || (cycle == 0 && clock > tia.lineClock))) tia.blankNext = 1;
    else tia.blank = 1;
  }
  if (tia.star) {
    tia.star = 0;
    commit(2, x);
    touchMissile(0);
  }
  const table = MOTION + (cycle << 4);
  move(0, table, x);
  move(1, table, x);
  move(2, table, x);
  move(3, table, x);
  move(4, table, x);
}
function writeHmclr(): void {
  for (let register = 0x20; register < 0x25; register++) shadow(register, UNKNOWN);
  v128.store(TIA, i64x2.splat(0), offsetof<Tia>('motion0'));
  tia.motion4 = 0;
}
function writeCxclr(cycles: i32): void {
  flush(pixelAt(cycles * 3));
  tia.collisions = 0;
  line.collisionsChanged = 1;
}

/** Registers 3..0x2c, value known to differ where that matters. */
export function writeTia(register: i32, value: i32, cycles: i32): void { writeTo(register, value, cycles); }
/** The same, for a register known when this is compiled: no jump table remains. */
@inline export function writeTo(register: i32, value: i32, cycles: i32): void {
  switch (register) {
    case 0x04: writeNusiz(0, value, cycles); break;
    case 0x05: writeNusiz(1, value, cycles); break;
    case 0x06: writeColor(0, value, cycles); break;
    case 0x07: writeColor(1, value, cycles); break;
    case 0x08: writeColor(2, value, cycles); break;
    case 0x09: writeColor(3, value, cycles); break;
    case 0x0a: writeControl(value, cycles); break;
    case 0x0b: writeReverse(0, value, cycles); break;
    case 0x0c: writeReverse(1, value, cycles); break;
    case 0x0d: writePlayfield(0, value, cycles); break;
    case 0x0e: writePlayfield(1, value, cycles); break;
    case 0x0f: writePlayfield(2, value, cycles); break;
    case 0x10: writeResetPlayer(0, cycles); break;
    case 0x11: writeResetPlayer(1, cycles); break;
    case 0x12: writeResetMissile(0, cycles); break;
    case 0x13: writeResetMissile(1, cycles); break;
    case 0x14: writeResetBall(cycles); break;
    case 0x15: case 0x16: case 0x17: case 0x18: case 0x19: case 0x1a: shadow(register, value); writeAudio(register, value); break;
    case 0x1b: writeGraphic0(value, cycles); break;
    case 0x1c: writeGraphic1(value, cycles); break;
    case 0x1d: writeMissile(0, value, cycles); break;
    case 0x1e: writeMissile(1, value, cycles); break;
    case 0x1f: writeBall(value, cycles); break;
    case 0x20: writeMotion(0, value); break;
    case 0x21: writeMotion(1, value); break;
    case 0x22: writeMotionMissile0(value, cycles); break;
    case 0x23: writeMotion(3, value); break;
    case 0x24: writeMotion(4, value); break;
    case 0x25: writeVerticalDelay(0, value, cycles); break;
    case 0x26: writeVerticalDelay(1, value, cycles); break;
    case 0x27: writeVerticalDelayBall(value, cycles); break;
    case 0x28: writeResetMissileToPlayer(0, value, cycles); break;
    case 0x29: writeResetMissileToPlayer(1, value, cycles); break;
    case 0x2a: writeHmove(cycles); break;
    case 0x2b: writeHmclr(); break;
    case 0x2c: writeCxclr(cycles); break;
  }
}
