// The studies: which games, learners and lengths, what the papers say of them, and what came out.
import {
  createRng,
  InvalidArgumentError,
  NotFoundError,
  requireInteger,
  requireKnownOptions,
  requireOneOf,
} from '@moe-rl/core';
import { chain } from '../environments/chain.ts';
import { lineKey } from '../environments/line-key.ts';
import { room } from '../environments/room.ts';
import type { TabularGame } from '../environments/tabular-environment.ts';
import { type LearnerName, learningRun, prepareDesign, STUDY_DESIGNS, type StudyDesign } from './learning.ts';

export interface DesignStudy {
  readonly title: string;
  readonly game: TabularGame;
  /** Bound of designed rewards. */
  readonly maxReward: number;
}

/** One learner's run: a line of results. */
export interface StudyResult {
  readonly study: string;
  readonly learner: LearnerName;
  readonly design: StudyDesign;
  readonly seed: number;
  readonly maxEpisodes: number;
  readonly episodes: number | null;
}

/** How long learners may take. */
export const MAX_EPISODES: Readonly<Record<LearnerName, number>> = { 'q-learning': 2000, reinforce: 5000 };
/** The authors bound self-supervised rewards for Q-learning. */
const CLIP: Readonly<Record<LearnerName, number | undefined>> = { 'q-learning': 0.01, reinforce: undefined };

const STUDIES: Readonly<Record<string, () => DesignStudy>> = {
  room: () => ({ title: 'Room', game: room({ goalReward: 10, discount: 0.95 }), maxReward: 10 }),
  chain: () => ({ title: 'Chain', game: chain({ statesRight: 20, statesLeft: 40, horizon: 40 }), maxReward: 1 }),
  'line-key': () => ({ title: 'LineK', game: lineKey(), maxReward: 10 }),
};

export const DESIGN_STUDY_NAMES: readonly string[] = Object.keys(STUDIES);

/** @throws NotFoundError naming the studies there are */
export function designStudy(name: string): DesignStudy {
  if (!Object.hasOwn(STUDIES, name)) {
    throw new NotFoundError(`there is no study "${name}"; there are ${DESIGN_STUDY_NAMES.join(', ')}`);
  }
  return STUDIES[name]!();
}

export interface StudyOptions {
  readonly learner: LearnerName;
  readonly design: StudyDesign;
  readonly seeds: readonly number[];
  readonly maxEpisodes?: number;
  readonly onResult: (result: StudyResult) => void;
  readonly signal?: AbortSignal;
}

const OPTIONS = ['learner', 'design', 'seeds', 'maxEpisodes', 'onResult', 'signal'];

/**
 * Runs some seeds of one learner and design.
 * @throws NotFoundError for an unknown study; InvalidArgumentError for an unknown learner, design or option, or one out of range
 */
export async function runDesignStudy(name: string, options: StudyOptions): Promise<void> {
  requireKnownOptions('runDesignStudy', options, OPTIONS);
  requireOneOf('learner', options.learner, ['q-learning', 'reinforce']);
  requireOneOf('design', options.design, STUDY_DESIGNS);
  const { learner, design, seeds, onResult, signal } = options;
  const maxEpisodes = requireInteger('maxEpisodes', options.maxEpisodes ?? MAX_EPISODES[learner], 1);
  if (seeds.length === 0) return;
  const { game, maxReward } = designStudy(name);
  const prepared = await prepareDesign(game, design, { maxReward, clip: CLIP[learner] });
  try {
    for (const seed of seeds) {
      signal?.throwIfAborted();
      const { episodes } = learningRun(game, learner, prepared, { seed, maxEpisodes });
      onResult({ study: name, learner, design, seed, maxEpisodes, episodes });
      // Lets a stop be noticed.
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  } finally {
    prepared.dispose();
  }
}

export interface DesignSummary {
  readonly learner: LearnerName;
  readonly design: StudyDesign;
  readonly seeds: number;
  /** Seeds that became optimal in time. */
  readonly reached: number;
  /**
   * Mean episodes, those that never became optimal counted with the longest time, and its 95 % percentile bootstrap interval over seeds. Of a single seed the interval
   * is the estimate itself, and says nothing.
   */
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/**
 * One row for each learner and design, in the order of their first results.
 * @throws InvalidArgumentError for a seed that is there twice (it would count as two), or no resamples
 */
export function summarizeDesigns(results: readonly StudyResult[], resamples = 2000): readonly DesignSummary[] {
  requireInteger('resamples', resamples, 1);
  const groups = new Map<string, StudyResult[]>();
  for (const result of results) {
    const key = `${result.learner} ${result.design}`;
    const group = groups.get(key) ?? [];
    if (group.some(({ study, seed }) => study === result.study && seed === result.seed))
      throw new InvalidArgumentError(`${key}: seed ${result.seed} is there twice; expected each once`);
    groups.set(key, [...group, result]);
  }
  return [...groups.entries()].map(([key, group]) => {
    const values = group.map(({ episodes, maxEpisodes }) => episodes ?? maxEpisodes);
    const rng = createRng(0, key);
    const means = Array.from({ length: resamples }, () => {
      let sum = 0;
      for (let index = 0; index < values.length; index++) sum += values[rng.nextInteger(values.length)]!;
      return sum / values.length;
    }).sort((left, right) => left - right);
    const { learner, design } = group[0]!;
    return {
      learner,
      design,
      seeds: group.length,
      reached: group.filter(({ episodes }) => episodes !== null).length,
      mean: values.reduce((sum, value) => sum + value, 0) / values.length,
      low: means[Math.floor(0.025 * (resamples - 1))]!,
      high: means[Math.ceil(0.975 * (resamples - 1))]!,
    };
  });
}
