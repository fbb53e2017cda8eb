// The public surface of @moe-rl/ale-wasm.
export { Ale, type AleConfig, RAM_BYTES, SCREEN_WIDTH, SOUND_SAMPLE_RATE_HERTZ, SOUND_SAMPLES } from './ale.ts';
export {
  AleBatch,
  type AleBatchConfig,
  OBSERVATION_BYTES,
  OBSERVATION_SIDE,
  type ObservationStyle,
} from './ale-batch.ts';
export { detectCartridge } from './cartridges.ts';
export { prepareCore } from './core.ts';
export { AleArgumentError, AleError, AleModeError, AlePlatformError, AleRomError, AleStateError } from './errors.ts';
export {
  ACTION_NAMES,
  type ActionName,
  type CartridgeType,
  defineGame,
  type Game,
  type GameDescription,
} from './game.ts';
export { describeHomebrew, type HomebrewOptions } from './homebrew.ts';
export type { AleSettings } from './machine.ts';
export { md5 } from './md5.ts';
export { PALETTES, type Palette } from './palette.ts';
export type { ModeStep, RuleDescription, RuleExpression, RuleProgram } from './rules-compiler.ts';
