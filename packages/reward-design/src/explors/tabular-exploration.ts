// ExploRS and its baselines over known states: true reward, bonus for what is seen seldom, and a learned table, each on or off.
import {
  CheckpointError,
  createRng,
  type Rng,
  type RngState,
  requireBoolean,
  requireFinite,
  requireInteger,
  requireKnownOptions,
  requireOneOf,
  type StateTree,
} from '@moe-rl/core';
import type { Mdp } from '../mdp/mdp.ts';
import { rankingUpdate, simulatedUpdate } from './baselines.ts';
import { visitBonus } from './bonus.ts';
import type { RewardEpisode } from './episodes.ts';
import { selfSupervisedUpdate, updateCritic } from './self-supervised.ts';

/** `self-supervised`: ExploRS and SelfRS; `ranking`: SORS; `simulated`: LIRPG without meta-gradient. */
export type LearnedReward = 'none' | 'self-supervised' | 'ranking' | 'simulated';

export interface ExplorationOptions {
  readonly hasBonus: boolean;
  readonly learned: LearnedReward;
  /** lambda of the bonus. Default 1. */
  readonly bonusScale?: number;
  /** The bonus where nothing was seen. Default 1. */
  readonly largestBonus?: number;
  /** Default 0.01. */
  readonly learningRate?: number;
  /** Default 0.01. */
  readonly criticLearningRate?: number;
  /** Bound of the learned rewards, up and down; the authors' 0.01 for Q-learning. Default: none. (Networks: what their output is multiplied by.) */
  readonly clip?: number;
  /** Episodes that are learned from. Default 10. */
  readonly bufferEpisodes?: number;
  /** Episodes between updates. Default 5. */
  readonly updatePeriodEpisodes?: number;
  /** Steps of LIRPG's simulated episodes. Default 30. */
  readonly horizon?: number;
  /** Default 0. */
  readonly seed?: number;
}

const LEARNED = ['none', 'self-supervised', 'ranking', 'simulated'] as const;
const OPTIONS = [
  ...['hasBonus', 'learned', 'bonusScale', 'largestBonus', 'learningRate', 'criticLearningRate', 'clip'],
  ...['bufferEpisodes', 'updatePeriodEpisodes', 'horizon', 'seed'],
];

/**
 * Checks options before anything is learned by them.
 * @param where what has them, for messages
 * @param further names of options that `where` has beside these
 * @throws InvalidArgumentError for an unknown option, or one out of range
 */
export function requireExplorationOptions(
  where: string,
  options: ExplorationOptions,
  further: readonly string[] = [],
): void {
  requireKnownOptions(where, options, [...OPTIONS, ...further]);
  requireBoolean('hasBonus', options.hasBonus);
  requireOneOf('learned', options.learned, LEARNED);
  for (const name of ['bonusScale', 'largestBonus', 'clip'] as const)
    requireFinite(name, options[name] ?? 1, Number.MIN_VALUE);
  for (const name of ['learningRate', 'criticLearningRate'] as const) requireFinite(name, options[name] ?? 0, 0);
  for (const name of ['bufferEpisodes', 'updatePeriodEpisodes', 'horizon'] as const)
    requireInteger(name, options[name] ?? 1, 1);
}

interface Recording {
  readonly states: number[];
  readonly actions: number[];
  readonly rewards: number[];
}

/** Pays for steps, and learns what to pay. */
export class TabularExploration {
  readonly #mdp: Mdp;
  readonly #options: ExplorationOptions;
  readonly #rng: Rng;
  readonly #visits: Float64Array;
  readonly #phi: Float64Array;
  readonly #critic: Float64Array;
  #episodes: readonly RewardEpisode[] = [];
  #episode: Recording = { states: [], actions: [], rewards: [] };
  #count = 0;

  /** @throws InvalidArgumentError for an unknown option, or one out of range */
  constructor(mdp: Mdp, options: ExplorationOptions) {
    requireExplorationOptions('the exploration', options);
    this.#mdp = mdp;
    this.#options = options;
    this.#rng = createRng(options.seed ?? 0, 'exploration-design');
    this.#visits = new Float64Array(mdp.stateCount);
    this.#phi = new Float64Array(mdp.stateCount * mdp.actionCount);
    this.#critic = new Float64Array(mdp.stateCount);
  }

