// Presets by name. Each says where its numbers come from; `presets.test.ts` compares them with the official files (testdata/golden/FACTS.json).
// Where the paper's tables and the released files differ (experts of Rainbow and DER), the plain name follows the files and `-paper` the paper.
import { NotFoundError } from '@moe-rl/core';
import type { AgentConfig } from '../config/agent-config.ts';
import { applyOverrides, type ConfigOverrides, type DeepPartial, mergeConfig } from '../config/validate.ts';
import { BASE_CONFIG } from './base.ts';

type Changes = DeepPartial<AgentConfig>;

interface Preset {
  readonly description: string;
  /** Preset that this one changes; none: the base. */
  readonly from?: string;
  /** Laid over it in this order. */
  readonly changes: Changes | readonly Changes[];
}

/** A mixture, and a look at its router every thousand updates: one more pass over one batch. */
const mixture = (type: string, experts: number): Changes => ({
  network: { moe: { router: { type }, experts } },
  statistics: { periodUpdates: 1000 },
});
const softMoe = (experts: number): Changes => mixture('soft', experts);
const top1 = (experts: number): Changes => mixture('token-choice', experts);
const IMPALA: Changes = { network: { encoder: { type: 'impala' } } };
const MOE_RAINBOW: Changes = { network: { naming: 'rainbow' }, agent: { perSampleNoise: true } };
const offline = (target: number): Changes => ({
  agent: { updatePeriodAgentSteps: 1, targetUpdatePeriodAgentSteps: target, conservativeCoefficient: 0.1 },
});

