// One console: power-on, system reset, frames; and which of the instance's consoles is active.
import { CARTRIDGE_RAM, CARTRIDGE_RAM_BYTES, CURRENT, Cpu, Line, RAM_PAGE, SAVED_BYTES, SHADOW, Tia, cartridge, cpu, environment, line, riot, tia } from './state';
import { AUDIO, AUDIO_BYTES, resetAudio } from './audio';
import { largeRamBytes, powerOnCartridge, resetCartridge, showCartridge } from './cartridge';
import { readIndirect } from './bus';
import { run } from './generated/interpreter';
import { STREAM_BYTES, drawSystem, seedSystem, useStreams } from './random';
import { endBlank, finishPicture, keepChunk, mendChunk, pixelsSoFar, resetPicture, startPicture, windowRows, windowStart } from './tia-line';
import { showsBlankAhead } from './tia-accesses';
import { colorLoss, forgetShadows, lastAccessClock, setInk, traceAccesses } from './tia-registers';
import { STALE_ALL } from './tia-objects';

const INSTRUCTIONS_PER_FRAME = 25000;
const NEVER = 0x7fffffff;
export const SCREEN_BYTES: usize = 160 * 250;
/** From one frame buffer to the next: one more row, for lines that nobody sees, and room behind the last pixel. */
const SCREEN_STRIDE: usize = SCREEN_BYTES + 160 + 64;

// A console's block: saved state, RAM, derived state, the cartridge's RAM where it is large; the same at the start of the last step and of the one
// before; streams, two frame buffers.
const DERIVED_BYTES: usize = 640;
const BLOCK_RAM: usize = 704, BLOCK_DERIVED: usize = 832, BLOCK_SHADOW: usize = 1472, BLOCK_AUDIO: usize = 1600, BLOCK_CARTRIDGE: usize = 1664;
/** Behind the console's own: where its last two steps began, and what was done in them, for drawing them once more. */
@inline function stepAt(): usize { return (BLOCK_CARTRIDGE + largeRamBytes + 15) & ~15; }
@inline function streamsAt(): usize { return 3 * stepAt() + 2 * STEP_ACTIONS_BYTES; }
export const STEP_ACTIONS_BYTES: usize = 8 * 1024;
/** Of the active console, for step 0 or 1: room for a snapshot, and for 1024 actions of 8 bytes. */
export function stepSnapshot(slot: i32): usize { return active + (1 + slot) * stepAt(); }
export function stepActions(slot: i32): usize { return active + 3 * stepAt() + slot * STEP_ACTIONS_BYTES; }
/** What the step began with. */
export function snapshotLine(slot: i32): Line { return changetype<Line>(stepSnapshot(slot) + BLOCK_DERIVED); }
@inline function screensAt(): usize { return streamsAt() + 2 * STREAM_BYTES + 16; }
export function blockBytes(): usize { return (screensAt() + 2 * SCREEN_STRIDE + 255) & ~255; }
/** Of what saveSnapshot writes, at most. */
export const SNAPSHOT_BYTES: i32 = <i32>(BLOCK_CARTRIDGE + CARTRIDGE_RAM_BYTES);

let active: usize = 0;

/** Makes the console in this block the active one. */
export function activate(block: usize): void {
  if (block == active) return;
  if (active) saveSnapshot(active);
  active = block;
  useStreams(block + streamsAt(), block + streamsAt() + STREAM_BYTES);
  loadSnapshot(block);
}

/** Brings the active console's block up to date. */
export function flush(): void { saveSnapshot(active); }
/** Takes the active console from its block. */
export function reload(): void { loadHere(active); }
/** Takes the active console from a snapshot, which may have been written at another address: its two screens are found again by their order. */
export function loadHere(at: usize): void {
  loadSnapshot(at);
  const first = active + screensAt(), second = first + SCREEN_STRIDE;
  const isSwapped = line.front > line.back;
  line.front = isSwapped ? second : first;
  line.back = isSwapped ? first : second;
}

/** Plugs a console in: fills RAM from a fresh system stream, as ALE does once per loaded ROM. */
export function powerOn(): void {
  memory.fill(changetype<usize>(cpu), 0, SAVED_BYTES);
  memory.fill(changetype<usize>(line), 0, DERIVED_BYTES);
  line.front = active + screensAt();
  line.back = line.front + SCREEN_STRIDE;
  line.draw = 1;
  tia.frameEnded = 1;
  powerOnCartridge();
  seedSystem();
  for (let i = 0; i < 128; i++) store<u8>(RAM_PAGE + 0x80 + i, <u8>drawSystem());
  drawSystem(); // the RIOT's own reset when it is built
}

