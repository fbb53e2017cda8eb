// The designs of @moe-rl/reward-design, as reward designs of runs.
import { InvalidArgumentError, type RewardDesign, type Setting, type SettingsTree, setting } from '@moe-rl/core';
import {
  adaptiveDesign,
  adaptiveDesigner,
  DEFAULT_HORIZONS,
  designExprd,
  type ExplorationOptions,
  explorationDesign,
  growTree,
  invariantRewards,
  isTabular,
  type LearnerPolicy,
  networkExplorationDesign,
  shapedRewards,
  type TabularEnvironment,
  tableDesign,
} from '@moe-rl/reward-design';
import type { RewardKind, RewardRequest } from '@moe-rl/runs';
import { requireTabular } from './tabular-agent.ts';

const maxReward = setting.positive('Largest designed reward, up or down', 10);
const updatePeriodEpisodes = setting.integer('Episodes between two updates of the design', 5, { maximum: 1e6 });

/** A design that works on known states only. */
function ofKnownStates(
  name: string,
  description: string,
  settings: Readonly<Record<string, Setting>>,
  create: (
    environment: TabularEnvironment,
    settings: SettingsTree,
    request: RewardRequest,
  ) => RewardDesign | Promise<RewardDesign>,
): readonly [string, RewardKind] {
  return [
    name,
    {
      description,
      settings,
      checkRun: ({ environment }) => requireTabular(`reward.type is ${name}`, environment),
      create(request) {
        const { environment } = request;
        requireTabular(`reward.type is ${name}`, environment);
        return create(environment, request.settings, request);
      },
    },
  ];
}

const learned: Readonly<Record<string, Setting>> = {
  learningRate: setting.number('Learning rate of the learned reward; null: 0.01 for tables, 0.001 for networks', null, {
    isNullable: true,
    minimum: 0,
    isMinimumOpen: true,
    maximum: 1000,
  }),
  clip: setting.number(
    'Tables: bound of the learned reward, up and down (null: none); networks: what their output is multiplied by (null: 0.1)',
    null,
    { isNullable: true, minimum: 0, isMinimumOpen: true },
  ),
  bufferEpisodes: setting.integer('Newest episodes that it learns from', 10, { maximum: 10_000 }),
  updatePeriodEpisodes,
};
const critic: Readonly<Record<string, Setting>> = {
  criticLearningRate: setting.number('Learning rate of the critic; null: 0.01 for tables, 0.005 for networks', null, {
    isNullable: true,
    minimum: 0,
    isMinimumOpen: true,
    maximum: 1000,
  }),
};
const bonus: Readonly<Record<string, Setting>> = {
  bonusScale: setting.positive('lambda: the bonus falls as lambda / sqrt(visits)', 1),
  largestBonus: setting.positive('The bonus where nothing was seen', 1),
};
/** Where states are not known. */
const networks: Readonly<Record<string, Setting>> = {
  discount: setting.share('Discount of the returns that it learns from, where the process is not known', 0.99),
  hiddenUnits: setting.integer('Hidden units of its networks, where states are not known', 256, { maximum: 100_000 }),
};
const cells: Readonly<Record<string, Setting>> = {
  cellWidth: setting.positive('Width of the cells in which vectors are counted, where states are not known', 0.1),
};

/** A design that explores, over tables where states are known and by networks elsewhere. */
function exploring(
  name: string,
  description: string,
  settings: Readonly<Record<string, Setting>>,
  parts: Pick<ExplorationOptions, 'hasBonus' | 'learned'>,
): readonly [string, RewardKind] {
  return [
    name,
    {
      description,
      settings,
      create({ settings, environment, agent, config }) {
        const ofNetworks = isTabular(environment) ? Object.keys({ ...networks, ...cells }) : [];
        const options = { ...parts, ...given(settings, ofNetworks), seed: config.seed };
        const policyOf = policyOfAgent(name, agent, parts.learned !== 'none' && parts.learned !== 'ranking');
        return isTabular(environment)
          ? explorationDesign(environment, options, policyOf)
          : networkExplorationDesign(environment, options, policyOf);
      },
    },
  ];
}

