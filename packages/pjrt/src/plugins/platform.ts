// A plugin that the user names must be one for the device that is asked for: else a run computes elsewhere than its records say.
import { PluginError } from '../errors.ts';
import { type DeviceChoice, deviceChoices } from './locate.ts';

/**
 * Compares the device that was asked for with what an opened plugin says it computes on. Platforms of no known name pass.
 * @throws PluginError where they differ
 */
export function requirePlatform(device: DeviceChoice, platform: string, plugin: string): void {
  if (platform === device || !(deviceChoices as readonly string[]).includes(platform)) return;
  throw new PluginError(`device is ${device}, but the plugin ${plugin} computes on ${platform}`);
}
