// Saved states: the saved part of a console, its RAM and sound, the cartridge's RAM where it is large. Random streams are kept as counts of draws. Whatever bytes come in, what comes
// out is a console that runs: every value that selects memory is brought into its range.
import { CARTRIDGE_RAM, CARTRIDGE_RAM_BYTES, RAM_PAGE, SAVED_BYTES, Tia, cpu, environment, line, riot, tia } from './state';
import { AUDIO, AUDIO_BYTES, repairAudio } from './audio';
import { largeRamBytes, repairCartridge } from './cartridge';
import { refreshInks } from './console';
import { replayStreams, replaySystem } from './random';
import { forgetShadows, traceAccesses } from './tia-registers';
import { STALE_ALL, position, setPosition } from './tia-objects';
import { resumePicture } from './tia-line';

const HEADER: usize = 8; // of drawing: pixels of the current line that are drawn already
const WITHOUT_CARTRIDGE: i32 = <i32>(SAVED_BYTES + HEADER + 128 + AUDIO_BYTES);
export function savedBytes(): i32 { return WITHOUT_CARTRIDGE + largeRamBytes; }
const BUFFER: usize = memory.data(1024 + <i32>CARTRIDGE_RAM_BYTES, 16);
const MAXIMUM_DRAWS = 100000000;

export function writeSavedState(): usize {
  memory.copy(BUFFER, changetype<usize>(cpu), SAVED_BYTES);
  memory.copy(BUFFER + SAVED_BYTES, RAM_PAGE + 0x80, 128);
  memory.copy(BUFFER + SAVED_BYTES + 128, AUDIO, AUDIO_BYTES);
  store<i32>(BUFFER + SAVED_BYTES + 128 + AUDIO_BYTES, line.drawn);
  store<i32>(BUFFER + SAVED_BYTES + 128 + AUDIO_BYTES, line.lastBlank, 4);
  memory.copy(BUFFER + WITHOUT_CARTRIDGE, CARTRIDGE_RAM, largeRamBytes);
  return BUFFER;
}

export function readSavedState(withRandom: bool, seed: u32): void {
  const draws = environment.environmentDraws, systemDraws = environment.systemDraws;
  const action = environment.action, strength = environment.strength;
  memory.copy(changetype<usize>(cpu), BUFFER, SAVED_BYTES);
  memory.copy(RAM_PAGE + 0x80, BUFFER + SAVED_BYTES, 128);
  memory.copy(AUDIO, BUFFER + SAVED_BYTES + 128, AUDIO_BYTES);
  memory.copy(CARTRIDGE_RAM, BUFFER + WITHOUT_CARTRIDGE, largeRamBytes);
  repair();
  if (withRandom) replayStreams(environment.systemDraws, seed, environment.environmentDraws);
  else {
    replaySystem(environment.systemDraws, systemDraws);
    environment.environmentDraws = draws;
    environment.action = action;
    environment.strength = strength;
  }
  resumePicture(load<i32>(BUFFER + SAVED_BYTES + 128 + AUDIO_BYTES), load<i32>(BUFFER + SAVED_BYTES + 128 + AUDIO_BYTES, 4));
  // The frame goes on in a buffer that may lack what it began with.
  line.undrawnPart = i32(!tia.frameEnded && line.missing > 0);
  line.stale = STALE_ALL;
  forgetShadows();
  traceAccesses(false);
  refreshInks();
  cpu.bus = load<u8>(RAM_PAGE + 0xff); // ALE reads all of RAM then
}

@inline function within(value: i32, least: i32, most: i32): i32 { return max(least, min(most, value)); }
function repair(): void {
  cpu.pc &= 0xffff; cpu.bus &= 0xff; cpu.jammed &= 1;
  cpu.a &= 0xff; cpu.x &= 0xff; cpu.y &= 0xff; cpu.sp &= 0xff;
  cpu.c &= 1; cpu.d &= 1; cpu.i &= 1;
  cpu.cycles = within(cpu.cycles, 0, 0x1000000);
  cpu.frameOffset = within(cpu.frameOffset, 0, 75);
  riot.timerShift = within(riot.timerShift, 0, 10);
  riot.timerValue &= 0xff;
  riot.swcha &= 0xff; riot.swchb &= 0xff; riot.ddra &= 0xff;
  tia.scanlines = within(tia.scanlines, 0, 0x1000000);
  tia.colorLoss &= 1;
  tia.late = within(tia.late, 0, 2);
  tia.inpt4 &= 0x80; tia.inpt5 &= 0x80;
  tia.control &= 0xff; tia.reflect &= 1;
  tia.pf0 &= 0xff; tia.pf1 &= 0xff; tia.pf2 &= 0xff;
  tia.nusiz0 &= 0xff; tia.nusiz1 &= 0xff;
  tia.reverse0 &= 1; tia.reverse1 &= 1;
  tia.graphic0 &= 0xff; tia.graphic1 &= 0xff; tia.delayed0 &= 0xff; tia.delayed1 &= 0xff;
  for (let i = 0; i < 5; i++) {
    setPosition(i, within(position(i), 0, 159));
    const motion = changetype<usize>(tia) + offsetof<Tia>('motion0') + (i << 2);
    store<i32>(motion, load<i32>(motion) & 15);
  }
  tia.collisions &= 0x7fff;
  tia.hmoveClock = within(tia.hmoveClock, -0x10000000, 0x10000000);
  tia.starCounter &= 3;
  tia.drawnClock = within(tia.drawnClock, 0, 0x10000000);
  tia.vsyncFinishClock = max(tia.vsyncFinishClock, -0x40000000);
  environment.action = within(environment.action, 0, 17);
  if (!(environment.strength >= -1 && environment.strength <= 1)) environment.strength = 1;
  environment.systemDraws = within(environment.systemDraws, 0, MAXIMUM_DRAWS);
  environment.environmentDraws = within(environment.environmentDraws, 0, MAXIMUM_DRAWS);
  environment.paddleA = within(environment.paddleA, 0, 10000000);
  environment.paddleB = within(environment.paddleB, 0, 10000000);
  repairCartridge();
  repairAudio();
}
