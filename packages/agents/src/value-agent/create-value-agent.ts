// Makes a value-based agent: network, replay, variables and the program over them, each from a random stream of its own.
import { createRng, InvalidArgumentError, type ObservationSpec, requireInteger } from '@moe-rl/core';
import { ReplayBuffer } from '@moe-rl/replay';
import {
  type BatchConvolutions,
  createProgram,
  createProgramBatch,
  type ProgramBatch,
  type ProgramMode,
} from '@moe-rl/tfjs-graph';
import type { AgentConfig } from '../config/agent-config.ts';
import { validateAgentConfig } from '../config/validate.ts';
import { createNetwork } from '../networks/network.ts';
import type { Network } from '../networks/network-interface.ts';
import { variantOf } from '../variants/index.ts';
import { requireAugmentable } from './augmentation.ts';
import { auxiliaryWeights, requireAuxiliaryLosses } from './auxiliary-losses.ts';
import {
  type CompiledActingChoice,
  compiledActingChoice,
  compiledEntryPoints,
  requireCompilable,
} from './compiled-acting.ts';
import { createCourse } from './course.ts';
import { createEntryPoints, type EntryName } from './entry-points.ts';
import { ProgramAgent } from './program-agent.ts';
import { updatesWithin } from './schedule.ts';
import { requireMaskChanges } from './sparse-training.ts';
import { createStreams } from './streams.ts';
import type { ValueAgent } from './value-agent.ts';
import { createVariables } from './variables.ts';

export interface ValueAgentOptions {
  readonly config: AgentConfig;
  /** What the agent will see and do: an `Environment` is one. */
  readonly environment: { readonly observationSpec: ObservationSpec; readonly actionCount: number };
  /** Seed of every random stream of the agent. Default 0. */
  readonly seed?: number;
  /** `auto` (default): recorded where the backend can, else eager, with the same results. */
  readonly mode?: ProgramMode;
  /** Makes the agent a member of a batch: agents of one configuration with several seeds, whose steps are computed together. */
  readonly batch?: { readonly programs: ProgramBatch; readonly place: number };
  /**
   * From which agent step on acting is compiled by XLA, on TensorFlow's CPU backend: `never` (default, unless MOE_RL_COMPILED_ACTING says otherwise), `auto` or a step. Part of the
   * agent's state: a resumed run goes on as it began.
   */
  readonly compiledActing?: CompiledActingChoice;
}

/**
 * Creates an agent.
 * @throws InvalidArgumentError for a bad configuration, or one that does not fit the environment
 */
export async function createValueAgent(options: ValueAgentOptions): Promise<ValueAgent> {
  const config = validateAgentConfig(options.config);
  const { observationSpec, actionCount } = options.environment;
  const seed = requireInteger('seed', options.seed ?? 0, 0);
  requireInteger('environment.actionCount', actionCount, 1);
  const compiledActing = compiledActingChoice(options.compiledActing);
  const network = createNetwork(config.network, { observationSpec, actionCount, atoms: config.agent.atoms });
  requireAugmentable(config.agent, observationSpec);
  const variant = variantOf(config);
  const root = createRng(seed, 'agent');
  const replay = new ReplayBuffer({
    observationSpec,
    capacity: config.replay.capacity,
    updateHorizon: config.agent.updateHorizon,
    discountFactor: config.agent.discountFactor,
    truncation: config.replay.truncation,
    sampling:
      config.replay.sampling === 'uniform'
        ? { kind: 'uniform' }
        : {
            kind: 'prioritized',
            priorityExponent: config.replay.priorityExponent,
            importanceExponent: config.replay.importanceExponent,
            draws: config.replay.draws,
          },
    rng: root.fork('replay'),
  });
  const variables = createVariables(config, network, root.fork('parameters'));
  const { windowLength, nextObservationOffset } = replay;
  const step = { config, variant, network, ...variables, windowLength, nextObservationOffset };
  const course = createCourse(network.mixtures);
  for (const stage of course.stages.length === 0 ? [undefined] : course.stages) {
    requireAuxiliaryLosses(auxiliaryWeights(config.auxiliaryLosses, network.mixtures, stage?.losses), network.mixtures);
  }
  const { batch } = options;
  if (batch !== undefined) requireBatchable(network);
  const programConfig = {
    variables: variables.all,
    entryPoints: createEntryPoints(step, course.stages, compiledEntryPoints(compiledActing)),
    mode: programMode(network, options.mode ?? 'auto'),
  };
  const program =
    batch === undefined
      ? await createProgram<EntryName>(programConfig)
      : await batch.programs.createProgram<EntryName>(batch.place, programConfig);
  requireCompilable(program, compiledActing);
  return new ProgramAgent({ step, replay, program, compiledActing, course, streams: createStreams(root) });
}

