// What the host calls. Consoles are numbered blocks from the end of the static data on; those of a batch have agent buffers behind the block.
import { MAXIMUM_ROM_BYTES, RAM_PAGE, ROM_BANKS, ROM_FILE, SHADOW, cpu, environment, line } from './state';
import { SAMPLES, makeSamples } from './audio';
import { agentBytes, resetAgent, showColors, restartObservations, setBatch as configureBatch, stackAddress, stepAgent, useAgent } from './batch';
import { buildGuards } from './bus';
import { insertCartridge } from './cartridge';
import { activate, blockBytes, flush, reload } from './console';
import { clampReward, frameSkip, isOver, isPal, isTruncated, legalAction, loadEnvironment, resetEnvironment, windowRows } from './environment';
import { MAXIMUM_FRAME_SKIP, framesRun, playFrames } from './frame-skip';
import { CODE, CODE_BYTES } from './rules';
import { readSavedState, savedBytes, writeSavedState } from './saved-state';
import { buildTables } from './tia-tables';
import { INKS } from './tia-registers';
export { setGame, setSettings } from './environment';
export { setRules } from './rules';
export { grayTableAddress } from './batch';
// What translated code links against.
export { adcDecimal, arrDecimal, sbcDecimal } from './decimal';
export { hotspots, pullFirst, readBus, writeRiotOrRam, zeroPagePointer } from './bus';
export { readRiot } from './riot';
export { readTia } from './tia-reads';
export { writeTia, writeTiaSlow } from './tia-registers';
export { entriesAddress, linkAddress, missesAddress, setTranslating, timerPollTurns } from './translated';
export * from './generated/register-writes';
export function ramPageAddress(): usize { return RAM_PAGE; }
export function shadowAddress(): usize { return SHADOW; }
export function cpuAddress(): usize { return changetype<usize>(cpu); }
export function romBanksAddress(): usize { return ROM_BANKS; }

let consoles: usize = 0;
let stride: usize = 0;
let count: i32 = 0;
let current: usize = 0;

export function initialize(): void {
  buildTables();
  buildGuards();
  for (let i = 0; i < 512; i++) store<u8>(INKS + i, i);
  consoles = (__heap_base + 255) & ~255;
}
export function romAddress(): usize { return ROM_FILE; }
export function romCapacity(): i32 { return MAXIMUM_ROM_BYTES; }
export function codeAddress(): usize { return CODE; }
export function codeCapacity(): i32 { return CODE_BYTES; }
export function insertRom(type: i32, superchip: bool, bytes: i32): void {
  insertCartridge(type, superchip, bytes);
  stride = blockBytes();
}
export function maximumFrameSkip(): i32 { return MAXIMUM_FRAME_SKIP; }
/** Before the first console of a batch is added; the gray table must be filled in. */
export function setBatch(skip: i32, pool: i32, stacked: i32, rules: i32, lifeLoss: bool, gray: bool): void {
  configureBatch(skip, pool, stacked, rules, lifeLoss, gray);
  stride = (blockBytes() + agentBytes() + 255) & ~255;
}
export function consoleBytes(): usize { return stride; }

/** Adds a console and returns its number, -1 when memory can't grow. */
export function addConsole(): i32 {
  const end = consoles + (count + 1) * stride;
  const pages = <i32>((end + 0xffff) >> 16) - memory.size();
  if (pages > 0 && memory.grow(pages) < 0) return -1;
  memory.fill(consoles + count * stride, 0, stride);
  return count++;
}
export function select(index: i32): void {
  current = consoles + index * stride;
  activate(current);
}