export function resetSystem(): void {
  memory.fill(changetype<usize>(cpu), 0, offsetof<Cpu>());
  cpu.sp = 0xff;
  cpu.zr = 1;
  riot.timerValue = 25 + <i32>(drawSystem() % 75);
  riot.timerShift = 6;
  riot.timerSetCycle = 0;
  riot.readAfterExpiry = 0;
  riot.ddra = 0;
  const isPartial = !tia.frameEnded, inpt4 = tia.inpt4, inpt5 = tia.inpt5, paddle0 = tia.paddle0, paddle1 = tia.paddle1, paddle2 = tia.paddle2, paddle3 = tia.paddle3;
  memory.fill(changetype<usize>(tia), 0, offsetof<Tia>());
  tia.inpt4 = inpt4; tia.inpt5 = inpt5; tia.paddle0 = paddle0; tia.paddle1 = paddle1; tia.paddle2 = paddle2; tia.paddle3 = paddle3;
  tia.frameEnded = i32(!isPartial);
  tia.vsyncFinishClock = NEVER;
  memory.fill(line.front, 0, SCREEN_BYTES);
  memory.fill(line.back, 0, SCREEN_BYTES);
  line.missing = line.backMissing = line.stepFrames = line.wholeSteps = 0;
  memory.fill(CURRENT, 0, 384);
  line.stale = STALE_ALL;
  forgetShadows();
  resetAudio();
  resetCartridge();
  if (isPartial) {
    // A frame that was cut goes on for ALE, reset or not: none is started.
    tia.partialGrayed = 1;
    line.undrawnPart = 0;
    refreshInks();
    resetPicture();
  }
  traceAccesses(false);
  cpu.pc = readIndirect(0xfffc, 0);
  cpu.bus = cpu.pc >> 8;
}

function startFrame(): void {
  const offset = <i32>(<u32>cpu.cycles % 76), passed = cpu.cycles - offset;
  cpu.cycles = offset;
  cpu.frameOffset = offset;
  if (tia.vsyncFinishClock != NEVER) tia.vsyncFinishClock -= passed * 3;
  riot.timerSetCycle -= passed;
  riot.expiryReadCycle -= passed;
  tia.dumpEndCycle -= passed;
  tia.hmoveClock -= passed * 3;
  cartridge.dpcCycles -= passed;
  const front = line.front;
  line.front = line.back;
  line.back = front;
  const missing = line.missing;
  line.missing = line.backMissing;
  line.backMissing = missing;
  tia.frameEnded = 0;
  if (tia.late) {
    tia.late = 0;
    traceAccesses(false);
  }
  tia.partialGrayed = 0;
  line.undrawnPart = 0;
  tia.colorLoss = i32(colorLoss && (tia.scanlines & 1) != 0);
  refreshInks();
  endBlank();
  startPicture();
}
export function refreshInks(): void { for (let i = 0; i < 4; i++) setInk(i); }

/** Everything that a frame changes, apart from pixels and random streams: for running it again. */
export function saveSnapshot(at: usize): void {
  memory.copy(at, changetype<usize>(cpu), SAVED_BYTES);
  memory.copy(at + BLOCK_RAM, RAM_PAGE + 0x80, 128);
  memory.copy(at + BLOCK_DERIVED, changetype<usize>(line), DERIVED_BYTES);
  memory.copy(at + BLOCK_SHADOW, SHADOW, 128);
  memory.copy(at + BLOCK_AUDIO, AUDIO, AUDIO_BYTES);
  if (largeRamBytes) memory.copy(at + BLOCK_CARTRIDGE, CARTRIDGE_RAM, largeRamBytes);
}
export function loadSnapshot(at: usize): void {
  memory.copy(changetype<usize>(cpu), at, SAVED_BYTES);
  memory.copy(RAM_PAGE + 0x80, at + BLOCK_RAM, 128);
  memory.copy(changetype<usize>(line), at + BLOCK_DERIVED, DERIVED_BYTES);
  memory.copy(SHADOW, at + BLOCK_SHADOW, 128);
  memory.copy(AUDIO, at + BLOCK_AUDIO, AUDIO_BYTES);
  if (largeRamBytes) memory.copy(CARTRIDGE_RAM, at + BLOCK_CARTRIDGE, largeRamBytes);
  traceAccesses(false);
  showCartridge();
}
const FRAME_SNAPSHOT: usize = memory.data(SNAPSHOT_BYTES, 16);

/** Runs until the program ends the frame, or for 25,000 instructions: then the frame is partial, is shown as it is, and goes on next time. */
export function runFrame(): void {
  if (tia.frameEnded) startFrame();
  saveSnapshot(FRAME_SNAPSHOT);
  run(INSTRUCTIONS_PER_FRAME);
  if (!tia.frameEnded) runPartialFrame();
  else {
    const clock = cpu.cycles * 3;
    finishPicture(clock);
    // It ends in the middle of a visible line, where ALE may draw up to three pixels more, or blank more: see drawAccess.
    if (line.draw && (line.drawn & 3 || showsBlankAhead(clock))) traceFrame();
  }
  if (!line.draw) line.undrawnPart = 1;
  tia.scanlines = cpu.cycles / 76;
}
/** Runs the frame again as ALE draws it, from one access of the TIA to the next. */
function traceFrame(): void {
  loadSnapshot(FRAME_SNAPSHOT);
  traceAccesses(true);
  run(INSTRUCTIONS_PER_FRAME);
  if (lastAccessClock > 0) finishPicture(lastAccessClock);
  traceAccesses(false);
}
/** ALE draws a partial frame up to the program's last access of the TIA. */
function runPartialFrame(): void {
  mendChunk();
  traceFrame();
  if (tia.partialGrayed) return;
  tia.partialGrayed = 1;
  // Gray only what is seen, once: not a frame without pixels, nor one that will be run again.
  if (!line.draw || line.gap || line.undrawnPart || line.backMissing || line.missing > pixelsSoFar()) return;
  // Only a jammed CPU stops this early: what lies below the line it stopped in is shown in gray, once.
  for (let i = max(cpu.cycles / 76 - windowStart, 0) * 160; i < windowRows * 160; i++) store<u8>(line.front + i, (load<u8>(line.front + i) & 15) >> 1);
  if (tia.row < windowRows) keepChunk(line.drawn);
}
