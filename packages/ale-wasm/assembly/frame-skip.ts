// Several frames with one action, of which only the last are seen: the others are emulated without pixels. What an undrawn frame would have left
// in rows that a later, shorter frame does not draw can be seen, though (no buffer is ever cleared): then the frames are run again, all drawn.
import { environment, line, tia } from './state';
import { SNAPSHOT_BYTES, loadSnapshot, saveSnapshot } from './console';
import { emulateAction, isOver, takeAction, windowRows } from './environment';

export const MAXIMUM_FRAME_SKIP: i32 = 1024;
const SNAPSHOT: usize = memory.data(SNAPSHOT_BYTES, 16);
/** Action and strength of every frame, for running them again. */
const ACTIONS: usize = memory.data(8 * 1024);

/** Of the last call: frames emulated, and whether the last of them is drawn. */
export let framesRun: i32 = 0;
export let lostLife: bool = false;
export let ranAgain: bool = false;
/** Where a caller wants the buffer kept that running again overwrites; 0 = nowhere. */
let keepBack: usize = 0;
export function keepBackAt(at: usize): void { keepBack = at; }

/** Keeps account of rows that undrawn frames would have drawn. Returns true when the frame just drawn shows such a row. */
function showsUndrawnRow(): bool {
  if (!line.draw) {
    line.undrawnRows = max(line.undrawnRows, min(tia.row + i32(line.drawn > 0), windowRows));
    return false;
  }
  if (line.undrawnRows > tia.row) return true;
  line.undrawnRows = 0;
  return false;
}

/**
 * Plays up to `frames` frames, the last `drawn` of them with pixels; stops when the episode ends or, when asked, a life is lost. Sticky values
 * are drawn for every frame, also for those after the end when `drawToEnd`. With `showLast` the frame it ends with is drawn in any case.
 * Returns the sum of rewards.
 */
export function playFrames(action: i32, strength: f32, frames: i32, drawn: i32, stopOnLifeLoss: bool, drawToEnd: bool, showLast: bool): i32 {
  const undrawn = frames - drawn;
  let reward = 0, again = false, frame = 0;
  lostLife = false;
  if (undrawn > 0) saveSnapshot(SNAPSHOT);
  for (; frame < frames && !isOver(); frame++) {
    line.draw = i32(frame >= undrawn);
    const lives = environment.lives;
    takeAction(action, strength);
    if (undrawn > 0) {
      store<i32>(ACTIONS + (frame << 3), environment.action);
      store<f32>(ACTIONS + (frame << 3), environment.strength, 4);
    }
    reward += emulateAction();
    if (showsUndrawnRow()) again = true;
    if (stopOnLifeLoss && environment.lives < lives) {
      lostLife = true;
      frame++;
      break;
    }
  }
  framesRun = frame;
  ranAgain = undrawn > 0 && (again || (showLast && frame > 0 && !line.draw));
  if (ranAgain) runAgain(frame);
  line.draw = 1;
  if (drawToEnd) for (; frame < frames; frame++) takeAction(action, strength);
  return reward;
}
function runAgain(frames: i32): void {
  const draws = environment.environmentDraws;
  if (keepBack) memory.copy(keepBack, line.back, windowRows * 160);
  loadSnapshot(SNAPSHOT);
  for (let i = 0; i < frames; i++) {
    line.draw = 1;
    line.undrawnRows = 0;
    environment.action = load<i32>(ACTIONS + (i << 3));
    environment.strength = load<f32>(ACTIONS + (i << 3), 4);
    emulateAction();
  }
  line.undrawnRows = 0;
  environment.environmentDraws = draws;
}