// ---- of the selected console
export function loadRom(seed: u32, mode: i32, difficulty: i32): i32 { return loadEnvironment(seed, mode, difficulty); }
export function reset(): i32 { return resetEnvironment(); }
let drawnFrames: i32 = 1;
/** How many of an act's last frames are drawn: 2 when their screens are averaged. */
export function setDrawnFrames(frames: i32): void { drawnFrames = frames; }
export function act(action: i32, strength: f32): i32 {
  return clampReward(playFrames(legalAction(action), strength, frameSkip, min(drawnFrames, frameSkip), false, true, true));
}
export function lives(): i32 { return environment.lives; }
export function gameOver(includeTruncation: bool): bool { return includeTruncation ? isOver() : environment.gameOver != 0; }
export function truncated(): bool { return isTruncated(); }
export function pal(): bool { return isPal; }
/** Rows of the picture: 250 for a PAL game that does not say otherwise. */
export function rows(): i32 { return windowRows; }
export function ramAddress(): usize { return RAM_PAGE + 0x80; }
/** Writes a byte of RAM over the bus, as ALE does: it is what code in the TIA's addresses finds there next. */
export function setRam(index: i32, value: i32): void {
  store<u8>(RAM_PAGE + 0x80 + index, <u8>value);
  cpu.bus = value;
}
export function screenAddress(): usize { return line.front; }
export function previousScreenAddress(): usize { return line.back; }
export function frameNumber(): i32 { return environment.frameNumber; }
export function episodeFrameNumber(): i32 { return environment.episodeFrameNumber; }
export function setMode(mode: i32): void { environment.mode = mode; }
export function setDifficulty(difficulty: i32): void { environment.difficulty = difficulty; }
export function mode(): i32 { return environment.mode; }
export function difficulty(): i32 { return environment.difficulty; }
export function samples(): usize {
  makeSamples();
  return SAMPLES;
}
/** Writes the console's state, without its seed, to the address returned. */
export function saveState(): usize { return writeSavedState(); }
export function savedStateBytes(): i32 { return savedBytes(); }
export function savedStateAddress(): usize { return writeSavedState(); }
/** Takes the state at savedStateAddress(); with its random stream when asked. */
export function restoreState(withRandom: bool, seed: u32): void { readSavedState(withRandom, seed); }

// ---- batches
export function observationAddress(index: i32): usize { return stackAddress(consoles + index * stride + blockBytes()); }
export function resetConsole(index: i32, fillZero: bool): i32 {
  select(index);
  useAgent(current + blockBytes());
  return resetAgent(fillZero);
}
/** Makes the screen of a console one of colors, and the next ones too. */
export function watchConsole(index: i32): void {
  select(index);
  showColors();
}
/** Whether the selected console's screen is one of colors. */
export function colored(): bool { return line.colored != 0; }
export function observeConsole(index: i32, fillZero: bool): void {
  select(index);
  useAgent(current + blockBytes());
  restartObservations(fillZero);
}
/** Steps consoles first..first+n-1 by the actions (u8) at `actions`; results are 16 bytes each: reward, lives, flags (1 game over, 2 truncated), frames. */
export function stepConsoles(first: i32, n: i32, actions: usize, results: usize): void {
  for (let i = 0; i < n; i++) {
    select(first + i);
    useAgent(current + blockBytes());
    const reward = stepAgent(legalAction(load<u8>(actions + i)));
    const result = results + (i << 4);
    store<i32>(result, reward);
    store<i32>(result, environment.lives, 4);
    store<i32>(result, environment.gameOver | (isTruncated() ? 2 : 0), 8);
    store<i32>(result, framesRun, 12);
  }
}
/** Selects a console and brings its whole block up to date: everything that its future depends on, at the address returned. */
export function flushConsole(index: i32): usize {
  select(index);
  flush();
  return current;
}
/** Takes a console's block as it was put at flushConsole()'s address, from another console of the same configuration too. */
export function reloadConsole(index: i32): void {
  select(index);
  reload();
}
/** Room for actions and results of a batch, after the last console. */
export function allocate(bytes: i32): usize {
  const start = (consoles + count * stride + 15) & ~15;
  const pages = <i32>((start + bytes + 0xffff) >> 16) - memory.size();
  if (pages > 0 && memory.grow(pages) < 0) return 0;
  return start;
}
