// Where plugins lie: a file that the user names, or the cache folder.
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { InvalidArgumentError } from '@moe-rl/core';
import { cacheDirectory, tryRun } from '@moe-rl/core/node';
import { PluginError } from '../errors.ts';
import { findRelease, type PluginName, type PluginRelease } from './versions.ts';

/** Names a shared library to be used in place of those that are fetched. */
export const PLUGIN_VARIABLE = 'MOE_RL_PJRT_PLUGIN';

/** What is asked for: the processor, NVIDIA's GPU (CUDA 12 or 13 by the driver), AMD's GPU. */
export const deviceChoices = ['cpu', 'cuda', 'rocm'] as const;
export type DeviceChoice = (typeof deviceChoices)[number];

/** Folder of everything that this package keeps. */
export function pjrtFolder(): string {
  return join(cacheDirectory(), 'pjrt');
}

/** Folder of an unpacked plugin, whether it is there or not. */
export function releaseFolder({ name, version }: PluginRelease): string {
  return join(pjrtFolder(), `${name}-${version}-${process.platform}-${process.arch}`);
}

/** The plugin's file, whether it is there or not. */
export function libraryOf(release: PluginRelease): string {
  return join(releaseFolder(release), release.library);
}

/**
 * The plugin for a device here.
 * @throws PluginError when there is none for this platform
 */
export function releaseFor(device: DeviceChoice): PluginRelease {
  const name = pluginNameFor(device);
  const release = findRelease(name);
  if (release !== undefined) return release;
  throw new PluginError(
    `there is no PJRT plugin "${name}" for ${process.platform}-${process.arch} that is known to compute right numbers; one of your own can be named by ${PLUGIN_VARIABLE}`,
  );
}

function pluginNameFor(device: DeviceChoice): PluginName {
  if (device === 'cpu') return 'cpu';
  if (device === 'rocm') return 'rocm7';
  const driver = nvidiaDriverVersion();
  return driver !== undefined && driver < FIRST_DRIVER_OF_CUDA_13 ? 'cuda12' : 'cuda13';
}

/** The devices that this machine shows; nothing is loaded. */
export function devicesHere(): DeviceChoice[] {
  const isHere = { cpu: true, cuda: nvidiaDriverVersion() !== undefined, rocm: existsSync(AMD_DEVICE) };
  return deviceChoices.filter((device) => isHere[device]);
}

/** What AMD's driver makes. */
export const AMD_DEVICE = '/dev/kfd';

const FIRST_DRIVER_OF_CUDA_13 = 580;

/** Major version of NVIDIA's driver; undefined where there is none. */
export function nvidiaDriverVersion(): number | undefined {
  for (const text of driverDescriptions()) {
    const version = driverVersionIn(text);
    if (version !== undefined) return version;
  }
  return undefined;
}

/** What the driver says of itself, by whoever can be asked: a container may hide its files, and nvidia-smi's table has had other headings. */
function* driverDescriptions(): Generator<string> {
  const path = '/proc/driver/nvidia/version';
  if (existsSync(path)) yield readFileSync(path, 'utf8');
  yield tryRun(['nvidia-smi'], []).output;
  const { ok, printed } = tryRun(['nvidia-smi'], ['--query-gpu=driver_version', '--format=csv,noheader']);
  if (ok) yield `Driver Version: ${printed}`;
}

/** Major version of NVIDIA's driver in what its kernel module (closed or open) or nvidia-smi says of itself. */
export function driverVersionIn(text: string): number | undefined {
  const version = /(?:Kernel Module\b.*?\s|Driver Version:\s*)(\d+)\.\d+/.exec(text)?.[1];
  return version === undefined ? undefined : Number(version);
}

/**
 * The plugin that the user names in the environment.
 * @throws InvalidArgumentError when there is no such file
 */
export function pluginOfUser(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const given = environment[PLUGIN_VARIABLE];
  if (given === undefined || given === '') return undefined;
  // A bare file name would be looked for in the system's folders of libraries.
  const path = resolve(given);
  if (!existsSync(path)) throw new InvalidArgumentError(`${PLUGIN_VARIABLE} is "${path}"; there is no such file`);
  return path;
}
