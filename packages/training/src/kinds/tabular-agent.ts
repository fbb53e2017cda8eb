// Tabular learners as a kind of agent of runs: for environments whose states are known. They need no tensors.
import { type Environment, InvalidArgumentError, type SettingsTree, setting } from '@moe-rl/core';
import { isTabular, qLearning, reinforce, type TabularEnvironment, tabularAgent } from '@moe-rl/reward-design';
import type { AgentKind, Preset } from '@moe-rl/runs';

const ofQ = { applies: { path: 'learner.rule', in: ['q-learning'] } } as const;
const ofReinforce = { applies: { path: 'learner.rule', in: ['reinforce'] } } as const;

export const TABULAR_AGENT: AgentKind = {
  description: 'Tabular Q-learning and REINFORCE',
  settings: {
    learner: setting.group({
      rule: setting.choice('What is learned', 'q-learning', ['q-learning', 'reinforce']),
      learningRate: setting.number('Learning rate', 0.5, { minimum: 0, isMinimumOpen: true, maximum: 1000 }),
      epsilon: setting.share('Probability of a random action', 0.1, ofQ),
      periodEpisodes: setting.integer('Learns after so many episodes', 2, { maximum: 1000, ...ofReinforce }),
      batchEpisodes: setting.integer('From so many of the newest ones', 5, { maximum: 10, ...ofReinforce }),
    }),
  },
  checkRun({ preset, backend, threads }) {
    const [idle] = Object.entries({ backend: backend === 'auto' ? null : backend, threads }).filter(
      ([, value]) => value !== null,
    );
    if (idle === undefined) return;
    throw new InvalidArgumentError(
      `${idle[0]} is ${JSON.stringify(idle[1])}, which would do nothing: the agents of the preset ${preset} compute without a tensor backend`,
    );
  },
  create({ config, environment }) {
    requireTabular(`preset is ${config.preset}`, environment);
    const { rule, learningRate, epsilon, periodEpisodes, batchEpisodes } = (
      config as unknown as { readonly learner: SettingsTree }
    ).learner as { readonly rule: string } & Readonly<Record<string, number>>;
    const learner =
      rule === 'reinforce'
        ? reinforce(environment.mdp, {
            learningRate: learningRate!,
            periodEpisodes: periodEpisodes!,
            batchEpisodes: batchEpisodes!,
          })
        : qLearning(environment.mdp, { learningRate: learningRate!, epsilon: epsilon! });
    return { agent: tabularAgent(environment, learner, config.seed) };
  },
};

export const TABULAR_PRESETS: Readonly<Record<string, Preset>> = {
  'tabular-q-learning': {
    description: 'Q-learning over known states, learning rate 0.5 (EXPRD)',
    agent: 'tabular',
    trainingAgentSteps: 20_000,
  },
  'tabular-reinforce': {
    description: 'REINFORCE over known states, learning rate 0.1 (ExploRS)',
    agent: 'tabular',
    settings: { learner: { rule: 'reinforce', learningRate: 0.1 } },
    trainingAgentSteps: 100_000,
  },
};

/** @throws InvalidArgumentError naming what was asked for, and the environment whose states are not known */
export function requireTabular(
  asked: string,
  environment: Environment,
): asserts environment is Environment & TabularEnvironment {
  if (isTabular(environment)) return;
  throw new InvalidArgumentError(
    `${asked}, but the states of ${environment.id} are not known; expected an environment with a known process, for instance navigation/room`,
  );
}