const PRESETS: Readonly<Record<string, Preset>> = {
  dqn: { description: 'DQN, Nature network (dopamine jax/agents/dqn/configs/dqn.gin)', changes: {} },
  'dqn-impala': { description: 'DQN, IMPALA network: the baseline of the paper', from: 'dqn', changes: IMPALA },
  'dqn-nature-soft-moe': {
    description: 'DQN, Nature encoder, Soft MoE-8 (labs/moes/configs/dqn.gin)',
    from: 'dqn',
    changes: softMoe(8),
  },
  'dqn-soft-moe': {
    description: 'DQN, IMPALA encoder, Soft MoE-8 (labs/moes/configs/dqn_impala.gin)',
    from: 'dqn-impala',
    changes: softMoe(8),
  },
  'dqn-top1-moe': {
    description: 'DQN, IMPALA encoder, top-1 MoE with 8 experts (arXiv 2402.08609)',
    from: 'dqn-impala',
    changes: top1(8),
  },
  'double-dqn': { description: 'Double DQN, Nature network', from: 'dqn', changes: { agent: { doubleQ: true } } },
  'dqn-wide': {
    description: 'Control: DQN, IMPALA, the dense layer 8 times as wide as the baseline (scale_hidden_layer)',
    from: 'dqn-impala',
    changes: { network: { hiddenUnitsScale: 8 } },
  },
  'dqn-soft-moe-one-scaled': {
    description: 'Control: one expert with the hidden units of eight (arXiv 2410.01930)',
    from: 'dqn-soft-moe',
    changes: { network: { moe: { experts: 1, expertHiddenUnits: 4096 } } },
  },
  'dqn-dense-matched': {
    description: 'Control: DQN, IMPALA, a dense layer with as many parameters as the Soft MoE-8 and its head have',
    from: 'dqn-impala',
    // 3872 x 76 + 76 + 76 x 6 + 6 = 294,810 against 270,593 + 23,238 = 293,831 with 6 actions: as near as whole units get.
    changes: { network: { hiddenUnits: 76 } },
  },
  'dqn-token-mean': {
    description:
      'Control: DQN, IMPALA, the dense layer over each token, averaged: tokens without a router (arXiv 2410.01930)',
    from: 'dqn-impala',
    changes: { network: { denseInput: 'tokenMean' } },
  },
  rainbow: {
    description: 'Rainbow, Nature network (dopamine jax/agents/full_rainbow/configs/full_rainbow.gin)',
    from: 'dqn',
    changes: {
      network: { dueling: true, noisy: true },
      agent: { updateHorizon: 3, doubleQ: true, atoms: 51, epsilonSchedule: 'zero' },
      replay: { sampling: 'prioritized' },
    },
  },
  'rainbow-impala': {
    description: 'Rainbow, IMPALA network: the baseline of the paper',
    from: 'rainbow',
    changes: [IMPALA, MOE_RAINBOW],
  },
  'rainbow-soft-moe': {
    description: 'Rainbow, IMPALA encoder, Soft MoE-4 (labs/moes/configs/full_rainbow.gin)',
    from: 'rainbow-impala',
    changes: softMoe(4),
  },
  'rainbow-soft-moe-paper': {
    description: 'Rainbow, IMPALA encoder, Soft MoE-8 (arXiv 2402.08609)',
    from: 'rainbow-impala',
    changes: softMoe(8),
  },
  'rainbow-top1-moe': {
    description: 'Rainbow, IMPALA encoder, top-1 MoE with 8 experts (arXiv 2402.08609)',
    from: 'rainbow-impala',
    changes: top1(8),
  },
  'rainbow-wide': {
    description: 'Control: Rainbow, IMPALA, the dense layer 8 times as wide',
    from: 'rainbow-impala',
    changes: { network: { hiddenUnitsScale: 8 } },
  },
  'rainbow-soft-moe-one-scaled': {
    description: 'Control: Rainbow, one expert with the hidden units of eight',
    from: 'rainbow-soft-moe',
    changes: { network: { moe: { experts: 1, expertHiddenUnits: 4096 } } },
  },
  der: {
    description: 'Data-efficient Rainbow, Nature network (labs/atari_100k/configs/DER.gin)',
    from: 'rainbow',
    changes: {
      agent: {
        updateHorizon: 10,
        minReplayHistoryAgentSteps: 1600,
        updatePeriodAgentSteps: 1,
        targetUpdatePeriodAgentSteps: 2000,
      },
      optimizer: { learningRate: 1e-4 },
      environment: { repeatActionProbability: 0, terminalOnLifeLoss: true, trainingAgentSteps: 100_000 },
    },
  },
  'der-soft-moe': {
    description: 'Data-efficient Rainbow, Nature encoder, Soft MoE-4 (labs/moes/configs/DER.gin)',
    from: 'der',
    changes: [softMoe(4), MOE_RAINBOW],
  },
  'der-soft-moe-paper': {
    description: 'Data-efficient Rainbow, IMPALA encoder, Soft MoE-8 (arXiv 2402.08609, appendix)',
    from: 'der',
    changes: [softMoe(8), MOE_RAINBOW, IMPALA],
  },
  'drq-eps': {
    description: 'DrQ(eps), Nature network (labs/atari_100k/configs/DrQ_eps.gin)',
    from: 'dqn',
    changes: {
      network: { dueling: true },
      agent: {
        updateHorizon: 10,
        minReplayHistoryAgentSteps: 1600,
        updatePeriodAgentSteps: 1,
        targetUpdatePeriodAgentSteps: 1,
        epsilonDecayPeriodAgentSteps: 5000,
        doubleQ: true,
        error: 'huber',
        dataAugmentation: true,
      },
      optimizer: { learningRate: 1e-4 },
      environment: { repeatActionProbability: 0, terminalOnLifeLoss: true, trainingAgentSteps: 100_000 },
    },
  },
  drq: {
    description: 'DrQ, Nature network (labs/atari_100k/configs/DrQ.gin)',
    from: 'drq-eps',
    changes: { agent: { epsilonTrain: 0.1, epsilonEvaluate: 0.05 } },
  },
  'drq-eps-soft-moe-paper': {
    description: 'DrQ(eps), IMPALA encoder, Soft MoE-8 (arXiv 2402.08609, appendix)',
    from: 'drq-eps',
    changes: [softMoe(8), IMPALA, { network: { naming: 'rainbow' } }],
  },
  cql: {
    description: 'Offline: CQL, IMPALA network (labs/offline_rl jax_dr3.gin without DR3; arXiv 2402.08609 table 2)',
    from: 'dqn-impala',
    changes: [
      offline(2000),
      {
        agent: { error: 'huber', minReplayHistoryAgentSteps: 32 },
        optimizer: { learningRate: 5e-5, epsilon: 3.125e-4 },
        environment: { trainingAgentSteps: 12_500_000 },
      },
    ],
  },
  'cql-soft-moe': {
    description: 'Offline: CQL, IMPALA encoder, Soft MoE-8 (arXiv 2402.08609)',
    from: 'cql',
    changes: softMoe(8),
  },
  'cql-c51': {
    description: 'Offline: CQL + C51, IMPALA network (labs/offline_rl jax_rainbow.gin)',
    from: 'dqn-impala',
    changes: [
      offline(100),
      {
        network: { dueling: true, naming: 'rainbow' },
        agent: { updateHorizon: 3, doubleQ: true, atoms: 51 },
        environment: { trainingAgentSteps: 12_500_000 },
      },
    ],
  },
  'cql-c51-soft-moe': {
    description: 'Offline: CQL + C51, IMPALA encoder, Soft MoE-8 (arXiv 2402.08609)',
    from: 'cql-c51',
    changes: softMoe(8),
  },
  'classic-control': {
    description: 'DQN for vector observations (jax/agents/dqn/configs/dqn_cartpole.gin)',
    from: 'dqn',
    changes: {
      network: { encoder: { type: 'perceptron', hiddenUnits: [512] } },
      agent: {
        minReplayHistoryAgentSteps: 500,
        targetUpdatePeriodAgentSteps: 100,
        batchSize: 128,
        epsilonSchedule: 'constant',
        rewardClip: 0,
      },
      optimizer: { learningRate: 0.001, epsilon: 3.125e-4 },
      replay: { capacity: 50_000 },
      environment: { repeatActionProbability: 0, maxEpisodeAgentSteps: 500, trainingAgentSteps: 50_000 },
    },
  },
  'classic-control-soft-moe': {
    description:
      'DQN for vector observations with Soft MoE-4 (labs/moes/configs/dqn_cartpole_moe.gin; its network has no official code)',
    from: 'classic-control',
    changes: [softMoe(4), { network: { tokens: { type: 'perSamp' } } }],
  },
  quickstart: {
    description: 'Soft MoE-8 on a small network, for an easy game on two slow cores in five minutes',
    from: 'dqn-soft-moe',
    changes: {
      network: {
        encoder: { type: 'nature', widthScale: 0.5 },
        // Four slots per expert instead of sixteen: a quarter of the work, and as good (arXiv 2410.01930).
        // A router that tells tokens apart from the start learns the game in 8,000 agent steps.
        moe: { expertHiddenUnits: 128, router: { slotsPerExpert: 4, isNormalized: true, initialScale: 8 } },
      },
      agent: {
        discountFactor: 0.97,
        updateHorizon: 5,
        minReplayHistoryAgentSteps: 1000,
        updatePeriodAgentSteps: 2,
        targetUpdatePeriodAgentSteps: 250,
        epsilonTrain: 0.03,
        epsilonDecayPeriodAgentSteps: 7000,
        error: 'huber',
        doubleQ: true,
      },
      optimizer: { learningRate: 5e-4 },
      // The router has few weights that everything goes through: it may learn faster.
      routerOptimizer: { type: 'adam', learningRate: 3e-3 },
      replay: { capacity: 50_000 },
      statistics: { periodUpdates: 250 },
      environment: { repeatActionProbability: 0, terminalOnLifeLoss: true, trainingAgentSteps: 12_000 },
    },
  },
};

/** All presets with what they are. */
export function listPresets(): readonly { readonly name: string; readonly description: string }[] {
  return Object.entries(PRESETS).map(([name, { description }]) => ({ name, description }));
}

/**
 * The configuration of a preset, whole.
 * @throws NotFoundError naming the presets that exist
 */
export function getPreset(name: string): AgentConfig {
  const preset = Object.hasOwn(PRESETS, name) ? PRESETS[name] : undefined;
  if (preset === undefined)
    throw new NotFoundError(`there is no preset "${name}"; there are ${Object.keys(PRESETS).join(', ')}`);
  return mergeConfig(preset.from === undefined ? BASE_CONFIG : getPreset(preset.from), ...[preset.changes].flat());
}

/**
 * A preset, or a configuration, with values replaced by dotted path.
 * @throws NotFoundError for an unknown preset or path; InvalidArgumentError for a bad value
 */
export function resolveAgentConfig(presetOrConfig: string | AgentConfig, overrides: ConfigOverrides = {}): AgentConfig {
  return applyOverrides(typeof presetOrConfig === 'string' ? getPreset(presetOrConfig) : presetOrConfig, overrides);
}
