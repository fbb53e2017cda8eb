// Schedules: pure functions of a step count. The caller says what it counts (agent steps, updates).
import { requireFinite, requireInteger } from './errors.ts';

export type Schedule = (step: number) => number;

/** Always `value`. */
export function constantSchedule(value: number): Schedule {
  requireFinite('constantSchedule', value);
  return () => value;
}

/** Goes linearly from `from` to `to` over `duration` steps after `start`, and stays there. */
export function linearSchedule(config: {
  readonly from: number;
  readonly to: number;
  readonly duration: number;
  readonly start?: number;
}): Schedule {
  const { from, to, duration, start = 0 } = config;
  requireFinite('linearSchedule.from', from);
  requireFinite('linearSchedule.to', to);
  requireInteger('linearSchedule.duration', duration, 1);
  requireFinite('linearSchedule.start', start);
  return (step) => {
    const progress = Math.min(1, Math.max(0, (step - start) / duration));
    return from + (to - from) * progress;
  };
}

/**
 * Dopamine's epsilon: 1 during warm-up, then linearly down to `epsilon` over `decayPeriod`, as in the Nature DQN paper.
 * (dopamine/jax/agents/dqn/dqn_agent.py, `linearly_decaying_epsilon`.)
 */
export function linearlyDecayingEpsilon(decayPeriod: number, step: number, warmup: number, epsilon: number): number {
  const stepsLeft = decayPeriod + warmup - step;
  const bonus = ((1 - epsilon) * stepsLeft) / decayPeriod;
  return epsilon + Math.min(Math.max(bonus, 0), 1 - epsilon);
}
