// Where moe-rl keeps what it fetched or compiled and can fetch or compile again.
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** The cache folder of moe-rl: `MOE_RL_CACHE`, else `moe-rl` in `XDG_CACHE_HOME`, else `~/.cache/moe-rl`. */
export function cacheDirectory(environment: NodeJS.ProcessEnv = process.env): string {
  if (environment.MOE_RL_CACHE) return resolve(environment.MOE_RL_CACHE);
  if (environment.XDG_CACHE_HOME) return resolve(environment.XDG_CACHE_HOME, 'moe-rl');
  return join(homedir(), '.cache', 'moe-rl');
}
