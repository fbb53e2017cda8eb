// Presets equal the official files (testdata/golden/FACTS.json), number by number; the paper's and the controls' numbers are the paper's.
import { readFileSync } from 'node:fs';
import { NotFoundError } from '@moe-rl/core';
import { describe, expect, it } from 'vitest';
import type { AgentConfig } from '../config/agent-config.ts';
import { createNetwork } from '../networks/network.ts';
import { getPreset, listPresets } from './presets.ts';

type Gin = Record<string, string>;
const FACTS = JSON.parse(readFileSync(new URL('../../../../testdata/golden/FACTS.json', import.meta.url), 'utf8')) as {
  gin_verbatim: Record<string, Gin>;
};
const SPEC = { observationSpec: { frameShape: [84, 84], stackSize: 4, dtype: 'uint8' }, actionCount: 6 } as const;

const number = (text: string): number => Number(text.replaceAll('_', ''));
const boolean = (text: string): boolean => text === 'True';
const text = (quoted: string): string => quoted.replaceAll("'", '');

/** What each official setting is called here. */
const SETTINGS: Readonly<
  Record<string, readonly [read: (text: string) => unknown, ours: (config: AgentConfig) => unknown]>
> = {
  'JaxDQNAgent.gamma': [number, ({ agent }) => agent.discountFactor],
  'JaxDQNAgent.update_horizon': [number, ({ agent }) => agent.updateHorizon],
  'JaxDQNAgent.min_replay_history': [number, ({ agent }) => agent.minReplayHistoryAgentSteps],
  'JaxDQNAgent.update_period': [number, ({ agent }) => agent.updatePeriodAgentSteps],
  'JaxDQNAgent.target_update_period': [number, ({ agent }) => agent.targetUpdatePeriodAgentSteps],
  'JaxDQNAgent.epsilon_train': [number, ({ agent }) => agent.epsilonTrain],
  'JaxDQNAgent.epsilon_eval': [number, ({ agent }) => agent.epsilonEvaluate],
  'JaxDQNAgent.epsilon_decay_period': [number, ({ agent }) => agent.epsilonDecayPeriodAgentSteps],
  'JaxDQNAgent.optimizer': [text, ({ optimizer }) => optimizer.type],
  'JaxFullRainbowAgent.noisy': [boolean, ({ network }) => network.noisy],
  'JaxFullRainbowAgent.dueling': [boolean, ({ network }) => network.dueling],
  'JaxFullRainbowAgent.double_dqn': [boolean, ({ agent }) => agent.doubleQ],
  'JaxFullRainbowAgent.num_atoms': [number, ({ agent }) => agent.atoms],
  'JaxFullRainbowAgent.vmax': [number, ({ agent }) => agent.maximumValue],
  'JaxFullRainbowAgent.replay_scheme': [text, ({ replay }) => replay.sampling],
  'JaxFullRainbowAgent.num_updates_per_train_step': [number, ({ agent }) => agent.updatesPerPeriod],
  'Atari100kRainbowAgent.data_augmentation': [boolean, ({ agent }) => agent.dataAugmentation],
  'NatureDQNMoE.num_experts': [number, ({ network }) => network.moe.experts],
  'ImpalaMoE.num_experts': [number, ({ network }) => network.moe.experts],
  'FullRainbowMoENetwork.num_experts': [number, ({ network }) => network.moe.experts],
  'FullRainbowMoENetwork.expert_hidden_units': [number, ({ network }) => network.moe.expertHiddenUnits],
  'FullRainbowMoENetwork.scale_hidden_layer': [boolean, ({ network }) => (network.hiddenUnitsScale ?? 1) > 1],
  'NatureDQNMoE.use_extra_linear_layer': [boolean, ({ network }) => network.extraLinearLayer],
  'ImpalaMoE.use_extra_linear_layer': [boolean, ({ network }) => network.extraLinearLayer],
  'FullRainbowMoENetwork.use_extra_linear_layer': [boolean, ({ network }) => network.extraLinearLayer],
  'FullRainbowMoENetwork.moe_type': [
    (given) => ({ SOFTMOE: 'soft' })[text(given)],
    ({ network }) => network.moe.router.type,
  ],
  'FullRainbowMoENetwork.encoder_type': [
    (given) => ({ CNN: 'nature', IMPALA: 'impala' })[text(given)],
    ({ network }) => network.encoder.type,
  ],
  'FullRainbowMoENetwork.nn_scale': [number, ({ network }) => network.encoder.widthScale],
  'JaxDQNAgent.network': [
    (given) => ({ '@networks.NatureDQNMoE': 'nature', '@networks.ImpalaMoE': 'impala' })[given],
    ({ network }) => network.encoder.type,
  ],
  'create_optimizer.learning_rate': [number, ({ optimizer }) => optimizer.learningRate],
  'create_optimizer.eps': [number, ({ optimizer }) => 'epsilon' in optimizer && optimizer.epsilon],
  'OutOfGraphReplayBuffer.replay_capacity': [number, ({ replay }) => replay.capacity],
  'OutOfGraphReplayBuffer.batch_size': [number, ({ agent }) => agent.batchSize],
  'OutOfGraphPrioritizedReplayBuffer.replay_capacity': [number, ({ replay }) => replay.capacity],
  'OutOfGraphPrioritizedReplayBuffer.batch_size': [number, ({ agent }) => agent.batchSize],
  'ReplayBuffer.max_capacity': [number, ({ replay }) => replay.capacity],
  'ReplayBuffer.batch_size': [number, ({ agent }) => agent.batchSize],
  'atari_lib.create_atari_environment.sticky_actions': [
    (given) => (boolean(given) ? 0.25 : 0),
    ({ environment }) => environment.repeatActionProbability,
  ],
  'AtariPreprocessing.terminal_on_life_loss': [boolean, ({ environment }) => environment.terminalOnLifeLoss],
  'Runner.max_steps_per_episode': [number, ({ environment }) => environment.maxEpisodeAgentSteps],
  'OfflineJaxRainbowAgent.bc_coefficient': [number, ({ agent }) => agent.conservativeCoefficient],
};

