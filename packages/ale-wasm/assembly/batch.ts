// Whole agent steps for one console of a batch: frame skip, the maximum of the last two frames, 84 x 84, a stack of observations.
import { line } from './state';
import { isOver, resetEnvironment, windowRows } from './environment';
import { refreshInks } from './console';
import { copyScreenBefore, framesRun, lostLife, playFrames, runAgain, screenBefore } from './frame-skip';
import { SIDE, maximum, prepareGray, prepareResize, resize, toGray } from './preprocess';
import { INKS } from './tia-registers';

const OBSERVATION_BYTES: i32 = SIDE * SIDE;
/** Whose rules for pictures at the end of an episode: see the host's documentation. */
const DOPAMINE = 0;

let frameSkip: i32 = 4;
let poolFrames: i32 = 2;
let stackSize: i32 = 4;
let style: i32 = DOPAMINE;
let stopOnLifeLoss: bool = false;
let drawsGray: bool = true;
const GRAY: usize = memory.data(256, 16);
/** Of the console being stepped: its pooled picture and its stack. */
let pooled: usize = 0;
let stack: usize = 0;

export function grayTableAddress(): usize { return GRAY; }
export function setBatch(skip: i32, pool: i32, stacked: i32, rules: i32, lifeLoss: bool, gray: bool): void {
  frameSkip = skip;
  poolFrames = pool;
  stackSize = stacked;
  style = rules;
  stopOnLifeLoss = lifeLoss;
  drawsGray = gray;
  prepareResize(windowRows);
  prepareGray(GRAY);
  buildColorless();
  for (let i = 0; i < 256; i++) store<u8>(INKS + i, gray ? load<u8>(GRAY + i) : i);
}
/** Bytes of a console's agent buffers: pooled picture, then stack. */
export function agentBytes(): usize { return (pooledBytes() + stackSize * OBSERVATION_BYTES + 15) & ~15; }
function pooledBytes(): usize { return 160 * 250 + 64; }
export function useAgent(buffers: usize): void {
  pooled = buffers;
  stack = buffers + pooledBytes();
}
export function stackAddress(buffers: usize): usize { return buffers + pooledBytes(); }

// ---- observations
const SCRATCH: usize = memory.data(40064, 16), SCRATCH2: usize = memory.data(40064, 16);
@inline function screenBytes(): i32 { return windowRows * 160; }
/** A frame buffer as gray. */
function grayOf(screen: usize, scratch: usize): usize {
  if (drawsGray && !line.colored) return screen;
  toGray(screen, scratch, screenBytes(), GRAY);
  return scratch;
}
function pushObservation(): void {
  if (stackSize > 1) memory.copy(stack, stack + OBSERVATION_BYTES, (stackSize - 1) * OBSERVATION_BYTES);
  resize(pooled, stack + (stackSize - 1) * OBSERVATION_BYTES);
}
/** 1 until the first pooled step after a reset: the second buffer of Dopamine and gymnasium is zero then. */
@inline function secondIsEmpty(): bool { return line.freshAgent != 0; }

// ---- colors, for consoles of a gray batch that somebody looks at
/** Of every gray, the color index that is nearest to it among those without color. */
const COLORLESS: usize = memory.data(256, 16);
function buildColorless(): void {
  for (let gray = 0; gray < 256; gray++) {
    let best = 0;
    for (let index = 2; index < 16; index += 2)
      if (abs(<i32>load<u8>(GRAY + index) - gray) < abs(<i32>load<u8>(GRAY + best) - gray)) best = index;
    store<u8>(COLORLESS + gray, best);
  }
}
function recolor(table: usize): void {
  for (let i = 0; i < screenBytes(); i++) {
    store<u8>(line.front + i, load<u8>(table + load<u8>(line.front + i)));
    store<u8>(line.back + i, load<u8>(table + load<u8>(line.back + i)));
  }
}
/** Draws the active console's last step once more in colors; rows that it does not draw keep their gray. Episodes start in colors anyway. */
export function showColors(): void {
  if (!drawsGray) return;
  line.watched = 1;
  if (line.colored) return;
  recolor(COLORLESS);
  line.colored = 1;
  runAgain();
  refreshInks();
}
function forgetColors(): void {
  recolor(GRAY);
  line.colored = 0;
  refreshInks();
}

/** Starts an episode; the stack is filled with its first picture, or with zeros before it. */
export function resetAgent(fillZero: bool): i32 {
  line.draw = 1;
  line.colored = i32(drawsGray);
  const failed = resetEnvironment();
  restartObservations(fillZero);
  return failed;
}
/** The screen as it is becomes the first observation, after frames that the host has played by itself. */
export function restartObservations(fillZero: bool): void {
  line.freshAgent = 1;
  memory.copy(pooled, grayOf(line.front, SCRATCH), screenBytes());
  const newest = stack + (stackSize - 1) * OBSERVATION_BYTES;
  resize(pooled, newest);
  for (let i = 0; i < stackSize - 1; i++) {
    if (fillZero) memory.fill(stack + i * OBSERVATION_BYTES, 0, OBSERVATION_BYTES);
    else memory.copy(stack + i * OBSERVATION_BYTES, newest, OBSERVATION_BYTES);
  }
}

/** One agent step. Returns the sum of rewards. */
export function stepAgent(action: i32): i32 {
  if (line.colored && !line.watched) forgetColors();
  const reward = playFrames(action, 1, frameSkip, poolFrames, stopOnLifeLoss, false, false);
  observe(framesRun, isOver() || lostLife);
  return reward;
}
function observe(frames: i32, over: bool): void {
  const bytes = screenBytes();
  // The screen after the frame before: the back buffer's, unless a frame was cut and went on.
  const before = screenBefore ? screenBefore : line.back;
  if (poolFrames == 1) {
    if (frames == frameSkip) memory.copy(pooled, grayOf(line.front, SCRATCH), bytes);
  } else if (frames == frameSkip && (style == DOPAMINE || !over)) maximum(grayOf(line.front, SCRATCH), grayOf(before, SCRATCH2), pooled, bytes);
  else if (frames == frameSkip) maximum(pooled, grayOf(before, SCRATCH), pooled, bytes); // gymnasium: the last frame is not taken, the one before is
  else if (frames == frameSkip - 1) {
    if (style == DOPAMINE) {
      // The frame before last of the step, over the last frame of the step before.
      if (secondIsEmpty() || !copyScreenBefore(SCRATCH2)) memory.copy(pooled, grayOf(line.front, SCRATCH), bytes);
      else maximum(grayOf(line.front, SCRATCH), grayOf(SCRATCH2, SCRATCH2), pooled, bytes);
    } else if (!over) maximum(pooled, grayOf(line.front, SCRATCH), pooled, bytes);
  }
  line.freshAgent = 0;
  pushObservation();
}
