// Watches a run's steps and turns them into metric rows: one per episode, and one per logging period with the means of what the agent reported.
// Its state is part of a checkpoint, so a resumed run writes the rows that the uninterrupted one would have written.

import type { MetricRow } from '@moe-rl/core';
import { type AgentMetrics, CheckpointError, InvalidArgumentError, type RunStep, type StateTree } from '@moe-rl/core';

const RETURN_WINDOW_EPISODES = 100;

export interface RunStatistics {
  /** Takes in one step; returns the rows that are due after it. */
  onStep(step: RunStep, agentSteps: number): readonly MetricRow[];
  readonly episodes: number;
  /** Mean return over the last 100 episodes; NaN before the first one ended. */
  meanReturn(): number;
  /** Newest value of a metric the agent reported, if any. */
  latest(tag: string): number | undefined;
  /** Training time in seconds, earlier sessions included, time out left out. */
  elapsedSeconds(): number;
  /** Takes what `work` takes (an evaluation) out of training time and speeds. */
  timeOut<T>(work: () => Promise<T>): Promise<T>;
  getState(): StateTree;
  setState(state: StateTree): void;
}

/** @throws InvalidArgumentError for a metric that is no number: its mean would be NaN, and nobody would know why; or that is called as a row's own field */
export function requireMetric(tag: string, value: unknown): void {
  if (tag === 'agentSteps') {
    throw new InvalidArgumentError('a metric is called "agentSteps", as the steps of every row; expected noun/measure');
  }
  if (typeof value === 'number') return;
  throw new InvalidArgumentError(`the metric ${tag} is ${JSON.stringify(value)}; expected a number`);
}

/** @param probe reads what isn't in the steps: updates made so far and the number of live tensors. */
export function createRunStatistics(
  logPeriodAgentSteps: number,
  probe: () => { readonly updates: number; readonly tensorCount?: number },
): RunStatistics {
  let episodes = 0;
  let returns: number[] = [];
  let sums: Record<string, { sum: number; count: number }> = {};
  let latest: Record<string, number> = {};
  let earlierSeconds = 0;
  let started = performance.now();
  let rowTime = started;
  let rowAgentSteps: number | undefined;
  let rowUpdates = probe().updates;

  const elapsedSeconds = (): number => earlierSeconds + (performance.now() - started) / 1000;
  const meanReturn = (): number => returns.reduce((sum, value) => sum + value, 0) / returns.length;
  const note = (metrics: AgentMetrics): void => {
    for (const [tag, value] of Object.entries(metrics)) {
      requireMetric(tag, value);
      const { sum, count } = sums[tag] ?? { sum: 0, count: 0 };
      sums[tag] = { sum: sum + value, count: count + 1 };
      latest[tag] = value;
    }
  };
  const periodRow = (agentSteps: number): MetricRow => {
    const { updates, tensorCount } = probe();
    const now = performance.now();
    const seconds = Math.max(1e-9, (now - rowTime) / 1000);
    const values: Record<string, number> = { 'train/updates': updates, 'episode/count': episodes };
    for (const [tag, { sum, count }] of Object.entries(sums)) values[tag] = sum / count;
    if (returns.length > 0) values['train/meanReturn'] = meanReturn();
    values['speed/agentStepsPerSecond'] = (agentSteps - (rowAgentSteps ?? 0)) / seconds;
    values['speed/updatesPerSecond'] = (updates - rowUpdates) / seconds;
    values['time/elapsedSeconds'] = elapsedSeconds();
    values['process/residentBytes'] = process.memoryUsage.rss();
    if (tensorCount !== undefined) values['process/tensorCount'] = tensorCount;
    rowTime = now;
    rowAgentSteps = agentSteps;
    rowUpdates = updates;
    sums = {};
    return { agentSteps, values };
  };

  return {
    get episodes() {
      return episodes;
    },
    meanReturn,
    latest: (tag) => latest[tag],
    elapsedSeconds,
    async timeOut(work) {
      const before = performance.now();
      try {
        return await work();
      } finally {
        const milliseconds = performance.now() - before;
        started += milliseconds;
        rowTime += milliseconds;
      }
    },
    onStep(step, agentSteps) {
      rowAgentSteps ??= agentSteps - 1;
      if (step.metrics !== undefined) note(step.metrics);
      const ended = step.terminated || step.truncated;
      const isDue = agentSteps % logPeriodAgentSteps === 0;
      if (!ended && !isDue) return [];
      const rows: MetricRow[] = [];
      if (ended) {
        episodes++;
        returns.push(step.episodeReturn);
        if (returns.length > RETURN_WINDOW_EPISODES) returns.shift();
        rows.push({
          agentSteps,
          values: {
            'episode/return': step.episodeReturn,
            'episode/lengthAgentSteps': step.episodeAgentSteps,
            'episode/count': episodes,
          },
        });
      }
      if (isDue) rows.push(periodRow(agentSteps));
      return rows;
    },
    getState: () => ({
      episodes,
      returns: [...returns],
      sums: structuredClone(sums),
      latest: { ...latest },
      elapsedSeconds: elapsedSeconds(),
    }),
    setState(state) {
      if (typeof state.episodes !== 'number' || !Array.isArray(state.returns)) {
        throw new CheckpointError('the checkpoint holds no run statistics');
      }
      episodes = state.episodes;
      returns = [...(state.returns as number[])];
      sums = structuredClone(state.sums) as typeof sums;
      latest = { ...(state.latest as Record<string, number>) };
      earlierSeconds = Number(state.elapsedSeconds);
      // What it took to put the run back is part of the pause.
      started = performance.now();
      rowTime = started;
      rowUpdates = probe().updates;
    },
  };
}
