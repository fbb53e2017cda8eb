// When an agent explores, learns and copies to its target network, as functions of how far training is.
import { type ActMode, linearlyDecayingEpsilon } from '@moe-rl/core';
import type { LearningConfig } from '../config/agent-config.ts';

/** Probability of a random action after `trainingAgentSteps`. */
export function explorationRate(config: LearningConfig, mode: ActMode, trainingAgentSteps: number): number {
  const { epsilonEvaluate, epsilonSchedule, epsilonTrain, epsilonDecayPeriodAgentSteps, minReplayHistoryAgentSteps } =
    config;
  if (mode === 'evaluate') return epsilonEvaluate;
  if (epsilonSchedule === 'zero') return 0;
  if (epsilonSchedule === 'constant') return epsilonTrain!;
  return linearlyDecayingEpsilon(
    epsilonDecayPeriodAgentSteps!,
    trainingAgentSteps,
    minReplayHistoryAgentSteps,
    epsilonTrain!,
  );
}

/** What is due at one agent step: so many updates, then perhaps a copy to the target network. */
export interface DueWork {
  readonly updates: number;
  readonly syncsTarget: boolean;
}

/**
 * What is due at agent step `step` (from 0), after `transitions` have been stored: nothing until they exceed the minimal history (strictly); from then on
 * both periods are those of the agent steps, not of the first update.
 */
export function dueWork(config: LearningConfig, step: number, transitions: number): DueWork {
  if (transitions <= config.minReplayHistoryAgentSteps) return { updates: 0, syncsTarget: false };
  return {
    updates: step % config.updatePeriodAgentSteps === 0 ? config.updatesPerPeriod : 0,
    syncsTarget: step % config.targetUpdatePeriodAgentSteps === 0,
  };
}
