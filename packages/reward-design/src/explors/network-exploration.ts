// ExploRS and its baselines where states are not known: the learned reward and the critic are networks, visits are counted in cells.
import {
  CheckpointError,
  createRng,
  type Environment,
  InvalidArgumentError,
  type Observation,
  type RewardDesign,
  type RngState,
  requireFinite,
  requireInteger,
  type StateTree,
} from '@moe-rl/core';
import type { LearnerPolicy } from '../designs/wrappers.ts';
import { visitBonus } from './bonus.ts';
import { returnsToGo } from './episodes.ts';
import { type FeatureMap, featureMap } from './features.ts';
import { SmallNetwork } from './network.ts';
import { type ExplorationOptions, requireExplorationOptions } from './tabular-exploration.ts';

export interface NetworkExplorationOptions extends ExplorationOptions {
  /** Of the true returns. Default 0.99. */
  readonly discount?: number;
  /** Default 256. */
  readonly hiddenUnits?: number;
  /** Width of the cells in which vectors are counted. Default 0.1. */
  readonly cellWidth?: number;
}

/** Seen steps of an episode; observations one behind the other. */
interface SeenEpisode {
  observations: Observation[];
  actions: number[];
  rewards: number[];
}

/** Pairs of episodes in an update of SORS. */
const PAIRS = 10;

/**
 * The design around an environment whose states are not known. The learned reward is a network's output for the action, times `clip` (default 0.1, the authors').
 * @throws InvalidArgumentError for options out of range, or a learned reward that needs known states (LIRPG)
 */
