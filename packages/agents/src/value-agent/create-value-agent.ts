// Makes a value-based agent: network, replay, variables and the program over them, each from a random stream of its own.
import { createRng, InvalidArgumentError, type ObservationSpec, requireInteger } from '@moe-rl/core';
import { ReplayBuffer } from '@moe-rl/replay';
import { createProgram, type ProgramMode } from '@moe-rl/tfjs-graph';
import type { AgentConfig } from '../config/agent-config.ts';
import { validateAgentConfig } from '../config/validate.ts';
import { createNetwork } from '../networks/network.ts';
import type { Network } from '../networks/network-interface.ts';
import { variantOf } from '../variants/index.ts';
import { auxiliaryWeights, requireAuxiliaryLosses } from './auxiliary-losses.ts';
import { createEntryPoints, type EntryName } from './entry-points.ts';
import { ProgramAgent } from './program-agent.ts';
import { createCourse } from './stages.ts';
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
  const network = createNetwork(config.network, { observationSpec, actionCount, atoms: config.agent.atoms });
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
    requireAuxiliaryLosses(auxiliaryWeights(config.auxiliaryLosses, stage?.losses), network.mixtures);
  }
  const program = await createProgram<EntryName>({
    variables: variables.all,
    entryPoints: createEntryPoints(step, course.stages),
    mode: programMode(network, options.mode ?? 'auto'),
  });
  return new ProgramAgent({ step, replay, program, course, streams: createStreams(root) });
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

/** Refuses a configuration that could never learn in the steps it is given; for trainers. */
export function requireLearnable(config: AgentConfig, trainingAgentSteps: number): void {
  if (trainingAgentSteps <= config.agent.minReplayHistoryAgentSteps) {
    throw new InvalidArgumentError(
      `agent.minReplayHistoryAgentSteps is ${config.agent.minReplayHistoryAgentSteps}, so a run of ${trainingAgentSteps} agent steps never learns; expected less`,
    );
  }
}
