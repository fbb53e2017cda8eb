// Designs over known states as wrappers around an environment: each sees the steps of a training and gives the reward to learn from.
import {
  CheckpointError,
  type Observation,
  type RewardDesign,
  requireInteger,
  requireKnownOptions,
  type StateTree,
} from '@moe-rl/core';
import type { TabularEnvironment } from '../environments/tabular-environment.ts';
import type { AdaptiveDesigner } from '../expadard/design.ts';
import { type ExplorationOptions, TabularExploration } from '../explors/tabular-exploration.ts';
import { requireTable } from '../mdp/mdp.ts';

/** Probabilities `[A]` with which the learner would act now. */
export type LearnerPolicy = (observation: Observation) => ArrayLike<number> | Promise<ArrayLike<number>>;

/**
 * Pays a table `[S, A]` in place of the true reward: shaping, EXPRD, Invariance.
 * @throws ShapeError or NonFiniteError for a table that is none of this environment's
 */
export function tableDesign(environment: TabularEnvironment, rewards: Float64Array): RewardDesign {
  const table = requireTable('rewards', environment.mdp, rewards).slice();
  const { actionCount } = environment.mdp;
  return {
    reward: ({ observation, action }) => table[environment.stateOf(observation) * actionCount + action]!,
    getState: () => ({ kind: 'reward-table', rewards: table.slice() }),
    setState: (state) => restoreTable(table, state, 'reward-table'),
  };
}

export interface AdaptiveDesignOptions {
  /** Episodes between two designs. Default 5. */
  readonly updatePeriodEpisodes?: number;
}

/**
 * EXPADARD: pays a table that is designed anew for the learner's policy, every so many episodes; the true reward until the first design.
 * @throws InvalidArgumentError for an unknown option, or a period that is no integer of at least 1
 */
export function adaptiveDesign(
  environment: TabularEnvironment,
  designer: AdaptiveDesigner,
  policyOf: LearnerPolicy,
  options: AdaptiveDesignOptions = {},
): RewardDesign {
  requireKnownOptions('the adaptive design', options, ['updatePeriodEpisodes']);
  const updatePeriodEpisodes = requireInteger('updatePeriodEpisodes', options.updatePeriodEpisodes ?? 5, 1);
  const { mdp } = environment;
  const table = mdp.rewards.slice();
  let episodes = 0;
  const states = Array.from({ length: mdp.stateCount }, (_, state) => state);
  return {
    reward: ({ observation, action }) => table[environment.stateOf(observation) * mdp.actionCount + action]!,
    async endEpisode() {
      episodes++;
      if (episodes % updatePeriodEpisodes !== 0) return;
      table.set(designer.design(await policyAt(environment, states, policyOf)));
    },
    getState: () => ({ kind: 'adaptive-reward-table', rewards: table.slice(), episodes }),
    setState(state) {
      restoreTable(table, state, 'adaptive-reward-table');
      episodes = Number(state.episodes);
    },
    dispose: () => designer.dispose(),
  };
}

/** ExploRS and its baselines over the states of a known process. */
export function explorationDesign(
  environment: TabularEnvironment,
  options: ExplorationOptions,
  policyOf: LearnerPolicy,
): RewardDesign {
  const exploration = new TabularExploration(environment.mdp, options);
  const states = Array.from({ length: environment.mdp.stateCount }, (_, state) => state);
  return {
    begin: () => exploration.begin(),
    reward: ({ observation, action, reward, terminated, nextObservation }) =>
      exploration.pay(
        environment.stateOf(observation),
        action,
        reward,
        environment.stateOf(nextObservation),
        terminated,
      ),
    async endEpisode() {
      if (!exploration.endEpisode()) return;
      // LIRPG's simulated episodes go anywhere.
      const needed = options.learned === 'simulated' ? states : exploration.bufferedStates();
      exploration.update(await policyAt(environment, options.learned === 'ranking' ? [] : needed, policyOf));
    },
    getState: () => exploration.getState(),
    setState: (state) => exploration.setState(state),
  };
}

/** The learner's policy `[S, A]` at given states; uniform at the end, 0 elsewhere. */
async function policyAt(
  { mdp, observationOf }: TabularEnvironment,
  states: Iterable<number>,
  policyOf: LearnerPolicy,
): Promise<Float64Array> {
  const { stateCount, actionCount, isTerminal } = mdp;
  const policy = new Float64Array(stateCount * actionCount);
  for (const state of states) {
    const row = isTerminal[state]
      ? new Float64Array(actionCount).fill(1 / actionCount)
      : await policyOf(observationOf(state));
    policy.set(row, state * actionCount);
  }
  return policy;
}

function restoreTable(table: Float64Array, state: StateTree, kind: string): void {
  const { rewards } = state;
  if (state.kind !== kind || !(rewards instanceof Float64Array) || rewards.length !== table.length) {
    throw new CheckpointError(
      `the state of the reward design is "${String(state.kind)}"; expected "${kind}" with ${table.length} rewards`,
    );
  }
  table.set(rewards);
}
