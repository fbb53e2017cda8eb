// Where everything lives. One console is *active* at a time: its state sits at fixed addresses (so that every access is one load with a
// constant address) and is copied to and from the console's own block when another one gets its turn: about 1.5 KB, once per agent step.
// The frame buffers and random streams stay in the console's block, the cartridge is shared by all consoles of the instance.

/** One page for code and data at 0x00..0xFF: bytes 0x80..0xFF are the RIOT's RAM. Guard pages of jam opcodes lie on both sides. */
const RAM_AREA: usize = memory.data(0x300, 256);
export const RAM_PAGE: usize = RAM_AREA + 0x100;
/** Code fetched from anything but ROM and RAM is copied here, one instruction at a time, between guard pages. */
const FETCH_AREA: usize = memory.data(0x300, 256);
export const FETCH_PAGE: usize = FETCH_AREA + 0x100;
/** Last value written to each TIA register (u16, 0x100 = unknown): a write of the same value again is dropped. */
export const SHADOW: usize = memory.data(128, 16);

/** The part of a console that is saved and restored. */
const SAVED: usize = memory.data(704, 16);
/** The part that follows from it: object masks. */
const DERIVED: usize = memory.data(640, 16);

/** Cartridge banks as the interpreter sees them: 4 KiB each, 0x1100 apart, guard pages of jam opcodes between. All above RAM_PAGE. */
export const BANK_STRIDE: usize = 0x1100;
export const ROM_AREA_BYTES: usize = 0x11200;
const ROM_AREA: usize = memory.data(0x11200, 256);
export const ROM_BANKS: usize = ROM_AREA + 0x100;
/** The cartridge file as it came. */
export const ROM_FILE: usize = memory.data(0x80000, 16);
export const MAXIMUM_ROM_BYTES: i32 = 0x80000;
/** RAM of cartridges that have more than 128 bytes, of the active console. */
export const CARTRIDGE_RAM_BYTES: usize = 0x8000;
export const CARTRIDGE_RAM: usize = memory.data(0x8000, 16);

@unmanaged
export class Cpu {
  pc: i32;
  a: i32;
  x: i32;
  y: i32;
  sp: i32;
  nr: i32;
  zr: i32;
  c: i32;
  v: i32;
  d: i32;
  i: i32;
  /** Cycles since the frame's first line began (the line in which the last VSYNC ended). */
  cycles: i32;
  /** Cycles of that line that had passed when the frame began: ALE's counter is `cycles - frameOffset`. */
  frameOffset: i32;
  /** The byte that was on the bus last: code that is fetched from the TIA can see it. */
  bus: i32;
  /** 1 after a jam opcode: nothing is fetched any more until the next reset. */
  jammed: i32;
}

@unmanaged
export class Riot {
  timerValue: i32;
  timerShift: i32;
  timerSetCycle: i32;
  /** 1 once INTIM was read after expiry, and when. */
  readAfterExpiry: i32;
  expiryReadCycle: i32;
  ddra: i32;
  /** Pins: joysticks and paddle buttons; console switches. */
  swcha: i32;
  swchb: i32;
}

@unmanaged
export class Cartridge {
  /** Current bank, or slices: three of 1 KiB, 8 bits each (E0); one of 2 KiB and the number of a RAM window << 8 (E7, 3F, 3E). */
  select: i32;
  ram0: u64; ram1: u64; ram2: u64; ram3: u64; ram4: u64; ram5: u64; ram6: u64; ram7: u64;
  ram8: u64; ram9: u64; ram10: u64; ram11: u64; ram12: u64; ram13: u64; ram14: u64; ram15: u64;
  // DPC: 8 data fetchers
  tops0: u64;
  bottoms0: u64;
  counters0: u64;
  counters1: u64;
  flags0: u64;
  music: i32;
  random: i32;
  dpcCycles: i32;
  dpcRemainder: f64;
}

