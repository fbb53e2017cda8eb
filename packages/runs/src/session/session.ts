// Sets up what a run works with: environment and agent, by what its configuration names.
import {
  type Agent,
  type Environment,
  InvalidArgumentError,
  type RewardDesign,
  requireFunctions,
  requireInteger,
} from '@moe-rl/core';
import { ORIGINAL_REWARD, type RunConfig } from '../config/run-settings.ts';
import { type RunFolder, runFolderPaths } from '../folder/run-folder.ts';
import type {
  AgentBatch,
  AgentRequest,
  BatchRequest,
  Purpose,
  RewardRequest,
  RunAgent,
  RunSink,
} from '../registry/kinds.ts';
import { environmentOf, type RunRegistry } from '../registry/run-registry.ts';
import { createTensorBoardSink } from '../sinks/tensorboard.ts';

export interface Session extends RunAgent {
  readonly environment: Environment;
  /** Absent: the environment's own reward is learned from. */
  readonly reward?: RewardDesign;
  makeEvaluationEnvironment(): Environment;
  dispose(): void;
}

/**
 * Makes the environment of a configuration.
 * @throws NotFoundError for an unknown game; InvalidArgumentError where its kind makes something else than an environment; and whatever its kind throws
 */
export function makeEnvironment(
  { game, environment }: Pick<RunConfig, 'game' | 'environment'>,
  registry: RunRegistry,
  purpose: Purpose = 'training',
): Environment {
  const { type, kind } = environmentOf(registry, game);
  const made = kind.create({ game, settings: environment, purpose });
  requireFunctions(`what environment "${type}" makes for ${game}`, made, ['reset', 'step']);
  return made;
}

/** Makes an agent, alone or in a batch. @throws InvalidArgumentError where its kind makes something else than an agent */
async function makeAgent(request: AgentRequest, registry: RunRegistry, member?: BatchMember): Promise<RunAgent> {
  const made = await (member === undefined
    ? agentKindOf(request.config, registry).create(request)
    : member.batch.create(request, member.place));
  const what = `what agent "${registry.presets.get(request.config.preset).agent}" makes`;
  requireFunctions(`${what} as { agent }`, made?.agent, ['act', 'observe', 'getState', 'setState', 'dispose']);
  return made;
}

/** A run's place in a batch. */
export interface BatchMember {
  readonly batch: AgentBatch;
  readonly place: number;
}

/**
 * Opens a batch for runs of one configuration.
 * @throws InvalidArgumentError for a size below 1, and naming what stands against it: a kind of agents that run alone, a backend, a router
 */
export async function openAgentBatch(request: BatchRequest, registry: RunRegistry): Promise<AgentBatch> {
  requireInteger('size', request.size, 1);
  const { openBatch } = agentKindOf(request.config, registry);
  if (openBatch === undefined) {
    const kind = registry.presets.get(request.config.preset).agent;
    throw new InvalidArgumentError(
      `preset is ${request.config.preset}, whose agents (of the kind ${kind}) can't be computed together; expected a run for each seed`,
    );
  }
  return openBatch(request);
}

/**
 * Makes the environment first, so that what it lacks is told before anything is loaded, then the agent, and the design of its reward.
 * @param isResume whether the run goes on; default false
 * @param member the run's place in a batch; default: it is computed alone
 */
export async function openSession(
  folder: RunFolder,
  registry: RunRegistry,
  say: (line: string) => void,
  isResume = false,
  member?: BatchMember,
): Promise<Session> {
  const { config, replayFolder } = folder;
  const environment = makeEnvironment(config, registry);
  let made: RunAgent | undefined;
  try {
    const request = { config, environment, purpose: 'training', replayFolder, isResume, say } as const;
    made = await makeAgent(request, registry, member);
    const { agent } = made;
    const reward = await openReward(folder, registry, { environment, agent, isResume, say });
    return {
      ...made,
      environment,
      ...(reward === undefined ? {} : { reward }),
      makeEvaluationEnvironment: () => makeEnvironment(config, registry, 'evaluation'),
      dispose() {
        reward?.dispose?.();
        agent.dispose();
        environment.close?.();
      },
    };
  } catch (error) {
    made?.agent.dispose();
    environment.close?.();
    throw error;
  }
}

/** The design of the reward that a configuration names; undefined for the environment's own. */
async function openReward(
  { config, rewardFolder }: Pick<RunFolder, 'config' | 'rewardFolder'>,
  registry: RunRegistry,
  request: Pick<RewardRequest, 'environment' | 'agent' | 'isResume' | 'say'>,
): Promise<RewardDesign | undefined> {
  const { type, ...settings } = config.reward;
  if (type === ORIGINAL_REWARD) return undefined;
  const made = await registry.rewards.get(String(type)).create({ ...request, config, settings, folder: rewardFolder });
  requireFunctions(`what reward design "${String(type)}" makes`, made, ['reward', 'getState', 'setState']);
  return made;
}

/** The sinks that a configuration turns on. */
export function openSinks(
  { config, path }: Pick<RunFolder, 'config' | 'path'>,
  { sinks }: RunRegistry,
): Readonly<Record<string, RunSink>> {
  const opened: Record<string, RunSink> = {};
  for (const name of sinks.names()) {
    const { isOn, ...settings } = (config.sinks[name] ?? {}) as { isOn?: boolean };
    if (!isOn) continue;
    const made = sinks.get(name).create({ config, settings, runFolder: path });
    requireFunctions(`what sink "${name}" makes`, made, ['write']);
    opened[name] = made;
  }
  return opened;
}

/** Registers the sinks that need nothing but this package. */
export function registerRunSinks({ sinks }: RunRegistry): void {
  sinks.register('tensorboard', TENSORBOARD);
}

const TENSORBOARD = {
  description: 'TensorBoard event files in the folder events/ of the run',
  isOn: true,
  create: ({ runFolder }: { readonly runFolder: string }) =>
    createTensorBoardSink(runFolderPaths(runFolder).eventsFile),
};

/** The agent of a run as its newest checkpoint has it, for evaluation: its replay memory is left on the disk. */
export async function loadTrainedAgent(
  path: string,
  config: RunConfig,
  registry: RunRegistry,
  say: (line: string) => void,
): Promise<{ readonly agent: Agent; readonly checkpoint: string; dispose(): void }> {
  const { checkpoints, replayFolder } = runFolderPaths(path);
  const { path: checkpoint, parts, skipped } = checkpoints.loadNewest();
  for (const reason of skipped) say(`skipped a checkpoint that can't be read: ${reason}`);
  const environment = makeEnvironment(config, registry, 'evaluation');
  try {
    const { agent } = await makeAgent({ config, environment, purpose: 'evaluation', replayFolder, say }, registry);
    try {
      await agent.setState(parts.agent ?? {});
    } catch (error) {
      agent.dispose();
      throw error;
    }
    say(`loaded ${checkpoint}`);
    return { agent, checkpoint, dispose: () => agent.dispose() };
  } finally {
    environment.close?.();
  }
}

/** The kind of agent that a configuration's preset belongs to. */
export function agentKindOf({ preset }: Pick<RunConfig, 'preset'>, { presets, agents }: RunRegistry) {
  return agents.get(presets.get(preset).agent);
}
