// One learner on one environment under one design: after how many episodes is its policy optimal?
import { createRng, InvalidArgumentError, requireInteger } from '@moe-rl/core';
import { draw, sampleNext, type TabularGame } from '../environments/tabular-environment.ts';
import { adaptiveDesigner, invariantRewards } from '../expadard/design.ts';
import type { RewardEpisode } from '../explors/episodes.ts';
import { type ExplorationOptions, TabularExploration } from '../explors/tabular-exploration.ts';
import { designExprd } from '../exprd/design.ts';
import { policyTable, type TabularLearner } from '../learners/learner.ts';
import { qLearning } from '../learners/q-learning.ts';
import { reinforce } from '../learners/reinforce.ts';
import type { Mdp } from '../mdp/mdp.ts';
import { policyValues, startValue, valueIteration } from '../mdp/solve.ts';
import { shapedRewards } from '../shaping.ts';

export type LearnerName = 'q-learning' | 'reinforce';

/** Designs of the studies; `exprd-5` gives rewards to five states beside the true reward's. */
export const STUDY_DESIGNS = [
  ...['original', 'invariance', 'pbrs', 'exprd-5', 'exprd', 'expadard'],
  ...['explob', 'selfrs', 'sors', 'lirpg', 'explors'],
] as const;
export type StudyDesign = (typeof STUDY_DESIGNS)[number];

const EXPLORING: Readonly<Partial<Record<string, Pick<ExplorationOptions, 'hasBonus' | 'learned'>>>> = {
  explob: { hasBonus: true, learned: 'none' },
  selfrs: { hasBonus: false, learned: 'self-supervised' },
  explors: { hasBonus: true, learned: 'self-supervised' },
  sors: { hasBonus: false, learned: 'ranking' },
  lirpg: { hasBonus: false, learned: 'simulated' },
};

/** The part of a design that sees a run. */
interface RunningDesign {
  pay(state: number, action: number, next: number): number;
  /** After each episode. */
  endEpisode(episodes: number, learner: TabularLearner): void;
}

/** Makes a design for one run after another; programs are solved once. */
export interface PreparedDesign {
  start(seed: number): RunningDesign;
  dispose(): void;
}

/**
 * Prepares a design for a game.
 * @param maxReward bound of designed rewards
 * @param clip bound of self-supervised rewards; undefined: none
 */
export async function prepareDesign(
  { mdp, horizon }: TabularGame,
  design: StudyDesign,
  { maxReward, clip }: { readonly maxReward: number; readonly clip?: number | undefined },
): Promise<PreparedDesign> {
  const exploring = EXPLORING[design];
  if (exploring !== undefined) {
    return {
      start(seed) {
        const exploration = new TabularExploration(mdp, {
          ...exploring,
          horizon,
          seed,
          ...(clip === undefined || exploring.learned !== 'self-supervised' ? {} : { clip }),
        });
        return {
          pay: (state, action, next) =>
            exploration.pay(state, action, mdp.rewards[state * mdp.actionCount + action]!, next),
          endEpisode(_, learner) {
            if (exploration.endEpisode()) exploration.update(policyTable(mdp, learner));
          },
        };
      },
      dispose() {},
    };
  }
  if (design === 'expadard') {
    const designer = await adaptiveDesigner(mdp, { maxReward });
    return {
      start() {
        let table = mdp.rewards;
        return {
          pay: (state, action) => table[state * mdp.actionCount + action]!,
          endEpisode(episodes, learner) {
            if (episodes % 5 === 0) table = designer.design(policyTable(mdp, learner));
          },
        };
      },
      dispose: () => designer.dispose(),
    };
  }
  const table = await rewardsOf(mdp, design, maxReward);
  return {
    start: () => ({ pay: (state, action) => table[state * mdp.actionCount + action]!, endEpisode() {} }),
    dispose() {},
  };
}

async function rewardsOf(mdp: Mdp, design: StudyDesign, maxReward: number): Promise<Float64Array> {
  switch (design) {
    case 'original':
      return mdp.rewards;
    case 'pbrs':
      return shapedRewards(mdp);
    case 'invariance':
      return invariantRewards(mdp, { maxReward });
    case 'exprd':
      return (await designExprd(mdp, { maxReward })).rewards;
    case 'exprd-5':
      return (await designExprd(mdp, { maxReward, budget: 5 })).rewards;
    default:
      throw new InvalidArgumentError(`design is "${design}"; expected one of ${STUDY_DESIGNS.join(', ')}`);
  }
}

export interface LearningRun {
  /** Episodes until the learner's best policy was worth `LEVEL` of the optimal one at three checks in a row, counted to the first; null: not within `maxEpisodes`. */
  readonly episodes: number | null;
}

/** The share of the optimal policy's true value that counts as optimal. */
export const LEVEL = 0.99;
const CHECKS_IN_A_ROW = 3;

/** Trains one learner. Its greedy policy is checked every 10 episodes, by its exact true value from the first state on. */
export function learningRun(
  { mdp, horizon }: TabularGame,
  learnerName: LearnerName,
  design: PreparedDesign,
  { seed, maxEpisodes }: { readonly seed: number; readonly maxEpisodes: number },
): LearningRun {
  requireInteger('maxEpisodes', maxEpisodes, 1);
  const learner = learnerName === 'q-learning' ? qLearning(mdp) : reinforce(mdp);
  const running = design.start(seed);
  const [acting, moving] = [createRng(seed, 'study-acting'), createRng(seed, 'study-moving')];
  const { actionCount, isTerminal, start } = mdp;
  const target = LEVEL * startValue(mdp, valueIteration(mdp).values);
  const check = optimalityCheck(mdp, target);
  const recent: RewardEpisode[] = [];
  let passed = 0;
  for (let episode = 1; episode <= maxEpisodes; episode++) {
    const [states, actions, rewards]: [number[], number[], number[]] = [[], [], []];
    let state = draw(start, moving);
    for (let time = 0; time < horizon && !isTerminal[state]; time++) {
      const action = learner.act(state, acting);
      const next = sampleNext(mdp, state * actionCount + action, moving);
      const reward = running.pay(state, action, next);
      learner.step(state, action, reward, next);
      states.push(state);
      actions.push(action);
      rewards.push(reward);
      state = next;
    }
    recent.push({ states, actions, rewards });
    if (recent.length > 10) recent.shift();
    running.endEpisode(episode, learner);
    learner.endEpisode(recent, episode);
    if (episode % 10 !== 0) continue;
    passed = check(learner) ? passed + 1 : 0;
    if (passed === CHECKS_IN_A_ROW) return { episodes: episode - 10 * (CHECKS_IN_A_ROW - 1) };
  }
  return { episodes: null };
}

/** Whether the greedy policy is worth enough; policies that did not change are not looked at again. */
function optimalityCheck(mdp: Mdp, target: number): (learner: TabularLearner) => boolean {
  const policy = new Int32Array(mdp.stateCount);
  let last: boolean | undefined;
  return (learner) => {
    let hasChanged = last === undefined;
    for (let state = 0; state < policy.length; state++) {
      const action = learner.greedyAction(state);
      if (policy[state] === action) continue;
      policy[state] = action;
      hasChanged = true;
    }
    if (hasChanged) last = startValue(mdp, policyValues(mdp, policy)) >= target;
    return last!;
  };
}
