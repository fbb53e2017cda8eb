// Runs small enough for tests, and what tests ask of them.
import { join } from 'node:path';
import { findMetric, readMetricRows } from '@moe-rl/runs';
import { expect } from 'vitest';
import type { CliResult } from './spawn-cli.ts';

/** Makes `--set` options. */
export function set(...settings: readonly string[]): string[] {
  return settings.flatMap((setting) => ['--set', setting]);
}

/** Sizes of a network that takes no time. */
export const TINY_NETWORK = set(
  ...['network.hiddenUnits=16', 'network.encoder.hiddenUnits=16', 'network.moe.expertHiddenUnits=8'],
  'network.moe.experts=2',
);

/** Catch, a tiny Soft MoE network, the plain JavaScript backend. */
export const TINY: readonly string[] = [
  ...['--game', 'bsuite/catch', '--preset', 'classic-control-soft-moe', '--backend', 'cpu', '--seed', '3'],
  ...TINY_NETWORK,
  ...set('agent.batchSize=8', 'agent.minReplayHistoryAgentSteps=60', 'checkpointPeriodAgentSteps=100'),
  ...set('logPeriodAgentSteps=50', 'evaluationEpisodes=3'),
];

export function expectRefusal(result: CliResult, message: RegExp): void {
  expect(result.stderr).toMatch(message);
  expect(result.stderr).not.toMatch(/\n\s+at /);
  expect(result.stderr).not.toContain('this is a bug');
  expect(result.code).toBe(2);
}

/** Rows without what depends on the clock and the machine. */
export function reproducibleRows(folder: string) {
  return readMetricRows(join(folder, 'metrics.jsonl')).map(({ agentSteps, values }) => ({
    agentSteps,
    ...Object.fromEntries(Object.entries(values).filter(([tag]) => findMetric(tag)?.isTiming !== true)),
  }));
}

export async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 40_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error('waited 40 s in vain');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
