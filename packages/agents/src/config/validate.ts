// Checks configurations and lays changes over them. Unknown settings, and those that do not apply, are refused; every error names the path and the value.
import {
  describeSettings,
  InvalidArgumentError,
  type JsonSchema,
  resolveSettings,
  type SettingEntry,
  type SettingOverrides,
  type SettingsTree,
  settingsJsonSchema,
  validateSettings,
} from '@moe-rl/core';
import type { AgentConfig } from './agent-config.ts';
import { AGENT_SETTINGS } from './schema.ts';

/** A tree with every value optional, for changing a few. */
export type DeepPartial<T> = T extends readonly unknown[] | string | number | boolean
  ? T
  : { readonly [K in keyof T]?: DeepPartial<T[K]> };

/** Values by dotted path, as `--set` gives them: `{ 'agent.batchSize': '64' }`. Texts are read as the setting's kind. */
export type ConfigOverrides = SettingOverrides;

/** One value of the configuration, for help texts. */
export type ConfigEntry = SettingEntry;

/**
 * Checks a whole configuration (for instance read from a run folder) and returns it.
 * @throws InvalidArgumentError naming the path of the first value that is missing, unknown, out of range or does not apply
 */
export function validateAgentConfig(value: unknown): AgentConfig {
  const config = validateSettings(AGENT_SETTINGS, value) as unknown as AgentConfig;
  const { agent, network, replay, sparsity } = config;
  const refuse = (path: string, found: unknown, expected: string): never => {
    throw new InvalidArgumentError(`${path} is ${String(found)}; expected ${expected}`);
  };
  if (agent.atoms > 1 && agent.minimumValue! >= agent.maximumValue!) {
    refuse('agent.minimumValue', agent.minimumValue, `less than agent.maximumValue, ${agent.maximumValue}`);
  }
  if (agent.dataAugmentation && network.encoder.type === 'perceptron') {
    refuse(
      'agent.dataAugmentation',
      true,
      'false where network.encoder.type is "perceptron", which sees numbers in a row and no images',
    );
  }
  const { router, experts } = network.moe;
  if ('k' in router && typeof router.k === 'number' && router.k > experts!) {
    refuse('network.moe.router.k', router.k, `at most network.moe.experts, ${experts}`);
  }
  if (sparsity.method === 'pruning' && sparsity.startUpdates >= sparsity.endUpdates) {
    refuse('sparsity.startUpdates', sparsity.startUpdates, `less than sparsity.endUpdates, ${sparsity.endUpdates}`);
  }
  if (
    (sparsity.method === 'set' || sparsity.method === 'rigl') &&
    sparsity.updatePeriodUpdates >= sparsity.endUpdates
  ) {
    const { updatePeriodUpdates, endUpdates } = sparsity;
    refuse(
      'sparsity.updatePeriodUpdates',
      updatePeriodUpdates,
      `less than sparsity.endUpdates, ${endUpdates}: the masks would never change`,
    );
  }
  const needed = agent.batchSize + agent.updateHorizon;
  if (replay.capacity <= needed) {
    refuse('replay.capacity', replay.capacity, `more than agent.batchSize + agent.updateHorizon, ${needed}`);
  }
  return config;
}

/**
 * A copy of `config` with values replaced by nested objects; later ones win. A change of a type (`router: { type: 'soft' }`) brings that type's defaults.
 * @throws InvalidArgumentError naming the path of a value that is unknown, out of range or does not apply
 */
export function mergeConfig(config: AgentConfig, ...changes: readonly DeepPartial<AgentConfig>[]): AgentConfig {
  return validateAgentConfig(resolveSettings(AGENT_SETTINGS, asTree(config), { nested: changes }));
}

/**
 * A copy of `config` with values replaced by dotted path. Texts become what the setting is: `'64'` a number, `'true'` a boolean, `'1,2'` numbers.
 * @throws NotFoundError for an unknown path, with the nearest that exist; InvalidArgumentError for a bad value or one that does not apply
 */
export function applyOverrides(config: AgentConfig, overrides: ConfigOverrides): AgentConfig {
  return validateAgentConfig(resolveSettings(AGENT_SETTINGS, asTree(config), { paths: overrides }));
}

/**
 * A copy of `config` with nested changes and then changes by path laid over it at once, so that a type may come from one and its settings from the other.
 * @throws NotFoundError for an unknown path; InvalidArgumentError for a bad value or one that does not apply
 */
export function changeConfig(
  config: AgentConfig,
  changes: { readonly nested?: readonly object[]; readonly paths?: ConfigOverrides },
): AgentConfig {
  return validateAgentConfig(resolveSettings(AGENT_SETTINGS, asTree(config), changes));
}

/** Settings by path, in order: all there are, or exactly those that `config` takes. */
export function describeAgentConfig(config?: AgentConfig): readonly ConfigEntry[] {
  return describeSettings(AGENT_SETTINGS, config === undefined ? undefined : asTree(config));
}

/** Names of the groups of settings: `network`, `agent`, `optimizer`, ... */
export const AGENT_CONFIG_GROUPS: readonly (keyof AgentConfig)[] = Object.keys(
  AGENT_SETTINGS.fields,
) as (keyof AgentConfig)[];

/** JSON Schema of the agent's part of a configuration file, for editors. */
export function agentConfigJsonSchema(): JsonSchema {
  return settingsJsonSchema(AGENT_SETTINGS);
}

function asTree(config: AgentConfig): SettingsTree {
  return config as unknown as SettingsTree;
}