@unmanaged
export class Tia {
  frameEnded: i32;
  partialGrayed: i32;
  vsyncFinishClock: i32;
  /** Scanlines of the last complete frame; PAL loses color when they are odd. */
  scanlines: i32;
  colorLoss: i32;
  /** Pins: INPT4/5 (0 or 0x80); thresholds of the paddle inputs in cycles, -1 = never, -2 = at once. */
  inpt4: i32;
  inpt5: i32;
  paddle0: i32;
  paddle1: i32;
  paddle2: i32;
  paddle3: i32;
  dumping: i32;
  dumpEndCycle: i32;
  // ---- registers
  vblank: i32;
  colors: u32; // P0 P1 PF BK as written
  control: i32;
  reflect: i32; // the playfield's reflection as it acts now
  pf0: i32;
  pf1: i32;
  pf2: i32;
  nusiz0: i32;
  nusiz1: i32;
  reverse0: i32;
  reverse1: i32;
  graphic0: i32;
  graphic1: i32;
  delayed0: i32;
  delayed1: i32;
  delay0: i32;
  delay1: i32;
  missile0: i32;
  missile1: i32;
  ball: i32;
  delayedBall: i32;
  delayBall: i32;
  reset0: i32; // RESMP
  reset1: i32;
  /** Positions 0..159 and motion nibbles of P0 P1 M0 M1 BL. */
  x0: i32; x1: i32; x2: i32; x3: i32; x4: i32;
  motion0: i32; motion1: i32; motion2: i32; motion3: i32; motion4: i32;
  /** The first copy of a player is left out until the masks are refreshed. */
  suppress0: i32;
  suppress1: i32;
  collisions: i32;
  hmoveClock: i32;
  star: i32;
  starCounter: i32;
  // ---- drawing position
  drawnClock: i32; // nothing before this clock is drawn any more
  lineClock: i32; // clock at which the line being drawn starts; huge below the window
  row: i32; // its row in the frame buffer
  blank: i32; // the line's first 8 pixels are blanked by HMOVE
  blankNext: i32;
  /** Audio registers: AUDC0/1 AUDF0/1 AUDV0/1. */
  audio0: u32;
  audio1: u32;
  /** 1 while the first frame after a reset that met a partial frame waits for the window's first line, 2 from there on: see resetPicture. */
  late: i32;
}

@unmanaged
export class Environment {
  action: i32;
  strength: f32;
  paddleA: i32;
  paddleB: i32;
  frameNumber: i32;
  episodeFrameNumber: i32;
  mode: i32;
  difficulty: i32;
  systemDraws: i32;
  environmentDraws: i32;
  reward: i32;
  lives: i32;
  gameOver: i32;
  startLives: i32;
  paddleMaximum: i32;
  reserved: i32;
  rule0: i32; rule1: i32; rule2: i32; rule3: i32; rule4: i32; rule5: i32; rule6: i32; rule7: i32;
  rule8: i32; rule9: i32; rule10: i32; rule11: i32; rule12: i32; rule13: i32; rule14: i32; rule15: i32;
}

/** Derived: the objects' masks and what the line being drawn has seen of them. */
@unmanaged
export class Line {
  /** Objects whose mask in CURRENT is out of date, one bit each. */
  stale: i32;
  /** Something differs from the line before: it can't be copied. */
  changed: i32;
  collisionsChanged: i32;
  lastBlank: i32;
  /** The line has been cut: some objects changed in its visible part. */
  cut: i32;
  /** Pixels up to here are in the frame buffer. */
  drawn: i32;
  from0: i32; from1: i32; from2: i32; from3: i32; from4: i32; from5: i32;
  /** Current and other frame buffer. */
  front: usize;
  back: usize;
  /** Of how many pixels from the top some may be missing in the front and the other buffer, because frames were not drawn. */
  missing: i32;
  backMissing: i32;
  freshAgent: i32; // no step since the episode began
  /** Whether pixels are drawn this frame. */
  draw: i32;
  /** As `colors`, in the values that go to the frame buffer. */
  inks: u32;
  /** Objects whose mask in CURRENT may have pixels, and in EARLIER, one bit each: most lines have few. */
  filled: i32;
  earlierFilled: i32;
  /** Part of the frame, which goes on, was emulated without pixels. */
  undrawnPart: i32;
  /** In a batch that draws gray: both frame buffers hold colors all the same; somebody looks, so that they should go on to; frames of the last step. */
  colored: i32;
  watched: i32;
  stepFrames: i32;
  /** Where the last step's start is kept (0 or 1); it has to be run again; how many steps from now on are drawn as a whole. */
  stepSlot: i32;
  gap: i32;
  wholeSteps: i32;
}

const CPU_BYTES: usize = 64, RIOT_BYTES: usize = 32, CARTRIDGE_BYTES: usize = 208, TIA_BYTES: usize = 256, ENVIRONMENT_BYTES: usize = 128;
export const SAVED_BYTES: usize = CPU_BYTES + RIOT_BYTES + CARTRIDGE_BYTES + TIA_BYTES + ENVIRONMENT_BYTES;
export const cpu = changetype<Cpu>(SAVED);
export const riot = changetype<Riot>(SAVED + CPU_BYTES);
export const cartridge = changetype<Cartridge>(SAVED + CPU_BYTES + RIOT_BYTES);
export const tia = changetype<Tia>(SAVED + CPU_BYTES + RIOT_BYTES + CARTRIDGE_BYTES);
export const environment = changetype<Environment>(SAVED + CPU_BYTES + RIOT_BYTES + CARTRIDGE_BYTES + TIA_BYTES);
export const line = changetype<Line>(DERIVED);
/** Six 160-bit masks, 32 bytes each, of P0 P1 M0 M1 BL PF: as they are now, and the part of the line that earlier states drew. */
export const CURRENT: usize = DERIVED + 128;
export const EARLIER: usize = CURRENT + 192;
/** Of the frame buffer, the 16 bytes around the pixel up to which the line is drawn, as they were before. */
export const KEPT: usize = EARLIER + 192;
