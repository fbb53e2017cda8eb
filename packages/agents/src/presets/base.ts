// What all presets start from: the official DQN with the Nature network, which the settings' defaults are.
import { defaultSettings } from '@moe-rl/core';
import type { AgentConfig } from '../config/agent-config.ts';
import { AGENT_SETTINGS } from '../config/schema.ts';

/** Baseline DQN with the Nature network. */
export const BASE_CONFIG: AgentConfig = defaultSettings(AGENT_SETTINGS) as unknown as AgentConfig;