  /** What is added to the true reward of (s, a) now, `[S, A]`, the bonus taken where (s, a) is expected to lead. */
  addedRewards(): Float64Array {
    const { isTerminal, offsets, successors, probabilities } = this.#mdp;
    return this.#phi.map((learned, at) => {
      let bonus = 0;
      for (let index = offsets[at]!; this.#options.hasBonus && index < offsets[at + 1]!; index++) {
        const next = successors[index]!;
        if (!isTerminal[next]) bonus += probabilities[index]! * this.#bonus(next);
      }
      return learned + bonus;
    });
  }

  begin(): void {
    this.#episode = { states: [], actions: [], rewards: [] };
  }

  /**
   * The reward to learn from. The bonus is that of the next state, 0 for the end; the state left is counted (ExploRS, section 3, as in the authors' code).
   * @param isEnd whether the step ended the episode for good; by default where `next` is a terminal state
   */
  pay(state: number, action: number, reward: number, next: number, isEnd = this.#mdp.isTerminal[next] === 1): number {
    this.#episode.states.push(state);
    this.#episode.actions.push(action);
    this.#episode.rewards.push(reward);
    let paid = reward + this.#phi[state * this.#mdp.actionCount + action]!;
    if (this.#options.hasBonus) {
      if (!isEnd) paid += this.#bonus(next);
      this.#visits[state]!++;
    }
    return paid;
  }

  /** Keeps the episode; returns true when an update is due. */
  endEpisode(): boolean {
    const { learned, bufferEpisodes = 10, updatePeriodEpisodes = 5 } = this.#options;
    this.#count++;
    if (learned === 'none') return false;
    this.#episodes = [...this.#episodes, this.#episode].slice(-bufferEpisodes);
    this.begin();
    return this.#count % updatePeriodEpisodes === 0;
  }

  /** States of the episodes that an update learns from. */
  bufferedStates(): ReadonlySet<number> {
    return new Set(this.#episodes.flatMap(({ states }) => Array.from(states)));
  }

  /** @param policy `[S, A]`, the learner's; it may be zero at states that are not buffered, except for LIRPG */
  update(policy: Float64Array): void {
    const { learned, learningRate, criticLearningRate = 0.01, clip, horizon = 30 } = this.#options;
    const { discount, actionCount } = this.#mdp;
    const rate = learningRate === undefined ? {} : { learningRate };
    if (learned === 'self-supervised') {
      selfSupervisedUpdate(this.#phi, this.#critic, this.#episodes, policy, {
        discount,
        criticLearningRate,
        ...rate,
        ...(clip === undefined ? {} : { clip }),
      });
    } else if (learned === 'ranking') {
      rankingUpdate(this.#phi, actionCount, this.#episodes, this.#rng, { discount, ...rate });
    } else if (learned === 'simulated') {
      simulatedUpdate(this.#mdp, this.#phi, this.#critic, this.#episodes, policy, this.#rng, {
        discount,
        horizon,
        ...rate,
      });
      updateCritic(this.#critic, this.#episodes, { discount, learningRate: criticLearningRate });
    }
    if (clip === undefined) return;
    for (let at = 0; at < this.#phi.length; at++) this.#phi[at] = Math.min(clip, Math.max(-clip, this.#phi[at]!));
  }

  getState(): StateTree {
    const copy = ({ states, actions, rewards }: RewardEpisode): StateTree => ({
      states: Int32Array.from(states),
      actions: Int32Array.from(actions),
      rewards: Float64Array.from(rewards),
    });
    return {
      kind: 'tabular-exploration',
      visits: this.#visits.slice(),
      phi: this.#phi.slice(),
      critic: this.#critic.slice(),
      episodes: this.#episodes.map(copy),
      episode: copy(this.#episode),
      count: this.#count,
      rng: this.#rng.getState(),
    };
  }

  /** @throws CheckpointError for the state of something else, or of another process */
  setState(state: StateTree): void {
    const { visits, phi, critic, episodes, episode, count, rng } = state as unknown as {
      readonly [name in 'visits' | 'phi' | 'critic']: Float64Array;
    } & {
      readonly episodes: readonly RewardEpisode[];
      readonly episode: RewardEpisode;
      readonly count: number;
      readonly rng: RngState;
    };
    if (
      state.kind !== 'tabular-exploration' ||
      visits?.length !== this.#visits.length ||
      phi?.length !== this.#phi.length
    ) {
      throw new CheckpointError(
        `the state of the reward design is "${String(state.kind)}" of ${visits?.length ?? 'no'} states; expected "tabular-exploration" of ${this.#visits.length}`,
      );
    }
    this.#rng.setState(rng);
    this.#visits.set(visits);
    this.#phi.set(phi);
    this.#critic.set(critic);
    this.#episodes = episodes;
    this.#episode = {
      states: Array.from(episode.states),
      actions: Array.from(episode.actions),
      rewards: Array.from(episode.rewards),
    };
    this.#count = count;
  }

  #bonus(state: number): number {
    return visitBonus(this.#visits[state]!, this.#options.bonusScale, this.#options.largestBonus);
  }
}
