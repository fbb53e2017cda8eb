// A tabular learner as an agent: it reads states off observations, so that it can be trained, saved and evaluated like any other.
import { type Agent, CheckpointError, createRng, type Rng, type RngState, type StateTree } from '@moe-rl/core';
import type { TabularEnvironment } from '../environments/tabular-environment.ts';
import type { RewardEpisode } from '../explors/episodes.ts';
import type { TabularLearner } from './learner.ts';

/** Episodes that a learner may learn from. */
const KEPT_EPISODES = 10;

/** Acts by the learner's own policy in training, and by what it holds for the best in evaluation. */
export function tabularAgent(
  environment: Pick<TabularEnvironment, 'mdp' | 'stateOf'>,
  learner: TabularLearner,
  seed: number,
): Agent {
  const rng: Rng = createRng(seed, 'tabular-agent');
  let recent: readonly RewardEpisode[] = [];
  let episode = { states: [] as number[], actions: [] as number[], rewards: [] as number[] };
  let episodes = 0;
  let trainingAgentSteps = 0;
  const oneHot = (action: number): Float64Array => {
    const row = new Float64Array(environment.mdp.actionCount);
    row[action] = 1;
    return row;
  };
  return {
    get trainingAgentSteps() {
      return trainingAgentSteps;
    },
    get updates() {
      return trainingAgentSteps;
    },
    act(observation, mode) {
      const state = environment.stateOf(observation);
      return mode === 'train' ? learner.act(state, rng) : learner.greedyAction(state);
    },
    actionProbabilities(observation, mode) {
      const state = environment.stateOf(observation);
      return mode === 'train' ? learner.probabilities(state) : oneHot(learner.greedyAction(state));
    },
    observe({ observation, action, reward, terminated, truncated, nextObservation }) {
      trainingAgentSteps++;
      const state = environment.stateOf(observation);
      learner.step(state, action, reward, environment.stateOf(nextObservation), terminated);
      episode.states.push(state);
      episode.actions.push(action);
      episode.rewards.push(reward);
      if (terminated || truncated) {
        episodes++;
        recent = [...recent, episode].slice(-KEPT_EPISODES);
        episode = { states: [], actions: [], rewards: [] };
        learner.endEpisode(recent, episodes);
      }
      return {};
    },
    getState: () =>
      ({
        kind: 'tabular-agent',
        table: learner.table.slice(),
        rng: rng.getState(),
        recent: recent.map(packed),
        episode: packed(episode),
        episodes,
        trainingAgentSteps,
      }) as StateTree,
    setState(state) {
      const { table } = state;
      if (state.kind !== 'tabular-agent' || !(table instanceof Float64Array) || table.length !== learner.table.length) {
        throw new CheckpointError(
          `the agent's state is "${String(state.kind)}"; expected "tabular-agent" with a table of ${learner.table.length}`,
        );
      }
      rng.setState(state.rng as RngState);
      learner.table.set(table);
      recent = (state.recent as unknown as readonly RewardEpisode[]).map(unpacked);
      episode = unpacked(state.episode as unknown as RewardEpisode);
      episodes = Number(state.episodes);
      trainingAgentSteps = Number(state.trainingAgentSteps);
    },
    dispose() {},
  };
}

function packed({ states, actions, rewards }: RewardEpisode): StateTree {
  return { states: Int32Array.from(states), actions: Int32Array.from(actions), rewards: Float64Array.from(rewards) };
}

function unpacked({ states, actions, rewards }: RewardEpisode) {
  return { states: Array.from(states), actions: Array.from(actions), rewards: Array.from(rewards) };
}
