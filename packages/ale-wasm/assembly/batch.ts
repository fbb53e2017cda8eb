// Whole agent steps for one console of a batch: frame skip, the maximum of the last two frames, 84 x 84, a stack of observations.
// Frames that nobody looks at are emulated without pixels. What an undrawn frame would have left in rows that a later, shorter frame does not
// draw can be seen, though (ALE never clears a buffer): then the step is run again with every frame drawn.
import { environment, line, tia } from './state';
import { loadSnapshot, saveSnapshot } from './console';
import { emulateAction, isOver, resetEnvironment, takeAction, windowRows } from './environment';
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
const SNAPSHOT: usize = memory.data(2048, 16);
const ACTIONS: usize = memory.data(8 * 1024); // action and strength of every frame of a step, for running it again
export const MAXIMUM_FRAME_SKIP: i32 = 1024;
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
  if (drawsGray) return screen;
  toGray(screen, scratch, screenBytes(), GRAY);
  return scratch;
}
function pushObservation(): void {
  if (stackSize > 1) memory.copy(stack, stack + OBSERVATION_BYTES, (stackSize - 1) * OBSERVATION_BYTES);
  resize(pooled, stack + (stackSize - 1) * OBSERVATION_BYTES);
}
/** 1 until the first pooled step after a reset: the second buffer of Dopamine and gymnasium is zero then. */
@inline function secondIsEmpty(): bool { return line.freshAgent != 0; }

/** Starts an episode; the stack is filled with its first picture, or with zeros before it. */
export function resetAgent(fillZero: bool): i32 {
  line.draw = 1;
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

// ---- undrawn frames
/** Keeps account of rows that undrawn frames would have drawn. Returns true when the frame just drawn shows such a row. */
function missesRows(): bool {
  const reached = tia.row + i32(line.drawn > 0);
  if (!line.draw) {
    line.undrawnRows = max(line.undrawnRows, min(reached, windowRows));
    return false;
  }
  if (line.undrawnRows > tia.row) return true;
  line.undrawnRows = 0;
  return false;
}

/** Frames emulated in the last step. */
export let framesRun: i32 = 0;

/** One agent step. Returns the sum of rewards. */
export function stepAgent(action: i32): i32 {
  const draws = frameSkip - poolFrames;
  let reward = 0, missed = false, lostLife = false;
  saveSnapshot(SNAPSHOT);
  let frame = 0;
  for (; frame < frameSkip; frame++) {
    line.draw = i32(frame >= draws);
    const lives = environment.lives;
    takeAction(action, 1);
    store<i32>(ACTIONS + (frame << 2), environment.action);
    if (isOver()) break;
    reward += emulateAction();
    missed = missed || missesRows();
    lostLife = stopOnLifeLoss && environment.lives < lives;
    if (isOver() || lostLife) {
      frame++;
      break;
    }
  }
  framesRun = frame;
  if (missed) runAgain(frame);
  line.draw = 1;
  observe(frame, isOver() || lostLife);
  return reward;
}
/** The same frames with every pixel drawn. The older picture that an early end may need is kept. */
function runAgain(frames: i32): void {
  const draws = environment.environmentDraws;
  if (style == DOPAMINE && frames == frameSkip - 1) memory.copy(SCRATCH2, line.back, screenBytes());
  loadSnapshot(SNAPSHOT);
  line.draw = 1;
  for (let i = 0; i < frames; i++) {
    environment.action = load<i32>(ACTIONS + (i << 2));
    environment.strength = 1;
    emulateAction();
    line.undrawnRows = 0;
  }
  environment.environmentDraws = draws;
}
function observe(frames: i32, over: bool): void {
  const bytes = screenBytes();
  if (poolFrames == 1) {
    if (frames == frameSkip) memory.copy(pooled, grayOf(line.front, SCRATCH), bytes);
  } else if (frames == frameSkip && (style == DOPAMINE || !over)) maximum(grayOf(line.front, SCRATCH), grayOf(line.back, SCRATCH2), pooled, bytes);
  else if (frames == frameSkip) maximum(pooled, grayOf(line.back, SCRATCH), pooled, bytes); // gymnasium: the last frame is not taken, the one before is
  else if (frames == frameSkip - 1) {
    if (style == DOPAMINE) {
      // The frame before last of the step, over the last frame of the step before, which no undrawn frame has overwritten.
      if (secondIsEmpty()) memory.copy(pooled, grayOf(line.front, SCRATCH), bytes);
      else maximum(grayOf(line.front, SCRATCH), grayOf(line.back, SCRATCH2), pooled, bytes);
    } else if (!over) maximum(pooled, grayOf(line.front, SCRATCH), pooled, bytes);
  }
  line.freshAgent = 0;
  pushObservation();
}