/** Which file a preset follows, and settings where it follows the paper instead or that concern other code. */
const FILES: Readonly<Record<string, { file: string; except?: readonly string[] }>> = {
  dqn: { file: 'jax/agents/dqn/configs/dqn.gin' },
  'dqn-nature-soft-moe': { file: 'labs/moes/configs/dqn.gin' },
  'dqn-soft-moe': { file: 'labs/moes/configs/dqn_impala.gin' },
  rainbow: { file: 'jax/agents/full_rainbow/configs/full_rainbow.gin' },
  'rainbow-soft-moe': { file: 'labs/moes/configs/full_rainbow.gin' },
  der: { file: 'labs/atari_100k/configs/DER.gin' },
  'der-soft-moe': { file: 'labs/moes/configs/DER.gin' },
  drq: { file: 'labs/atari_100k/configs/DrQ.gin' },
  'drq-eps': { file: 'labs/atari_100k/configs/DrQ_eps.gin' },
  // The file's network is Nature; the paper's offline agents use IMPALA.
  cql: { file: 'labs/offline_rl/jax/configs/jax_dr3.gin', except: ['JaxDQNAgent.network'] },
  // Offline agents never collect, so their start of learning and epsilon in training mean nothing.
  'cql-c51': { file: 'labs/offline_rl/jax/configs/jax_rainbow.gin' },
  // The file's network has no official code; episodes of CartPole-v0 end after 200 steps, ours are v1's.
  'classic-control-soft-moe': {
    file: 'labs/moes/configs/dqn_cartpole_moe.gin',
    except: ['JaxDQNAgent.network', 'Runner.max_steps_per_episode'],
  },
};

