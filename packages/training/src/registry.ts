// The one place that knows which package a name belongs to: everything that comes with moe-rl, and what modules add to it.
import { registerAgentVariant, registerEncoder } from '@moe-rl/agents';
import { InvalidArgumentError, requireInteger, requireOneOf, setting } from '@moe-rl/core';
import { registerMixture } from '@moe-rl/moe-core';
import {
  agentKindOf,
  BACKENDS,
  changeOnResume as changeRunOnResume,
  createRunRegistry,
  makeEnvironment,
  newRunConfig as newConfig,
  ORIGINAL_REWARD,
  type RequestedSettings,
  type RunConfig,
  type RunRegistry,
  type RunSettings,
  registerRunSinks,
} from '@moe-rl/runs';
import { registerRouter } from '@moe-rl/top-k-moe';
import { ATARI } from './kinds/atari.ts';
import { NAVIGATION } from './kinds/navigation.ts';
import { REWARDS } from './kinds/rewards.ts';
import { MINATAR, SMALL } from './kinds/small.ts';
import { TABULAR_AGENT, TABULAR_PRESETS } from './kinds/tabular-agent.ts';
import { TEXT2REWARD } from './kinds/text2reward.ts';
import { VALUE_AGENT, type ValueAgentRunConfig, valueAgentPresets } from './kinds/value-agent.ts';
import { openDatasetFor } from './offline/dataset.ts';
import { requireNewFolder } from './offline/recorder.ts';

/** What `register(registry)` of a module gets. */
export interface TrainingRegistry extends RunRegistry {
  /** Encoders of `network.encoder.type`. */
  readonly encoders: { register: typeof registerEncoder };
  /** Routers of `network.moe.router.type`: which token goes to which expert. */
  readonly routers: { register: typeof registerRouter };
  /** Whole mixtures under the same setting, for what no router can say. */
  readonly mixtures: { register: typeof registerMixture };
  /** Learning rules of `agent.variant`. */
  readonly variants: { register: typeof registerAgentVariant };
  /** Describes settings of what is registered. */
  readonly setting: typeof setting;
}

/** The registry of this process. Encoders, routers and learning rules are the process's too, so there is only one. */
export const registry: TrainingRegistry = createTrainingRegistry();

function createTrainingRegistry(): TrainingRegistry {
  const runs = createRunRegistry();
  runs.environments.register('small', SMALL);
  runs.environments.register('minatar', MINATAR);
  runs.environments.register('navigation', NAVIGATION);
  runs.environments.register('atari', ATARI);
  runs.agents.register('value', VALUE_AGENT);
  runs.rewards.register('text2reward', TEXT2REWARD);
  runs.agents.register('tabular', TABULAR_AGENT);
  for (const [name, preset] of Object.entries({ ...valueAgentPresets(), ...TABULAR_PRESETS })) {
    runs.presets.register(name, preset);
  }
  for (const [name, design] of Object.entries(REWARDS)) runs.rewards.register(name, design);
  registerRunSinks(runs);
  return {
    ...runs,
    encoders: { register: registerEncoder },
    routers: { register: registerRouter },
    mixtures: { register: registerMixture },
    variants: { register: registerAgentVariant },
    setting,
  };
}

/**
 * The configuration of a new run over everything registered.
 * @throws NotFoundError for an unknown game, preset or setting, InvalidArgumentError for a bad value or one that does not apply; all name it
 */
export function newRunConfig(requested: RequestedSettings, defaults: Partial<RunSettings> = {}): ValueAgentRunConfig {
  return newConfig(requested, registry, defaults) as ValueAgentRunConfig;
}

/** @throws InvalidArgumentError, with the path and both values, when a change would make another experiment of the run */
export function changeOnResume(stored: RunConfig, requested: RequestedSettings): ValueAgentRunConfig {
  return changeRunOnResume(stored, requested, registry) as ValueAgentRunConfig;
}

/**
 * Looks at a configuration as its start will: what would fail there, fails here, before anything is written.
 * @throws NotFoundError when the game's ROM or the dataset is missing; InvalidArgumentError, with the path, when the run could never learn; ShapeError when a
 *   dataset is of another environment
 */
export async function checkRun(config: RunConfig): Promise<void> {
  const { folder, recordFolder } = config.dataset;
  const kind = agentKindOf(config, registry);
  if (folder === null && registry.presets.get(config.preset).isOffline) {
    throw new InvalidArgumentError(
      `the preset ${config.preset} learns from a dataset, and dataset.folder is null: name one with --dataset FOLDER (Parquet files as \`train --record-dataset FOLDER\` writes them with any preset, or the logs of Dopamine's replay)`,
    );
  }
  if (folder !== null && recordFolder !== null) {
    throw new InvalidArgumentError(
      `dataset.recordFolder is ${recordFolder}, but a run that learns from a dataset (dataset.folder is ${folder}) has no transitions of its own`,
    );
  }
  if (folder !== null && !kind.learnsOffline) {
    throw new InvalidArgumentError(
      `dataset.folder is ${folder}, but the agents of the preset ${config.preset} can't learn from a dataset`,
    );
  }
  const { type: design, ...settings } = config.reward;
  if (folder !== null && design !== ORIGINAL_REWARD) {
    throw new InvalidArgumentError(
      `reward.type is ${String(design)}, but a run that learns from a dataset (dataset.folder is ${folder}) takes no steps of its own that a design could see`,
    );
  }
  if (recordFolder !== null) requireNewFolder(recordFolder);
  await kind.checkRun?.(config);
  const environment = makeEnvironment(config, registry);
  try {
    if (design !== ORIGINAL_REWARD)
      await registry.rewards.get(String(design)).checkRun?.({ config, settings, environment });
    if (folder !== null) await openDatasetFor(folder, environment);
  } finally {
    environment.close?.();
  }
}

/**
 * A stored configuration with another backend where one is asked for: evaluating with another one is no other experiment.
 * @throws InvalidArgumentError for an unknown backend or a bad number of threads
 */
export function withBackend(
  config: RunConfig,
  { backend, threads }: { readonly backend?: string; readonly threads?: number },
): RunConfig {
  return {
    ...config,
    ...(backend === undefined ? {} : { backend: requireOneOf('backend', backend, BACKENDS) }),
    ...(threads === undefined ? {} : { threads: requireInteger('threads', threads, 1, 1024) }),
  };
}
