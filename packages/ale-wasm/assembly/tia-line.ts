// The picture: lines are drawn lazily, in spans between the register writes that cut them. A write that changes an object keeps the part
// of its mask that was already on the line (`commit`), a write that changes colors or priorities draws the span so far (`flush`).
// A line that nothing cut or changed is a copy of the one before. Pixels are drawn only when somebody will look at the frame; collisions always.
import { CURRENT, EARLIER, KEPT, Line, line, tia } from './state';
import { STALE_ALL, rebuildStale, setPosition, shownBall, shownGraphic, shownMissiles, touchMissile, touchPlayer, touchPlayfield } from './tia-objects';
import { FROM, PAIRS_OF, PAIR_FIRST, PAIR_SECOND } from './tia-tables';

const LINE: usize = changetype<usize>(line);
/** Of the running game: first line of the window, its height, whether HMOVE blanks pixels. Set by the console. */
export let windowStart: i32 = 34;
export let windowRows: i32 = 210;
export function setWindow(start: i32, rows: i32): void { windowStart = start; windowRows = rows; }

/** The masks of the line so far, when it was cut. */
const MERGED: usize = memory.data(192, 16);
/** Masks by color: player 0, player 1, playfield. */
const GROUPS: usize = memory.data(96 + 16, 16);
const BELOW_WINDOW = 0x3fffffff;

// ---- cutting lines
@inline function from(object: i32): i32 { return load<i32>(LINE + (object << 2), offsetof<Line>('from0')); }

/** Object 0..5 is about to change at pixel x: what was drawn of it so far stays. */
@inline export function commit(object: i32, x: i32): void {
  line.changed = 1;
  if (x > 0) commitInside(object, x);
}
function commitInside(object: i32, x: i32): void {
  if (line.stale) rebuildStale();
  // Whether score colors win over priority depends on which objects are enabled: see scoreColors.
  if ((tia.control & 6) == 6) flush(x);
  const start = from(object);
  if (x <= start) return;
  const now = CURRENT + (object << 5), earlier = EARLIER + (object << 5), right = FROM + (x << 5);
  if (start == 0) {
    v128.store(earlier, v128.andnot(v128.load(now), v128.load(right)));
    store<u64>(earlier, load<u64>(now, 16) & ~load<u64>(right, 16), 16);
  } else {
    const left = FROM + (start << 5);
    v128.store(earlier, v128.or(v128.load(earlier), v128.andnot(v128.and(v128.load(now), v128.load(left)), v128.load(right))));
    store<u64>(earlier, load<u64>(earlier, 16) | (load<u64>(now, 16) & load<u64>(left, 16) & ~load<u64>(right, 16)), 16);
  }
  store<i32>(LINE + (object << 2), x, offsetof<Line>('from0'));
  line.earlierFilled |= line.filled & (1 << object);
  line.cut = 1;
}

/** Objects that may have pixels on the line, one bit each; valid after `masks`. */
@inline function filledObjects(): i32 { return line.filled | line.earlierFilled; }
function masks(): usize {
  if (line.stale) rebuildStale();
  if (!line.cut) return CURRENT;
  for (let object = 0; object < 6; object++) {
    const start = from(object), now = CURRENT + (object << 5), merged = MERGED + (object << 5);
    if (!(((line.filled | line.earlierFilled) >> object) & 1)) {
      v128.store(merged, i64x2.splat(0));
      v128.store(merged, i64x2.splat(0), 16);
    } else if (start == 0) {
      v128.store(merged, v128.load(now));
      v128.store(merged, v128.load(now, 16), 16);
    } else {
      const left = FROM + (start << 5), earlier = EARLIER + (object << 5);
      v128.store(merged, v128.or(v128.load(earlier), v128.and(v128.load(now), v128.load(left))));
      v128.store(merged, v128.or(v128.load(earlier, 16), v128.and(v128.load(now, 16), v128.load(left, 16))), 16);
    }
  }
  return MERGED;
}

