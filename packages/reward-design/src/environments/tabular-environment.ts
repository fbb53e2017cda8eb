// A decision process that was written down, played as an environment: the state is seen as a one-hot vector, and designs find the process beside it.
import { InvalidArgumentError, type Observation, type Rng, requireInteger, ShapeError } from '@moe-rl/core';
import { environmentOf, type SmallEnvironment, type SmallEnvironmentConfig } from '@moe-rl/small-environments';
import type { Mdp } from '../mdp/mdp.ts';

/** Where the states lie in a picture. */
export interface StateLayout {
  readonly columns: number;
  readonly rows: number;
  /** Column and row (from the top) of a state; undefined for states without a place, such as the end. */
  place(state: number): readonly [column: number, row: number] | undefined;
  /** Name of a row, where rows mean something. */
  rowName?(row: number): string;
  readonly actionNames: readonly string[];
}

/** An environment whose decision process, or that of an abstraction of it, is known. */
export interface TabularEnvironment extends SmallEnvironment {
  readonly mdp: Mdp;
  readonly layout: StateLayout;
  /**
   * The state that an observation shows.
   * @throws ShapeError for another length; InvalidArgumentError for what is no observation of this environment
   */
  stateOf(observation: Observation): number;
  /** An observation of a state. */
  observationOf(state: number): Float32Array;
}

/** What a game with a known process consists of. */
export interface TabularGame {
  readonly id: string;
  readonly mdp: Mdp;
  readonly layout: StateLayout;
  /** Cuts episodes after so many agent steps. */
  readonly horizon: number;
}

export function isTabular(environment: object): environment is TabularEnvironment {
  return 'mdp' in environment && 'stateOf' in environment;
}

/**
 * Makes the environment. The reward of (s, a) is paid as it stands in the table, whatever the successor.
 * @throws InvalidArgumentError for a horizon that is no integer of at least 1
 */
export function tabularEnvironment(game: TabularGame, config: SmallEnvironmentConfig = {}): TabularEnvironment {
  const { id, mdp, layout, horizon } = game;
  const { stateCount, actionCount, rewards, isTerminal, start } = mdp;
  const environment = environmentOf<{ state: number }>(
    {
      id,
      observationSpec: { frameShape: [stateCount], stackSize: 1, dtype: 'float32' },
      actionCount,
      maxEpisodeAgentSteps: requireInteger('horizon', horizon, 1),
      stickyActionProbability: 0,
      begin: (rng) => ({ state: draw(start, rng) }),
      advance(play, action, rng) {
        const at = play.state * actionCount + action;
        play.state = sampleNext(mdp, at, rng);
        return { reward: rewards[at]!, terminated: isTerminal[play.state] === 1 };
      },
      observe(play, target) {
        target[play.state] = 1;
      },
    },
    config,
  );
  return {
    ...environment,
    mdp,
    layout,
    stateOf: (observation) => oneHotState(id, observation, stateCount),
    observationOf(state) {
      const observation = new Float32Array(stateCount);
      observation[state] = 1;
      return observation;
    },
  };
}

/** Draws a successor of (s, a), given as `at = s * A + a`. */
export function sampleNext({ offsets, successors, probabilities }: Mdp, at: number, rng: Rng): number {
  let left = rng.nextFloat();
  const last = offsets[at + 1]! - 1;
  for (let index = offsets[at]!; index < last; index++) {
    left -= probabilities[index]!;
    if (left < 0) return successors[index]!;
  }
  return successors[last]!;
}

/** Draws an index by probabilities. */
export function draw(probabilities: ArrayLike<number>, rng: Rng): number {
  let left = rng.nextFloat();
  let last = 0;
  for (let index = 0; index < probabilities.length; index++) {
    if (probabilities[index]! <= 0) continue;
    left -= probabilities[index]!;
    if (left < 0) return index;
    last = index;
  }
  return last;
}

function oneHotState(id: string, observation: Observation, stateCount: number): number {
  if (observation.length !== stateCount) {
    throw new ShapeError(
      `${id}: the observation has ${observation.length} values; expected ${stateCount}, one per state`,
    );
  }
  const state = (observation as Float32Array).indexOf(1);
  if (state < 0)
    throw new InvalidArgumentError(`${id}: the observation shows no state; expected a 1 at one of ${stateCount}`);
  return state;
}
