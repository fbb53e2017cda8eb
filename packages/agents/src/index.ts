// Public entry of @moe-rl/agents.

export { createProgramBatch, type ProgramBatch } from '@moe-rl/tfjs-graph';
export type {
  AdamConfig,
  AgentConfig,
  AuxiliaryLossesConfig,
  DropAndGrowConfig,
  EnvironmentDefaults,
  LearningConfig,
  OptimizerConfig,
  PrioritizedReplayConfig,
  PruningConfig,
  ReplayConfig,
  RmsPropConfig,
  RouterOptimizerConfig,
  SgdConfig,
  SparsityConfig,
  StaticMaskConfig,
  StatisticsConfig,
  UniformReplayConfig,
} from './config/agent-config.ts';
export { AGENT_SETTINGS } from './config/schema.ts';
export {
  AGENT_CONFIG_GROUPS,
  agentConfigJsonSchema,
  applyOverrides,
  type ConfigEntry,
  type ConfigOverrides,
  changeConfig,
  type DeepPartial,
  describeAgentConfig,
  mergeConfig,
  validateAgentConfig,
} from './config/validate.ts';
export * from './losses/index.ts';
export * from './networks/index.ts';
export * from './optimizers/index.ts';
export { BASE_CONFIG } from './presets/base.ts';
export { getPreset, listPresets, resolveAgentConfig } from './presets/presets.ts';
export * from './sparsity/index.ts';
export * from './statistics/index.ts';
export { auxiliaryLosses } from './value-agent/auxiliary-losses.ts';
export type { CompiledActingChoice } from './value-agent/compiled-acting.ts';
export { type CreateAgentOptions, createAgent } from './value-agent/create-agent.ts';
export {
  createValueAgent,
  createValueAgents,
  requireBatchable,
  requireLearnable,
  type ValueAgentOptions,
  type ValueAgentsOptions,
} from './value-agent/create-value-agent.ts';
export { updatesWithin } from './value-agent/schedule.ts';
export type { ValueAgent } from './value-agent/value-agent.ts';
export * from './variants/index.ts';
