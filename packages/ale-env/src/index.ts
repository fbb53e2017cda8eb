// The public surface of @moe-rl/ale-env.
export { type AtariConfig, DEFAULT_ATARI_CONFIG, type Preprocessing, resolveAtariConfig } from './atari-config.ts';
