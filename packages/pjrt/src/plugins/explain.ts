// Says which plugins are there, which are not, and what is missing. Downloads and loads nothing.
import { existsSync } from 'node:fs';
import { findWheelTool } from '@moe-rl/core/node';
import { sizeOf } from './install.ts';
import { AMD_DEVICE, libraryOf, nvidiaDriverVersion, PLUGIN_VARIABLE, pluginOfUser, releaseFolder } from './locate.ts';
import { findRelease, type PluginName, pluginNames } from './versions.ts';

/** One plugin, and whether it can be used. */
export interface PluginExplanation {
  readonly name: PluginName | 'user';
  /** `found`: in the cache. `can be fetched`. `unavailable`: see `reason`. */
  readonly state: 'found' | 'can be fetched' | 'unavailable';
  /** Where it is, how large it is, or what is missing. */
  readonly reason: string;
}

/** One row per plugin; first the user's own, where `MOE_RL_PJRT_PLUGIN` names one. */
export function explainPlugins(): PluginExplanation[] {
  return [...explainOwn(), ...pluginNames.map(explain)];
}

function explainOwn(): PluginExplanation[] {
  try {
    const path = pluginOfUser();
    return path === undefined ? [] : [{ name: 'user', state: 'found', reason: `${PLUGIN_VARIABLE}: ${path}` }];
  } catch (error) {
    return [{ name: 'user', state: 'unavailable', reason: (error as Error).message }];
  }
}

function explain(name: PluginName): PluginExplanation {
  const release = findRelease(name);
  if (release === undefined) {
    const reason = `there is none for ${process.platform}-${process.arch} that is known to compute right numbers`;
    return { name, state: 'unavailable', reason };
  }
  const device = deviceObstacle(name);
  if (existsSync(libraryOf(release))) {
    const where = `version ${release.version} for ${release.device}, in ${releaseFolder(release)}`;
    return device === undefined
      ? { name, state: 'found', reason: where }
      : { name, state: 'unavailable', reason: `${device} (the plugin is there: ${where})` };
  }
  if (device !== undefined) return { name, state: 'unavailable', reason: device };
  if (findWheelTool() === undefined) {
    return {
      name,
      state: 'unavailable',
      reason: 'neither pip nor uv was found to fetch it: install Python 3 with pip, or uv',
    };
  }
  return {
    name,
    state: 'can be fetched',
    reason: `version ${release.version} for ${release.device}: ${sizeOf(release)}`,
  };
}

function deviceObstacle(name: PluginName): string | undefined {
  if (name === 'cpu') return undefined;
  if (name === 'rocm7') return existsSync(AMD_DEVICE) ? undefined : `no AMD GPU was found (there is no ${AMD_DEVICE})`;
  const driver = nvidiaDriverVersion();
  if (driver === undefined) return 'no NVIDIA GPU was found: its driver shows none';
  const least = name === 'cuda13' ? 580 : 525;
  return driver >= least ? undefined : `NVIDIA's driver has version ${driver}; ${least} or newer is needed`;
}
