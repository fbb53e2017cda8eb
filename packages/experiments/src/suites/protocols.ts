// Protocols: how long a run trains, when and how long it is evaluated, and which number counts as its score. `scale` shortens all lengths alike.
import { didYouMean, NotFoundError } from '@moe-rl/core';
import type { Settings } from './settings.ts';

export type ProtocolName = 'dopamine' | 'atari-100k' | 'offline' | 'minatar' | 'classic' | 'demo';

export interface Protocol {
  readonly name: ProtocolName;
  readonly description: string;
  /** Iterations of training and then evaluation. */
  readonly iterations: number;
  /** Agent steps of training per iteration. */
  readonly trainingAgentSteps: number;
  /** Length of an evaluation: whole episodes until so many agent steps are reached, or so many episodes. */
  readonly evaluation: { readonly agentSteps: number } | { readonly episodes: number };
  /** Evaluations at the end of training whose mean is a run's score. */
  readonly scoredEvaluations: number;
  /** Settings that the protocol prescribes, whatever the preset says. */
  readonly settings: Settings;
  /** True: agents learn from datasets, an update an agent step, and play only to be evaluated. */
  readonly isOffline?: boolean;
  /** Preset that the variants change where the plan names none, instead of the suite's. */
  readonly preset?: string;
}

const PROTOCOLS: readonly Protocol[] = [
  {
    name: 'dopamine',
    description:
      'Dopamine: 200 iterations of 250,000 agent steps of training and 125,000 of evaluation, sticky actions 0.25, whole games',
    iterations: 200,
    trainingAgentSteps: 250_000,
    evaluation: { agentSteps: 125_000 },
    scoredEvaluations: 5,
    settings: { 'environment.repeatActionProbability': 0.25, 'environment.terminalOnLifeLoss': false },
  },
  {
    name: 'atari-100k',
    description:
      "Atari 100k as Dopamine's labs/atari_100k: 10 iterations of 10,000 agent steps, 100 evaluation episodes each, no sticky actions",
    iterations: 10,
    trainingAgentSteps: 10_000,
    evaluation: { episodes: 100 },
    scoredEvaluations: 1,
    settings: { 'environment.repeatActionProbability': 0 },
  },
  {
    name: 'offline',
    description:
      "offline as Dopamine's labs/offline_rl: 200 iterations of 62,500 updates from a dataset, 125,000 agent steps of evaluation each",
    iterations: 200,
    trainingAgentSteps: 62_500,
    evaluation: { agentSteps: 125_000 },
    scoredEvaluations: 5,
    settings: { 'environment.repeatActionProbability': 0.25, 'environment.terminalOnLifeLoss': false },
    isOffline: true,
    preset: 'cql',
  },
  {
    name: 'minatar',
    description: '10 iterations of 1,000,000 agent steps (arXiv 2011.14826), 20 evaluation points, 30 episodes each',
    iterations: 20,
    trainingAgentSteps: 500_000,
    evaluation: { episodes: 30 },
    scoredEvaluations: 2,
    settings: {},
  },
  {
    name: 'classic',
    description: '30 iterations of 1,000 agent steps (arXiv 2011.14826), 10 evaluation episodes each',
    iterations: 30,
    trainingAgentSteps: 1000,
    evaluation: { episodes: 10 },
    scoredEvaluations: 3,
    settings: {},
  },
  {
    name: 'demo',
    description: '12 iterations of 1,000 agent steps, 10 evaluation episodes each: enough for the embedded game',
    iterations: 12,
    trainingAgentSteps: 1000,
    evaluation: { episodes: 10 },
    scoredEvaluations: 2,
    settings: {},
  },
];

export const PROTOCOL_NAMES: readonly ProtocolName[] = PROTOCOLS.map(({ name }) => name);

/** All protocols. */
export function listProtocols(): readonly Protocol[] {
  return PROTOCOLS;
}

/** @throws NotFoundError naming the protocols that exist */
export function getProtocol(name: string): Protocol {
  const protocol = PROTOCOLS.find((candidate) => candidate.name === name);
  if (protocol !== undefined) return protocol;
  throw new NotFoundError(
    `there is no protocol "${name}"${didYouMean(name, PROTOCOL_NAMES) || `; there are ${PROTOCOL_NAMES.join(', ')}`}`,
  );
}

/** Fewest agent steps that an iteration is shortened to. */
const FEWEST_AGENT_STEPS = 10;
/** Fewest episodes: fewer would be a throw of dice. */
const FEWEST_EPISODES = 5;

/**
 * The settings of a run under `protocol`, all lengths multiplied by `scale`: training and evaluation, and of the agent's own lengths those that are a part of the
 * run, the replay start and the fall of epsilon. What belongs to learning itself (batch, target period, n-step) stays.
 * @param agent lengths of the unscaled configuration
 */
export function protocolSettings(
  protocol: Protocol,
  scale: number,
  agent: {
    readonly minReplayHistoryAgentSteps: number;
    /** Absent where epsilon does not fall. */
    readonly epsilonDecayPeriodAgentSteps?: number;
    readonly batchSize: number;
    readonly updateHorizon: number;
    readonly updatePeriodAgentSteps: number;
    readonly updatesPerPeriod: number;
    readonly replayCapacity: number;
  },
): Settings {
  const scaled = (length: number, least: number): number => Math.max(least, Math.round(length * scale));
  const period = scaled(protocol.trainingAgentSteps, FEWEST_AGENT_STEPS);
  const total = period * protocol.iterations;
  const { evaluation } = protocol;
  // Learning can't start before a batch can be drawn.
  const fewestTransitions = Math.min(agent.minReplayHistoryAgentSteps, agent.batchSize + agent.updateHorizon);
  return {
    ...protocol.settings,
    trainingAgentSteps: total,
    evaluationEpisodes: 0,
    'evaluation.periodAgentSteps': period,
    ...('agentSteps' in evaluation
      ? {
          'evaluation.agentSteps': scaled(evaluation.agentSteps, FEWEST_AGENT_STEPS),
          // A game may be longer than a short evaluation: it is cut there, or it would take more time than the training.
          ...(scale < 1
            ? { 'evaluation.maxEpisodeAgentSteps': scaled(evaluation.agentSteps, FEWEST_AGENT_STEPS) }
            : {}),
        }
      : { 'evaluation.episodes': scaled(evaluation.episodes, Math.min(evaluation.episodes, FEWEST_EPISODES)) }),
    'agent.minReplayHistoryAgentSteps': scaled(agent.minReplayHistoryAgentSteps, fewestTransitions),
    ...(agent.epsilonDecayPeriodAgentSteps === undefined
      ? {}
      : { 'agent.epsilonDecayPeriodAgentSteps': scaled(agent.epsilonDecayPeriodAgentSteps, 1) }),
    // A buffer larger than the run changes nothing but what it reserves; a dataset is as large as it is.
    ...(protocol.isOffline ? {} : { 'replay.capacity': Math.min(agent.replayCapacity, total + 1000) }),
    // The network is measured about once per iteration: dormant units, effective rank, what the router does.
    'statistics.periodUpdates': Math.max(
      1,
      Math.floor((period / agent.updatePeriodAgentSteps) * agent.updatesPerPeriod),
    ),
    logPeriodAgentSteps: Math.max(1, Math.min(1000, Math.floor(period / 5))),
    checkpointPeriodAgentSteps: Math.min(period, 50_000),
  };
}
