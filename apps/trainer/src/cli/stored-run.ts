// What the commands that work with a run of an earlier start share: its configuration, its modules, another backend.
import { type RunConfig, readRunConfig, readRunModules } from '@moe-rl/runs';
import { registry, withBackend } from '@moe-rl/training';
import { useModules } from './options.ts';

/** As large as the seed of a run; the episodes after the first have the seeds after it. */
export const MAX_SEED = 2 ** 31 - 1;

export interface StoredRunOptions {
  readonly backend?: string;
  readonly threads?: number;
  readonly module: readonly string[];
}

/**
 * The configuration of the run in a folder, with another backend where one is asked for.
 * @throws NotFoundError without a run or one of its modules; InvalidArgumentError for an unknown backend or a bad number of threads
 */
export async function openStoredRun(path: string, options: StoredRunOptions): Promise<RunConfig> {
  await useModules(options.module, readRunModules(path), path);
  return withBackend(readRunConfig(path, registry), options);
}