export const REWARDS: Readonly<Record<string, RewardKind>> = Object.fromEntries([
  ofKnownStates('pbrs', 'Potential-based shaping by the optimal values', {}, (environment) =>
    tableDesign(environment, shapedRewards(environment.mdp)),
  ),
  ofKnownStates(
    'invariance',
    'Any rewards that keep optimal policies optimal (a baseline)',
    { maxReward },
    async (environment, settings) =>
      tableDesign(environment, await invariantRewards(environment.mdp, { maxReward: Number(settings.maxReward) })),
  ),
  ofKnownStates(
    'exprd',
    'EXPRD: informative rewards on few states, by linear programs',
    {
      maxReward,
      budget: setting.integer('States with rewards beside those of the true one; null: all', null, {
        isNullable: true,
        maximum: 10_000,
      }),
      leaves: setting.integer('Rewards tied over so many leaves of a tree of states; null: no tree', null, {
        isNullable: true,
        maximum: 10_000,
      }),
      horizons: setting.numbers('Horizons in which gaps are compared', DEFAULT_HORIZONS, {
        isInteger: true,
        minimum: 0,
        maximum: 10_000,
        maximumLength: 100,
      }),
    },
    async (environment, settings, { say }) => {
      const { budget, leaves, horizons } = settings;
      if (budget !== null && leaves !== null) {
        throw new InvalidArgumentError(
          `reward.leaves is ${String(leaves)} and reward.budget is ${String(budget)}; expected one of them`,
        );
      }
      const options = { maxReward: Number(settings.maxReward), horizons: horizons as readonly number[] };
      const { mdp } = environment;
      const design =
        leaves === null
          ? await designExprd(mdp, { ...options, ...(budget === null ? {} : { budget: Number(budget) }) })
          : await growTree(mdp, environment.layout, Number(leaves), options);
      say(`reward: EXPRD, informativeness ${design.informativeness.toPrecision(4)}`);
      return tableDesign(environment, design.rewards);
    },
  ),
  ofKnownStates(
    'expadard',
    "EXPADARD: rewards designed anew for the learner's policy",
    {
      maxReward,
      depth: setting.integer("Steps of the learner's advantage that count", 1, { maximum: 10_000 }),
      teacherEpsilon: setting.share('How often the teacher explores', 0.4),
      updatePeriodEpisodes,
    },
    async (environment, settings, { agent }) => {
      const options = {
        maxReward: Number(settings.maxReward),
        depth: Number(settings.depth),
        teacherEpsilon: Number(settings.teacherEpsilon),
      };
      const policyOf = policyOfAgent('expadard', agent, true);
      return adaptiveDesign(environment, await adaptiveDesigner(environment.mdp, options), policyOf, {
        updatePeriodEpisodes: Number(settings.updatePeriodEpisodes),
      });
    },
  ),
  exploring(
    'explob',
    'A bonus for what is seen seldom (a baseline of ExploRS)',
    { ...bonus, ...cells },
    { hasBonus: true, learned: 'none' },
  ),
  exploring(
    'selfrs',
    "ExploRS's self-supervised part alone (a baseline)",
    { ...learned, ...critic, ...networks },
    { hasBonus: false, learned: 'self-supervised' },
  ),
  exploring(
    'explors',
    'ExploRS: a self-supervised reward and a bonus for what is seen seldom',
    { ...learned, ...critic, ...bonus, ...cells, ...networks },
    { hasBonus: true, learned: 'self-supervised' },
  ),
  exploring(
    'sors',
    'SORS beside the true reward: rewards that rank episodes as their returns do (a baseline)',
    { ...learned, ...networks },
    { hasBonus: false, learned: 'ranking' },
  ),
  ofKnownStates(
    'lirpg',
    'LIRPG without meta-gradient, over known states (a baseline)',
    { ...learned, ...critic },
    (environment, settings, { agent, config }) =>
      explorationDesign(
        environment,
        { hasBonus: false, learned: 'simulated', ...given(settings), seed: config.seed },
        policyOfAgent('lirpg', agent, true),
      ),
  ),
]);

/** Settings without the nulls that stand for defaults, and without those left out. */
function given(settings: SettingsTree, leftOut: readonly string[] = []): Readonly<Record<string, number>> {
  const entries = Object.entries(settings).filter(([name, value]) => value !== null && !leftOut.includes(name));
  return Object.fromEntries(entries) as Readonly<Record<string, number>>;
}

/** @throws InvalidArgumentError for an agent that can't tell its policy, where the design needs it */
function policyOfAgent(name: string, agent: RewardRequest['agent'], isNeeded: boolean): LearnerPolicy {
  if (agent.actionProbabilities === undefined && isNeeded) {
    throw new InvalidArgumentError(
      `reward.type is ${name}, which follows the learner's policy, but this agent can't tell the probabilities of its actions (actionProbabilities)`,
    );
  }
  return (observation) => agent.actionProbabilities!(observation, 'train');
}