// ---- collisions
/** Latches the collisions of pixels a..b-1; `filled` are the objects that may have any. */
function collide(m: usize, a: i32, b: i32, filled: i32): void {
  const latched: i32 = tia.collisions;
  let open = <i32>load<u16>(PAIRS_OF + (filled << 1)) & ~latched;
  if (!open) return;
  let low = v128.load(FROM + (a << 5)), high = v128.load(FROM + (a << 5), 16);
  if (b < 160) {
    low = v128.andnot(low, v128.load(FROM + (b << 5)));
    high = v128.andnot(high, v128.load(FROM + (b << 5), 16));
  }
  if (popcnt(open) > 3) {
    // A pixel that two objects share appears in `twice`: nearly always there is none.
    let onceLow = v128.load(m), onceHigh = v128.load(m, 16), twiceLow = i64x2.splat(0), twiceHigh = i64x2.splat(0);
    for (let o: usize = 32; o < 192; o += 32) {
      const l = v128.load(m + o), h = v128.load(m + o, 16);
      twiceLow = v128.or(twiceLow, v128.and(onceLow, l));
      twiceHigh = v128.or(twiceHigh, v128.and(onceHigh, h));
      onceLow = v128.or(onceLow, l);
      onceHigh = v128.or(onceHigh, h);
    }
    if (!v128.any_true(v128.or(v128.and(twiceLow, low), v128.and(twiceHigh, high)))) return;
  }
  let seen = latched;
  do {
    const pair = ctz(open), first = m + load<u8>(PAIR_FIRST + pair), second = m + load<u8>(PAIR_SECOND + pair);
    const l = v128.and(v128.and(v128.load(first), v128.load(second)), low);
    const h = v128.and(v128.and(v128.load(first, 16), v128.load(second, 16)), high);
    if (v128.any_true(v128.or(l, h))) seen |= 1 << pair;
    open &= open - 1;
  } while (open);
  tia.collisions = seen;
}
/** Collisions up to pixel x of the current line are about to be read; `shown` are the pairs of interest. */
export function collideUpTo(x: i32, shown: u32): void {
  if (x > line.drawn && !tia.vblank && (tia.collisions & shown) != shown) collide(masks(), line.drawn, x, filledObjects());
}

