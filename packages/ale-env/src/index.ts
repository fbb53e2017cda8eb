// The public surface of @moe-rl/ale-env: runs anywhere. Finding ROMs and worker pools are in `@moe-rl/ale-env/node`.
export { type AtariConfig, DEFAULT_ATARI_CONFIG, type Preprocessing, resolveAtariConfig } from './atari-config.ts';
export { AtariEnvironment, type MakeAtariOptions, makeAtari, type ResolvedGame } from './atari-environment.ts';
export {
  AtariVectorEnvironment,
  type MakeAtariVectorOptions,
  makeAtariVector,
} from './atari-vector-environment.ts';
export { EMBEDDED_GAME_NAME, findGame, gameNames } from './games.ts';
export { identifyRom } from './identify-rom.ts';
