// What an access of the TIA draws in ALE beyond its own clock: the rest of a group of four pixels, and what HMOVE blanks. The line goes over it, so that it
// is seen only where a frame ends or is cut: such frames are run once more, drawn from access to access (see traceFrame in console.ts).
import { CURRENT, KEPT, line, tia } from './state';
import { rebuildStale, shownBall, shownGraphic, shownMissiles } from './tia-objects';
import { flush, pixelAt, pixelsSoFar, scoreColors, windowRows } from './tia-line';

// ---- groups of four pixels
// Combinations of enabled objects (P0 P1 M0 M1 BL PF, one bit each, from 1 to 32) whose lines ALE draws by groups of four pixels, as a set of 64 bits; and
// those of them that it does not draw so with score colors: playfield and player 0, player 1 or ball.
const BY_FOURS: u64 = 0x000100070115111e;
const NOT_WITH_SCORE: u64 = 0x0001000600000000;
/**
 * Draws up to the clock of an access as ALE does. A group of four pixels without players, missiles and ball is drawn as a whole, also beyond the clock:
 * where nothing is drawn over it any more, because the frame ends or is cut, it can be seen.
 */
export function drawAccess(clock: i32): void {
  const x = pixelAt(clock), start = line.drawn, group = x & ~3;
  if (x > start) flush(x);
  if (!line.draw || tia.row >= windowRows) return;
  if (tia.blank && x < 8) return blankAhead(clock - tia.lineClock, x);
  if (x <= start || x == group || start > group || tia.vblank) return;
  let enabled = i32(shownGraphic(0) != 0) | i32(shownGraphic(1) != 0) << 1 | shownMissiles() << 2;
  enabled |= i32(shownBall() != 0) << 4 | i32((tia.pf0 >> 4 | tia.pf1 | tia.pf2) != 0) << 5;
  const groups: u64 = tia.control & 2 ? BY_FOURS & ~NOT_WITH_SCORE : BY_FOURS;
  if (!((groups >> <u64>enabled) & 1)) return;
  if (line.stale) rebuildStale();
  for (let object = 0; object < 5; object++) if (fourOf(object, group)) return;
  const ink = !fourOf(5, group) ? 3 : !scoreColors() ? 2 : group < 80 ? 0 : 1;
  for (let pixel = x; pixel < group + 4; pixel++) store<u8>(KEPT + (pixel & 15), line.inks >> (ink << 3));
}
@inline function fourOf(object: i32, group: i32): i32 { return (load<u8>(CURRENT + (object << 5) + (group >> 3)) >> (group & 4)) & 15; }

// ---- blanks
/**
 * HMOVE blanks a line's pixels up to the eighth at the first access behind it, also beyond the clock; and as many more as the access comes before the first
 * pixel. Most are drawn over.
 */
function blankAhead(clock: i32, x: i32): void {
  if (clock <= 0 || tia.lineClock + clock <= tia.drawnClock) return;
  if (x) for (let pixel = x; pixel < 8; pixel++) store<u8>(KEPT + pixel, 0);
  else memory.fill(line.front + tia.row * 160, 0, 76 - min(clock, 68));
}
const MOST_BLANKED = 75;
/** Whether it can be seen that HMOVE blanks more than the line has drawn pixels, if the frame ends or is cut at this clock. */
export function showsBlankAhead(clock: i32): bool {
  return tia.blank != 0 && line.drawn < MOST_BLANKED && tia.row < windowRows && clock > tia.lineClock;
}
/** How many pixels, row by row, a frame that ends or is cut where this one does may have changed at most, drawn as drawAccess does. */
export function mostPixels(): i32 {
  const pixels = (pixelsSoFar() + 3) & ~3;
  return tia.blank && tia.row < windowRows ? max(pixels, tia.row * 160 + MOST_BLANKED) : pixels;
}
