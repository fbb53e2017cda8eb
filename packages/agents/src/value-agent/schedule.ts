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

const NOTHING: DueWork = { updates: 0, syncsTarget: false };

/**
 * What is due at agent step `step`, when `transitions` are stored. Agent step t is the moment after the t-th transition and before the next action, as in the
 * official code. Nothing is due until the transitions exceed the minimal history (strictly); from then on both periods count agent steps, so their phase is not
 * that of the first update.
 */
export function dueWork(config: LearningConfig, step: number, transitions: number): DueWork {
  return transitions <= config.minReplayHistoryAgentSteps ? NOTHING : dueOffline(config, step);
}

/** Updates in so many agent steps: those of `dueWork`, or those of `dueOffline` where a dataset is learned from. */
export function updatesWithin(config: LearningConfig, agentSteps: number, source: 'environment' | 'dataset'): number {
  const { updatePeriodAgentSteps: period, minReplayHistoryAgentSteps: history, updatesPerPeriod } = config;
  const times =
    source === 'dataset'
      ? Math.ceil(agentSteps / period)
      : Math.max(0, Math.floor(agentSteps / period) - Math.floor(history / period));
  return times * updatesPerPeriod;
}

/** As `dueWork` for learning from a dataset, where no history has to be collected: step 0 learns and copies. */
export function dueOffline(config: LearningConfig, step: number): DueWork {
  return {
    updates: step % config.updatePeriodAgentSteps === 0 ? config.updatesPerPeriod : 0,
    syncsTarget: step % config.targetUpdatePeriodAgentSteps === 0,
  };
}