/**
 * Routers that choose on the host read logits back, which a recorded step can't: such agents run eagerly.
 * @throws InvalidArgumentError when recording was asked for
 */
function programMode(network: Network, mode: ProgramMode): ProgramMode {
  const onHost = network.mixtures.find(({ runsOnHost }) => runsOnHost !== 'never');
  if (onHost === undefined) return mode;
  if (mode === 'recorded') {
    throw new InvalidArgumentError(
      `mode is "recorded", but network.moe.router.type is ${onHost.type}, which chooses on the host; expected "auto" or "eager"`,
    );
  }
  return 'eager';
}

/**
 * Refuses a network whose agents can't be batched.
 * @throws InvalidArgumentError for routers that choose on the host, between the parts of a step
 */
export function requireBatchable({ mixtures }: Pick<Network, 'mixtures'>): void {
  const onHost = mixtures.find(({ runsOnHost }) => runsOnHost !== 'never');
  if (onHost === undefined) return;
  throw new InvalidArgumentError(
    `network.moe.router.type is ${onHost.type}, which chooses on the host, so its steps can't run as one program for several seeds; expected a router that chooses on the device, or a run for each seed`,
  );
}

/** Options of {@link createValueAgents}. */
export interface ValueAgentsOptions extends Omit<ValueAgentOptions, 'seed' | 'batch' | 'mode'> {
  /** A seed for each agent, at least one. */
  readonly seeds: readonly number[];
  /** How convolutions of all agents are computed; default: what the engine takes to be faster on its device. */
  readonly convolutions?: BatchConvolutions;
}

/**
 * Creates agents of one configuration whose steps are computed together, as one program over all their parameters: on an accelerator that a small network leaves
 * idle, k agents take little longer than one. Each is used as any other agent, at the same time as the others: a step waits until the others have one, too, and
 * what an agent computes does not depend on them. Results differ from those of an agent alone by the order of sums.
 * @throws InvalidArgumentError on a backend that can't batch (all but @moe-rl/pjrt's), for routers that choose on the host, and for no seeds
 */
export async function createValueAgents(options: ValueAgentsOptions): Promise<ValueAgent[]> {
  const { seeds, convolutions, ...rest } = options;
  if (seeds.length === 0) throw new InvalidArgumentError('seeds is []; expected a seed for each agent');
  const programs = await createProgramBatch({
    size: seeds.length,
    ...(convolutions === undefined ? {} : { convolutions }),
  });
  const agents: ValueAgent[] = [];
  try {
    for (const [place, seed] of seeds.entries()) {
      agents.push(await createValueAgent({ ...rest, seed, batch: { programs, place } }));
    }
    return agents;
  } catch (error) {
    for (const agent of agents) agent.dispose();
    throw error;
  }
}

/**
 * Refuses a configuration that could never learn in the steps it is given, or never train as sparsely as it says; for trainers.
 * @param source what is learned from; a dataset is learned from at once. Default 'environment'
 * @throws InvalidArgumentError naming the setting
 */
export function requireLearnable(
  config: AgentConfig,
  trainingAgentSteps: number,
  source: 'environment' | 'dataset' = 'environment',
): void {
  if (source === 'environment' && trainingAgentSteps <= config.agent.minReplayHistoryAgentSteps) {
    throw new InvalidArgumentError(
      `agent.minReplayHistoryAgentSteps is ${config.agent.minReplayHistoryAgentSteps}, so a run of ${trainingAgentSteps} agent steps never learns; expected less`,
    );
  }
  requireMaskChanges(config.sparsity, updatesWithin(config.agent, trainingAgentSteps, source));
}
