// The short way to an agent: a preset's name and an environment.
import { requireKnownOptions } from '@moe-rl/core';
import type { ProgramMode } from '@moe-rl/tfjs-graph';
import type { AgentConfig } from '../config/agent-config.ts';
import { type ConfigOverrides, type DeepPartial, mergeConfig } from '../config/validate.ts';
import { resolveAgentConfig } from '../presets/presets.ts';
import { createValueAgent, type ValueAgentOptions } from './create-value-agent.ts';
import type { ValueAgent } from './value-agent.ts';

export interface CreateAgentOptions {
  /** What the agent will see and do: an `Environment` is one. */
  readonly environment: ValueAgentOptions['environment'];
  /** Seed of every random stream of the agent. Default 0. */
  readonly seed?: number;
  /** `auto` (default): recorded where the backend can, else eager. */
  readonly mode?: ProgramMode;
  /** From which agent step on acting is compiled by XLA: `never` (default), `auto` or a step. */
  readonly compiledActing?: ValueAgentOptions['compiledActing'];
  /** Changes as a nested object: `{ agent: { batchSize: 64 } }`. */
  readonly changes?: DeepPartial<AgentConfig>;
  /** Changes by dotted path: `{ 'agent.batchSize': 64 }`. */
  readonly overrides?: ConfigOverrides;
}

const OPTIONS: readonly (keyof CreateAgentOptions)[] = [
  'environment',
  'seed',
  'mode',
  'compiledActing',
  'changes',
  'overrides',
];

/**
 * Creates an agent from a preset's name, or from a whole configuration.
 * @throws NotFoundError for an unknown preset or setting, InvalidArgumentError for a bad value or an option that is unknown; all name it
 */
export async function createAgent(
  presetOrConfig: string | AgentConfig,
  options: CreateAgentOptions,
): Promise<ValueAgent> {
  requireKnownOptions('createAgent', options, OPTIONS);
  const { environment, seed, mode, compiledActing, changes, overrides } = options;
  const preset = resolveAgentConfig(presetOrConfig);
  const config = resolveAgentConfig(changes === undefined ? preset : mergeConfig(preset, changes), overrides);
  return createValueAgent({
    config,
    environment,
    ...(seed === undefined ? {} : { seed }),
    ...(mode === undefined ? {} : { mode }),
    ...(compiledActing === undefined ? {} : { compiledActing }),
  });
}
