// Sets up what a command works with, over everything registered.
import type { Agent } from '@moe-rl/core';
import {
  loadTrainedAgent as load,
  openSession as open,
  type RunConfig,
  type RunFolder,
  type Session,
} from '@moe-rl/runs';
import { registry } from './registry.ts';

/** Environment and agent of a run. */
export function openSession(folder: RunFolder, say: (line: string) => void, isResume = false): Promise<Session> {
  return open(folder, registry, say, isResume);
}

/** The agent of a run as its newest checkpoint has it, for evaluation: its replay memory is left on the disk. */
export function loadTrainedAgent(
  path: string,
  config: RunConfig,
  say: (line: string) => void,
): Promise<{ readonly agent: Agent; readonly checkpoint: string; dispose(): void }> {
  return load(path, config, registry, say);
}
