// Several frames with one action, of which only the last are seen: the others are emulated without pixels. What an undrawn frame would have left
// in rows that a later, shorter frame does not draw can be seen, though (no buffer is ever cleared): then the frames are run again, all drawn.
import { environment, line, tia } from './state';
import { loadSnapshot, saveSnapshot, stepActions, stepSnapshot } from './console';
import { emulateAction, isOver, takeAction, windowRows } from './environment';

export const MAXIMUM_FRAME_SKIP: i32 = 1024;
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
    // A partial frame is shown in gray down to the bottom.
    line.undrawnRows = tia.frameEnded ? max(line.undrawnRows, min(tia.row + i32(line.drawn > 0), windowRows)) : windowRows;
    return false;
  }
  if (line.undrawnRows > tia.row || line.undrawnPart) return true;
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
  const actions = stepActions();
  saveSnapshot(stepSnapshot());
  for (; frame < frames && !isOver(); frame++) {
    line.draw = i32(frame >= undrawn);
    const lives = environment.lives;
    takeAction(action, strength);
    store<i32>(actions + (frame << 3), environment.action);
    store<f32>(actions + (frame << 3), environment.strength, 4);
    reward += emulateAction();
    if (showsUndrawnRow()) again = true;
    if (stopOnLifeLoss && environment.lives < lives) {
      lostLife = true;
      frame++;
      break;
    }
  }
  framesRun = line.stepFrames = frame;
  ranAgain = undrawn > 0 && (again || (showLast && frame > 0 && !line.draw));
  if (ranAgain) runAgain(frame);
  line.draw = 1;
  if (drawToEnd) for (; frame < frames; frame++) takeAction(action, strength);
  return reward;
}
/** Emulates the last step of the active console once more, with all pixels. */
export function runAgain(frames: i32): void {
  const draws = environment.environmentDraws;
  if (keepBack) memory.copy(keepBack, line.back, windowRows * 160);
  const watched = line.watched, colored = line.colored, actions = stepActions();
  loadSnapshot(stepSnapshot());
  line.watched = watched;
  line.colored = colored;
  line.stepFrames = frames;
  for (let i = 0; i < frames; i++) {
    line.draw = 1;
    line.undrawnRows = line.undrawnPart = 0;
    environment.action = load<i32>(actions + (i << 3));
    environment.strength = load<f32>(actions + (i << 3), 4);
    emulateAction();
  }
  line.undrawnRows = 0;
  environment.environmentDraws = draws;
}
