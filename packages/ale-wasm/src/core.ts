// The WebAssembly core: compiled once, one instance per machine. It is embedded, so no file system and no fetch is needed.
import { decodeBase64 } from './base64.ts';
import { AleModeError, AlePlatformError } from './errors.ts';
import { fnv1a } from './fnv1a.ts';
import { CORE_WASM_BASE64 } from './generated/core-wasm.ts';

/** What assembly/index.ts exports. Booleans are 0 and 1, addresses bytes in `memory`. */
export interface CoreExports {
  readonly memory: WebAssembly.Memory;
  readonly table: WebAssembly.Table;
  /** First offset of a bank that is the cartridge's business. */
  readonly hotspots: WebAssembly.Global<'i32'>;
  setTranslating(on: number): void;
  entriesAddress(): number;
  missesAddress(): number;
  linkAddress(): number;
  ramPageAddress(): number;
  shadowAddress(): number;
  cpuAddress(): number;
  romBanksAddress(): number;
  initialize(): void;
  romAddress(): number;
  codeAddress(): number;
  codeCapacity(): number;
  insertRom(type: number, ram: number, bytes: number): void;
  setGame(
    firstLine: number,
    rows: number,
    blanks: number,
    tv: number,
    controllers: number,
    switches: number,
    paddleMaximum: number,
    legal: number,
    startingAt: number,
    startingCount: number,
  ): void;
  setSettings(
    frameSkip: number,
    repeat: number,
    maximumFrames: number,
    truncate: number,
    minimum: number,
    maximum: number,
  ): void;
  setRules(initial: number, rules: number, out: number, procedure: number): void;
  setBatch(frameSkip: number, poolFrames: number, stack: number, style: number, lifeLoss: number, gray: number): void;
  grayTableAddress(): number;
  maximumFrameSkip(): number;
  consoleBytes(): number;
  addConsole(): number;
  allocate(bytes: number): number;
  select(index: number): void;
  loadRom(seed: number, mode: number, difficulty: number): number;
  reset(): number;
  setDrawnFrames(frames: number): void;
  act(action: number, strength: number): number;
  lives(): number;
  gameOver(includeTruncation: number): number;
  truncated(): number;
  pal(): number;
  rows(): number;
  ramAddress(): number;
  setRam(index: number, value: number): void;
  screenAddress(): number;
  previousScreenAddress(): number;
  frameNumber(): number;
  episodeFrameNumber(): number;
  setMode(mode: number): void;
  setDifficulty(difficulty: number): void;
  mode(): number;
  difficulty(): number;
  samples(): number;
  savedStateBytes(): number;
  savedStateAddress(): number;
  restoreState(withRandom: number, seed: number): void;
  observationAddress(index: number): number;
  resetConsole(index: number, fillZero: number): number;
  watchConsole(index: number): void;
  colored(): number;
  observeConsole(index: number, fillZero: number): void;
  stepConsoles(first: number, count: number, actions: number, results: number): void;
  flushConsole(index: number): number;
  reloadConsole(index: number): void;
}

let compiled: WebAssembly.Module | undefined;

/** Names this build of the core: states that are memory as it is fit no other. */
export const CORE_BUILD: number = fnv1a(new TextEncoder().encode(CORE_WASM_BASE64));

const unusable = (cause: unknown) =>
  new AlePlatformError(
    `this runtime can't compile the emulator (WebAssembly with 128-bit SIMD is needed): ${cause instanceof Error ? cause.message : String(cause)}`,
  );

/**
 * Compiles the core in the background. Browsers' main threads may refuse to compile it otherwise; elsewhere it only saves the first machine a few milliseconds.
 * @throws AlePlatformError when the runtime has no WebAssembly with SIMD.
 */
export async function prepareCore(): Promise<void> {
  try {
    compiled ??= await WebAssembly.compile(decodeBase64(CORE_WASM_BASE64) as BufferSource);
  } catch (cause) {
    throw unusable(cause);
  }
}

/** A fresh instance. */
export function instantiateCore(): CoreExports {
  try {
    compiled ??= new WebAssembly.Module(decodeBase64(CORE_WASM_BASE64) as BufferSource);
    const core = new WebAssembly.Instance(compiled, {}).exports as unknown as CoreExports;
    core.initialize();
    return core;
  } catch (cause) {
    throw unusable(cause);
  }
}

/** Turns a failed reset into its error. */
export function requireMode(failed: number, game: string, mode: number): void {
  if (failed)
    throw new AleModeError(
      `game ${game}: mode ${mode} could not be selected, because the console's RAM holds what the game never writes there`,
    );
}
