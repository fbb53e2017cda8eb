// Several frames with one action, of which only the last are seen: the others are emulated without pixels. No frame buffer is ever cleared, though, so
// a frame that ends early, or is cut by ALE's limit of instructions, shows what the frame two before has left further down. Where that could be an
// undrawn frame, the step is run again with all pixels, after the step before it, until nothing is missing in either buffer.
//
// Why two steps are enough: no undrawn frame may end above what is missing of the one that it lies over, and none may be cut, without both buffers
// being completed at the end of its step. What is missing when a step begins is thus the last two frames', and a step has at least two: one that ends
// after its first is completed too.
import { environment, line, tia } from './state';
import { loadHere, refreshInks, saveSnapshot, snapshotLine, stepActions, stepSnapshot } from './console';
import { emulateAction, isOver, takeAction, windowRows } from './environment';
import { mostPixels } from './tia-accesses';
import { pixelsSoFar } from './tia-line';

export const MAXIMUM_FRAME_SKIP: i32 = 1024;
/** Steps that are drawn as a whole after one that had to be run again: what made it necessary often comes back. */
const WHOLE_STEPS = 16;
/** Of the last call: frames emulated, and whether a life was lost. */
export let framesRun: i32 = 0;
export let lostLife: bool = false;
/** The screen after the frame before last, where the last frame has gone on in the same buffer; 0 = it is the back buffer. */
export let screenBefore: usize = 0;
const SCREEN_BEFORE: usize = memory.data(40064, 16);

/** Keeps account of what undrawn frames leave missing. Returns true when this one can't leave it so. */
function leavesGap(): bool {
  const pixels = pixelsSoFar();
  if (!line.draw) {
    const isShorter = pixels < line.missing;
    line.missing = max(mostPixels(), line.missing);
    return isShorter || !tia.frameEnded;
  }
  if (line.undrawnPart || pixels < line.missing) return true;
  line.missing = 0;
  return !tia.frameEnded && line.backMissing != 0;
}
/** A frame that is cut and goes on would take its own first screen along. */
@inline function keepScreenBefore(frame: i32, frames: i32): void {
  if (tia.frameEnded || frame != frames - 2) return;
  memory.copy(SCREEN_BEFORE, line.front, windowRows * 160);
  screenBefore = SCREEN_BEFORE;
}

/**
 * Plays up to `frames` frames, the last `drawn` of them with pixels; stops when the episode ends or, when asked, a life is lost. Sticky values
 * are drawn for every frame, also for those after the end when `drawToEnd`. With `showLast` the frames it ends with are drawn in any case.
 * Returns the sum of rewards.
 */
export function playFrames(action: i32, strength: f32, frames: i32, drawn: i32, stopOnLifeLoss: bool, drawToEnd: bool, showLast: bool): i32 {
  lostLife = false;
  framesRun = 0;
  screenBefore = 0;
  let reward = 0, frame = 0;
  if (!isOver()) {
    const undrawn = line.wholeSteps ? 0 : frames - drawn;
    if (line.wholeSteps) line.wholeSteps--;
    line.stepSlot ^= 1;
    line.gap = 0;
    const actions = stepActions(line.stepSlot);
    saveSnapshot(stepSnapshot(line.stepSlot));
    do {
      // Once it is known that all will be run again nothing more is drawn: the buffers stay as the frames that come again will find them.
      line.draw = i32(frame >= undrawn && !line.gap);
      const lives = environment.lives;
      takeAction(action, strength);
      store<i32>(actions + (frame << 3), environment.action);
      store<f32>(actions + (frame << 3), environment.strength, 4);
      reward += emulateAction();
      if (leavesGap()) line.gap = 1;
      keepScreenBefore(frame++, frames);
      lostLife = stopOnLifeLoss && environment.lives < lives;
    } while (frame < frames && !lostLife && !isOver());
    framesRun = line.stepFrames = frame;
    const isSeenMissing = showLast && (line.missing || (drawn > 1 && line.backMissing));
    if (line.gap || isSeenMissing || (frame == 1 && undrawn > 0)) runAgain();
    line.draw = 1;
  }
  if (drawToEnd) for (; frame < frames; frame++) takeAction(action, strength);
  return reward;
}

/** Emulates the last step of the active console once more, with all pixels; the step before too when it left pixels missing. */
export function runAgain(): void {
  const slot = line.stepSlot, frames = line.stepFrames, isGap = line.gap, start = snapshotLine(slot);
  if (!frames) return;
  if (start.missing | start.backMissing) drawStep(slot ^ 1, start.stepFrames);
  drawStep(slot, frames);
  if (isGap) line.wholeSteps = WHOLE_STEPS;
}
/** The screen that the step before the last ended with, at `to`. Returns false when the episode began in between. */
export function copyScreenBefore(to: usize): bool {
  const slot = line.stepSlot, frames = line.stepFrames, framesBefore = snapshotLine(slot).stepFrames;
  if (!framesBefore) return false;
  drawStep(slot ^ 1, framesBefore);
  memory.copy(to, line.front, windowRows * 160);
  drawStep(slot, frames);
  return true;
}
function drawStep(slot: i32, frames: i32): void {
  const draws = environment.environmentDraws, watched = line.watched, colored = line.colored, fresh = line.freshAgent, actions = stepActions(slot);
  loadHere(stepSnapshot(slot));
  line.freshAgent = fresh;
  line.watched = watched;
  line.colored = colored;
  line.stepFrames = frames;
  line.draw = 1;
  line.missing = line.backMissing = 0;
  screenBefore = 0;
  refreshInks();
  for (let i = 0; i < frames; i++) {
    environment.action = load<i32>(actions + (i << 3));
    environment.strength = load<f32>(actions + (i << 3), 4);
    emulateAction();
    keepScreenBefore(i, frames);
  }
  environment.environmentDraws = draws;
}
