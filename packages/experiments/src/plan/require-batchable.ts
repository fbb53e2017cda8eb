// Whether the jobs of a plan can be computed several seeds at a time, asked before anything is written.
import { createNetwork, requireBatchable } from '@moe-rl/agents';
import { InvalidArgumentError, requireInteger } from '@moe-rl/core';
import { agentKindOf } from '@moe-rl/runs';
import { agentConfigOf, makeEnvironment, registry, requireBatchBackend } from '@moe-rl/training';
import { type Experiment, jobConfig, listJobs } from './experiment.ts';

/**
 * Refuses batches that can't be.
 * @param size seeds in one program
 * @throws InvalidArgumentError for a size below 1, a backend that runs one step at a time, and naming the variant whose router or kind of agents can't be batched
 */
export function requireBatchSeeds(experiment: Experiment, size: number): void {
  requireInteger('--batch-seeds', size, 1);
  requireBatchBackend(experiment.plan.backend);
  const jobs = listJobs(experiment);
  for (const { name } of experiment.variants) {
    const config = jobConfig(experiment, jobs.find(({ variant }) => variant === name)!);
    if (agentKindOf(config, registry).openBatch === undefined) {
      throw new InvalidArgumentError(
        `variant ${name}: agents of the preset ${config.preset} can't be computed together; leave --batch-seeds out`,
      );
    }
    const environment = makeEnvironment(config);
    try {
      const { observationSpec, actionCount } = environment;
      const { atoms } = agentConfigOf(config).agent;
      requireBatchable(createNetwork(config.network, { observationSpec, actionCount, atoms }));
    } catch (error) {
      if (error instanceof Error) error.message = `variant ${name}: ${error.message}`;
      throw error;
    } finally {
      environment.close?.();
    }
  }
}
