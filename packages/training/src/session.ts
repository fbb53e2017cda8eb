// Sets up what a command works with, over everything registered.
import type { Agent } from '@moe-rl/core';
import {
  type AgentBatch,
  type BatchMember,
  type BatchRequest,
  loadTrainedAgent as load,
  openSession as open,
  openAgentBatch as openBatch,
  type RunConfig,
  type RunFolder,
  type Session,
} from '@moe-rl/runs';
import { registry } from './registry.ts';

/** Environment and agent of a run. */
export function openSession(
  folder: RunFolder,
  say: (line: string) => void,
  isResume = false,
  member?: BatchMember,
): Promise<Session> {
  return open(folder, registry, say, isResume, member);
}

/**
 * Opens a batch for runs of one configuration that differ in their seeds.
 * @throws InvalidArgumentError for a size below 1, and naming what stands against it: a kind of agents that run alone, a backend, a router
 */
export function openAgentBatch(request: BatchRequest): Promise<AgentBatch> {
  return openBatch(request, registry);
}

/** The agent of a run as its newest checkpoint has it, for evaluation: its replay memory is left on the disk. */
export function loadTrainedAgent(
  path: string,
  config: RunConfig,
  say: (line: string) => void,
): Promise<{ readonly agent: Agent; readonly checkpoint: string; dispose(): void }> {
  return load(path, config, registry, say);
}