// ---- pixels
@inline function spread(bits: usize): v128 { // 16 bits -> 16 byte masks
  const word = v128.load_splat<u16>(bits);
  const bytes = v128.shuffle<u8>(word, word, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
  const select = i8x16(1, 2, 4, 8, 16, 32, 64, -128, 1, 2, 4, 8, 16, 32, 64, -128);
  return i8x16.eq(v128.and(bytes, select), select);
}
/** Whether the halves of the playfield take the players' colors. Priority turns that off, except when nothing but the playfield is enabled. */
export function scoreColors(): bool {
  const control = tia.control;
  if (!(control & 2)) return false;
  if (!(control & 4)) return true;
  return (tia.pf0 >> 4 | tia.pf1 | tia.pf2) != 0 && !shownGraphic(0) && !shownGraphic(1) && !shownMissiles() && !shownBall();
}
const PLAYERS: i32 = 1 | 2 | 4 | 8, BALL_AND_PLAYFIELD: i32 = 16 | 32;
/** Draws pixels a..b-1 of the objects `filled`; up to 15 pixels right of b are overwritten (a later span repairs them). */
function drawPixels(m: usize, a: i32, b: i32, filled: i32): void {
  const row = <i32>line.front + tia.row * 160, inks = line.inks;
  const background = i8x16.splat(<i8>(inks >> 24));
  const first = a & ~15;
  const keep = v128.load(row + first);
  const score = scoreColors();
  let low2 = v128.load(m, 128), high2 = v128.load(m, 144);
  const playfieldLow = v128.load(m, 160), playfieldHigh = v128.load(m, 176);
  if (!score) {
    low2 = v128.or(low2, playfieldLow);
    high2 = v128.or(high2, playfieldHigh);
  }
  // What lies below: ball and playfield over the background.
  if (filled & BALL_AND_PLAYFIELD) {
    const ink2 = i8x16.splat(<i8>(inks >> 16));
    v128.store(GROUPS, low2, 64);
    v128.store(GROUPS, high2, 80);
    for (let x = first; x < b; x += 16) v128.store(row + x, v128.bitselect(ink2, background, spread(GROUPS + 64 + (x >> 3))));
  } else for (let x = first; x < b; x += 16) v128.store(row + x, background);
  // Players and missiles go on top of it, in the few groups of 16 pixels where they have any; with priority only beside ball and playfield.
  if (filled & PLAYERS || score) {
    let low0 = v128.or(v128.load(m), v128.load(m, 64)), high0 = v128.or(v128.load(m, 16), v128.load(m, 80));
    let low1 = v128.or(v128.load(m, 32), v128.load(m, 96)), high1 = v128.or(v128.load(m, 48), v128.load(m, 112));
    if (score) {
      const rightLow = v128.load(FROM + 80 * 32), rightHigh = v128.load(FROM + 80 * 32, 16);
      low0 = v128.or(low0, v128.andnot(playfieldLow, rightLow));
      high0 = v128.or(high0, v128.andnot(playfieldHigh, rightHigh));
      low1 = v128.or(low1, v128.and(playfieldLow, rightLow));
      high1 = v128.or(high1, v128.and(playfieldHigh, rightHigh));
    } else if (tia.control & 4) {
      low0 = v128.andnot(low0, low2);
      high0 = v128.andnot(high0, high2);
      low1 = v128.andnot(low1, low2);
      high1 = v128.andnot(high1, high2);
    }
    v128.store(GROUPS, low0);
    v128.store(GROUPS, high0, 16);
    v128.store(GROUPS, low1, 32);
    v128.store(GROUPS, high1, 48);
    const zero = i16x8.splat(0);
    let groups = i16x8.bitmask(i16x8.ne(v128.or(low0, low1), zero)) | (i16x8.bitmask(i16x8.ne(v128.or(high0, high1), zero)) << 8);
    groups &= (1 << ((b + 15) >> 4)) - (1 << (first >> 4));
    const ink0 = i8x16.splat(<i8>inks), ink1 = i8x16.splat(<i8>(inks >> 8));
    while (groups) {
      const group = ctz(groups), at = row + (group << 4), g = GROUPS + (group << 1);
      v128.store(at, v128.bitselect(ink0, v128.bitselect(ink1, v128.load(at), spread(g + 32)), spread(g)));
      groups &= groups - 1;
    }
  }
  if (a & 15) v128.store(row + first, v128.bitselect(v128.load(row + first), keep, spread(FROM + (a << 5) + (first >> 3))));
}

// ---- spans and lines
function drawSpan(a: i32, b: i32): void {
  if (a >= b) return;
  if (tia.vblank) {
    if (line.draw) memory.fill(line.front + tia.row * 160 + a, 0, b - a);
    return;
  }
  const m = masks(), filled = filledObjects();
  collide(m, a, b, filled);
  if (line.draw) drawPixels(m, a, b, filled);
}
/** Draws the line up to pixel x, because colors, priorities or blanking change there. */
export function flush(x: i32): void {
  const start = line.drawn;
  if (x <= start) return;
  if (((x ^ start) & ~15) | i32(start == 0)) keepChunk(x);
  drawSpan(start, x);
  line.drawn = x;
  line.cut = 1;
}
/** What the frame buffer holds at the 16 pixels around pixel x, before any of them is drawn: spans draw them all. */
@inline export function keepChunk(x: i32): void { v128.store(KEPT, v128.load(line.front + tia.row * 160 + (x & ~15))); }
@inline function copyRow(row: usize): void {
  for (let x: usize = 0; x < 160; x += 16) v128.store(row + x, v128.load(row + x - 160));
}
function finishLine(): void {
  const row = tia.row, blank = tia.blank;
  if (!line.cut && !line.changed && blank == line.lastBlank) {
    if (line.collisionsChanged) {
      line.collisionsChanged = 0;
      if (!tia.vblank) collide(masks(), 0, 160, filledObjects());
    }
    if (line.draw) copyRow(line.front + row * 160);
  } else {
    drawSpan(line.drawn, 160);
    line.changed = 0;
    line.collisionsChanged = 0;
    if (line.cut) {
      clearCuts();
      line.changed = 1;
    }
    if (blank && line.draw) store<u64>(line.front + row * 160, 0);
    line.lastBlank = blank;
  }
  tia.blank = tia.blankNext;
  tia.blankNext = 0;
  tia.row = row + 1;
  tia.lineClock += 228;
}
/** What happens between one line of the window and the next; so not after the last one, which waits for the next frame's first to end. */
function startLine(): void {
  const reflect = tia.control & 1;
  if (reflect != tia.reflect) {
    tia.reflect = reflect;
    touchPlayfield();
    line.changed = 1;
  }
  if (tia.suppress0 | tia.suppress1) {
    if (tia.suppress0) touchPlayer(0);
    if (tia.suppress1) touchPlayer(1);
    tia.suppress0 = tia.suppress1 = 0;
    line.changed = 1;
  }
  if (tia.star) stepStar();
}
/** Star mode moves missile 0 on every line. */
function stepStar(): void {
  const counter = (tia.starCounter + 1) & 3;
  tia.starCounter = counter;
  let x = tia.x2 - (counter == 0 ? 18 : counter == 1 ? 33 : counter == 2 ? 0 : 17);
  if (x < 0) x += 160;
  setPosition(2, x);
  touchMissile(0);
  line.changed = 1;
}
function clearCuts(): void {
  v128.store(LINE, i64x2.splat(0), offsetof<Line>('from0'));
  store<u64>(LINE, 0, offsetof<Line>('from4'));
  line.drawn = 0;
  line.cut = 0;
  line.earlierFilled = 0;
}

/** Draws everything before `clock` as far as whole lines go; returns the pixel of the current line that the clock has reached. */
@inline export function pixelAt(clock: i32): i32 {
  const reached = max(clock, tia.drawnClock);
  const d = reached - tia.lineClock;
  return d <= 68 ? 0 : d <= 228 ? d - 68 : pixelOnLaterLine(reached);
}
function pixelOnLaterLine(clock: i32): i32 {
  while (clock > tia.lineClock + 228) {
    finishLine();
    if (tia.row >= windowRows) {
      // A late picture is drawn from line 0 on, but ends where every picture does: what is left of it is not seen, but collides.
      tia.row = windowRows;
      if (tia.lineClock >= (windowStart + windowRows) * 228) {
        tia.lineClock = BELOW_WINDOW;
        return 0;
      }
    }
    startLine();
  }
  return max(clock - tia.lineClock - 68, 0);
}

// ---- frames
export function startPicture(): void {
  tia.lineClock = windowStart * 228;
  tia.drawnClock = 0;
  tia.row = 0;
  line.stale = STALE_ALL;
  line.changed = 1;
  line.collisionsChanged = 1;
  line.lastBlank = 0;
  clearCuts();
}
/**
 * A reset in the middle of a frame that was cut: ALE starts no new one. Nothing is drawn before the first access of the TIA that lies in the window;
 * then all lines from the very first on are, as things stand, and the first is the screen's top row.
 */
export function resetPicture(): void {
  startPicture();
  tia.lineClock = BELOW_WINDOW;
  tia.late = 1;
}
export function beginLate(clock: i32): void {
  if (clock < windowStart * 228) return;
  tia.lineClock = 0;
  tia.late = 2;
}
/** Goes on with a frame from a saved state: where the line stands follows from the registers, what earlier states drew of it is drawn already. */
export function resumePicture(drawn: i32, lastBlank: i32): void {
  clearCuts();
  tia.row = max(0, min(tia.row, windowRows));
  const isUnseen = tia.late == 2 && tia.row == windowRows && tia.lineClock >= windowRows * 228 && tia.lineClock < (windowStart + windowRows) * 228;
  if (isUnseen) tia.lineClock -= tia.lineClock % 228;
  else tia.lineClock = tia.row >= windowRows || tia.late == 1 ? BELOW_WINDOW : (tia.late ? tia.row : windowStart + tia.row) * 228;
  line.drawn = max(0, min(drawn, 160));
  if (line.drawn) {
    line.cut = 1;
    keepChunk(line.drawn);
  }
  line.changed = 1;
  line.collisionsChanged = 1;
  line.lastBlank = lastBlank;
}
/** Draws up to the clock at which the frame ends or is interrupted; the rest of that line keeps what the buffer held. */
export function finishPicture(clock: i32): void {
  flush(pixelAt(clock));
  mendChunk();
  if (line.draw && tia.blank) memory.fill(line.front + tia.row * 160, 0, min(line.drawn, 8));
}
/** The next frame begins: a blank of HMOVE that the last line of the one before has shown is not left for its first line. */
export function endBlank(): void {
  if (line.drawn < 8) return;
  tia.blank = tia.blankNext;
  tia.blankNext = 0;
}
/** Gives the pixels right of those drawn on the line back what the frame buffer held. */
export function mendChunk(): void {
  const x = line.drawn, chunk = line.front + tia.row * 160 + (x & ~15);
  if (line.draw && x & 15) v128.store(chunk, v128.bitselect(v128.load(KEPT), v128.load(chunk), spread(FROM + (x << 5) + ((x & ~15) >> 3))));
}
/** How many pixels, row by row, the frame has brought to the screen. */
export function pixelsSoFar(): i32 { return tia.row < windowRows ? tia.row * 160 + line.drawn : windowRows * 160; }