describe.each(Object.entries(FILES))('%s', (name, { file, except = [] }) => {
  const gin = FACTS.gin_verbatim[file]!;
  const config = getPreset(name);
  const known = Object.entries(gin).filter(([setting]) => setting in SETTINGS && !except.includes(setting));
  it(`equals ${file} in ${known.length} settings`, () => {
    expect(known.length).toBeGreaterThanOrEqual(8);
    for (const [setting, given] of known) {
      // Noisy agents never explore at random: the file's numbers mean nothing, and ours have none.
      const isUnused = /epsilon_(train|decay_period)$/.test(setting) && config.agent.epsilonSchedule === 'zero';
      if (isUnused) continue;
      const [read, ours] = SETTINGS[setting]!;
      expect(ours(config), setting).toEqual(read(given));
    }
  });
});

describe('presets', () => {
  it('follow the defaults of the official classes where the files are silent', () => {
    const { agent, optimizer } = getPreset('dqn');
    expect(agent.error).toBe('mse');
    expect(optimizer).toMatchObject({ beta1: 0.9, beta2: 0.999 });
    const rainbow = getPreset('rainbow-soft-moe');
    expect(rainbow.agent).toMatchObject({
      minimumValue: -10,
      epsilonSchedule: 'zero',
      perSampleNoise: true,
    });
    expect(rainbow.network.moe.expertHiddenUnits).toBe(512);
    expect(rainbow.replay).toMatchObject({ importanceExponent: 0.5 });
    expect(getPreset('rainbow').agent.perSampleNoise).toBe(false);
  });

  it('have eight experts in the paper variants, four in the files of Rainbow and DER', () => {
    for (const name of [
      'dqn-soft-moe',
      'rainbow-soft-moe-paper',
      'der-soft-moe-paper',
      'drq-eps-soft-moe-paper',
      'cql-soft-moe',
      'cql-c51-soft-moe',
    ]) {
      expect(getPreset(name).network.moe, name).toMatchObject({
        router: { type: 'soft' },
        experts: 8,
        expertHiddenUnits: 512,
      });
      expect(getPreset(name).network.encoder.type, name).toBe('impala');
    }
    expect(getPreset('rainbow-soft-moe').network.moe.experts).toBe(4);
    expect(getPreset('der-soft-moe').network.moe.experts).toBe(4);
    expect(getPreset('cql').optimizer).toMatchObject({ learningRate: 5e-5, epsilon: 3.125e-4 });
    expect(getPreset('cql').agent).toMatchObject({ conservativeCoefficient: 0.1, coadaptationCoefficient: 0 });
  });

  it('have the parameter counts of the paper’s comparison', () => {
    const blocks = (name: string) =>
      Object.fromEntries(
        createNetwork(getPreset(name).network, SPEC).parameterBlocks.map(({ block, parameters }) => [
          block,
          parameters,
        ]),
      );
    const moe = blocks('dqn-soft-moe');
    expect(moe.router! + moe.experts!).toBe(270_593);
    expect(moe.head).toBe(23_238);
    expect(blocks('dqn-impala')).toMatchObject({ dense: 1_982_976, head: 3078 });
    expect(blocks('dqn-wide')).toMatchObject({ dense: 15_863_808, head: 24_582 });
    const nature = blocks('dqn-nature-soft-moe');
    expect(nature.router! + nature.experts!).toBe(537_089);
    // The matched control is within one hidden unit of the mixture and its head.
    const matched = blocks('dqn-dense-matched');
    expect(Math.abs(matched.dense! + matched.head! - (270_593 + 23_238))).toBeLessThan(3872 + 7);
    const scaled = blocks('dqn-soft-moe-one-scaled');
    expect(Math.abs(scaled.experts! / moe.experts! - 1)).toBeLessThan(0.01);
  });

  it('are all valid and described, and an unknown one is refused', () => {
    for (const { name, description } of listPresets()) {
      expect(description.length, name).toBeGreaterThan(10);
      expect(getPreset(name).agent.batchSize).toBeGreaterThan(0);
    }
    expect(() => getPreset('dqm')).toThrow(NotFoundError);
    expect(() => getPreset('toString')).toThrow('there is no preset "toString"; there are dqn, dqn-impala');
  });
});