export function networkExplorationDesign(
  environment: Pick<Environment, 'id' | 'observationSpec' | 'actionCount'>,
  options: NetworkExplorationOptions,
  policyOf: LearnerPolicy,
): RewardDesign {
  requireExplorationOptions('the exploration by networks', options, ['discount', 'hiddenUnits', 'cellWidth']);
  if (options.learned === 'simulated') {
    throw new InvalidArgumentError(
      `${environment.id}: learned is simulated, which needs known states; expected none, self-supervised or ranking`,
    );
  }
  const { hasBonus, learned, bonusScale, largestBonus, learningRate = 1e-3, criticLearningRate = 5e-3 } = options;
  const { clip = 0.1, bufferEpisodes = 10, updatePeriodEpisodes = 5, discount = 0.99, seed = 0 } = options;
  const hiddenUnits = requireInteger('hiddenUnits', options.hiddenUnits ?? 256, 1);
  requireFinite('discount', discount, 0, 1);
  const { observationSpec, actionCount } = environment;
  const map: FeatureMap = featureMap(observationSpec, options.cellWidth ?? 0.1);
  const isLearning = learned !== 'none';
  const rng = createRng(seed, 'exploration-design');
  const rewardNetwork = isLearning
    ? new SmallNetwork(map.length, hiddenUnits, actionCount, createRng(seed, 'reward-network'))
    : undefined;
  const critic =
    learned === 'self-supervised'
      ? new SmallNetwork(map.length, hiddenUnits, 1, createRng(seed, 'reward-critic'))
      : undefined;
  const visits = new Map<number, number>();
  // As in the authors' code, an untrained network pays nothing.
  let updates = 0;
  let count = 0;
  let episodes: SeenEpisode[] = [];
  let episode: SeenEpisode = { observations: [], actions: [], rewards: [] };
  const bonusAt = (observation: Observation): number =>
    visitBonus(visits.get(map.cell(observation)) ?? 0, bonusScale, largestBonus);

  /** One step on each buffered episode for the reward, then for the critic; the critic's values are those before. */
  const selfSupervise = async (network: SmallNetwork, values: SmallNetwork): Promise<void> => {
    for (const { observations, actions, rewards } of episodes) {
      const returns = returnsToGo(rewards, discount);
      const inputs = observations.map((observation) => map.features(observation));
      const advantages: number[] = [];
      for (const [time, input] of inputs.entries()) {
        const policy = await policyOf(observations[time]!);
        const advantage = returns[time]! - values.forward(input)[0]!;
        advantages.push(advantage);
        const weight = (policy[actions[time]!]! * advantage * clip) / inputs.length;
        const slopes = Float64Array.from({ length: actionCount }, (_, action) => weight * policy[action]!);
        slopes[actions[time]!]! -= weight;
        if (weight !== 0) network.accumulate(input, slopes);
      }
      network.descend(learningRate);
      for (const [time, input] of inputs.entries())
        values.accumulate(input, [(-2 * advantages[time]!) / inputs.length]);
      values.descend(criticLearningRate);
    }
    updates++;
  };

  const rank = (network: SmallNetwork): void => {
    const returns = episodes.map(({ rewards }) => returnsToGo(rewards, discount)[0] ?? 0);
    const ranked = returns.flatMap((better, i) =>
      returns.flatMap((worse, j) => (better > worse ? [[i, j] as const] : [])),
    );
    if (ranked.length === 0) return;
    const inputs = episodes.map(({ observations }) => observations.map((observation) => map.features(observation)));
    const worth = (index: number): number =>
      inputs[index]!.reduce(
        (sum, input, time) => sum + clip * discount ** time * network.forward(input)[episodes[index]!.actions[time]!]!,
        0,
      );
    const push = (index: number, slope: number): void => {
      for (const [time, input] of inputs[index]!.entries()) {
        const slopes = new Float64Array(actionCount);
        slopes[episodes[index]!.actions[time]!] = slope * clip * discount ** time;
        network.accumulate(input, slopes);
      }
    };
    for (let pair = 0; pair < Math.min(PAIRS, ranked.length); pair++) {
      const [better, worse] = ranked.length <= PAIRS ? ranked[pair]! : ranked[rng.nextInteger(ranked.length)]!;
      const lacking = 1 / (1 + Math.exp(worth(better) - worth(worse)));
      push(better, -lacking);
      push(worse, lacking);
      network.descend(learningRate);
    }
    updates++;
  };

  return {
    begin() {
      episode = { observations: [], actions: [], rewards: [] };
    },
    reward({ observation, action, reward, terminated, nextObservation }) {
      let paid = reward;
      if (rewardNetwork !== undefined) {
        if (updates > 0) paid += clip * rewardNetwork.forward(map.features(observation))[action]!;
        episode.observations.push(observation.slice());
        episode.actions.push(action);
        episode.rewards.push(reward);
      }
      if (hasBonus) {
        if (!terminated) paid += bonusAt(nextObservation);
        const cell = map.cell(observation);
        visits.set(cell, (visits.get(cell) ?? 0) + 1);
      }
      return paid;
    },
    async endEpisode() {
      count++;
      if (rewardNetwork === undefined) return;
      episodes = [...episodes, episode].slice(-bufferEpisodes);
      episode = { observations: [], actions: [], rewards: [] };
      if (count % updatePeriodEpisodes !== 0) return;
      if (critic !== undefined) await selfSupervise(rewardNetwork, critic);
      else rank(rewardNetwork);
    },
    getState: () => ({
      kind: 'network-exploration',
      cells: Int32Array.from(visits.keys()),
      visits: Float64Array.from(visits.values()),
      reward: rewardNetwork?.getState() ?? null,
      critic: critic?.getState() ?? null,
      updates,
      count,
      episodes: episodes.map(packed),
      episode: packed(episode),
      rng: rng.getState(),
    }),
    setState(state) {
      const isOther = (state.reward === null) === isLearning || (state.critic === null) !== (critic === undefined);
      if (state.kind !== 'network-exploration' || isOther) {
        throw new CheckpointError(
          `${environment.id}: the state of the reward design is "${String(state.kind)}"; expected "network-exploration" ${isLearning ? 'with' : 'without'} a network`,
        );
      }
      rewardNetwork?.setState(state.reward as StateTree);
      critic?.setState(state.critic as StateTree);
      rng.setState(state.rng as RngState);
      visits.clear();
      const counts = state.visits as Float64Array;
      for (const [index, cell] of (state.cells as Int32Array).entries()) visits.set(cell, counts[index]!);
      updates = Number(state.updates);
      count = Number(state.count);
      episodes = (state.episodes as readonly StateTree[]).map(unpacked);
      episode = unpacked(state.episode as StateTree);
    },
  };
}

function packed({ observations, actions, rewards }: SeenEpisode): StateTree {
  return {
    observations: [...observations],
    actions: Int32Array.from(actions),
    rewards: Float64Array.from(rewards),
  };
}

function unpacked({ observations, actions, rewards }: StateTree): SeenEpisode {
  return {
    observations: [...(observations as readonly Observation[])],
    actions: Array.from(actions as Int32Array),
    rewards: Array.from(rewards as Float64Array),
  };
}
