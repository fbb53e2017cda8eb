// What a rate study is: repeats of one experiment at several sizes, each a task of its own with its own random stream, so that they can run in any order,
// on any thread, today or tomorrow, and give the same numbers.
import { InvalidArgumentError, type Rng, requireInteger } from '@moe-rl/core';

export interface StudyTask {
  /** Unique within the study: names the random stream and the result line. */
  readonly key: string;
  readonly setting: string;
  /** n, or m in the approximation study. */
  readonly size: number;
  readonly repeat: number;
}

/** What one task gave: named numbers. */
export type StudyValues = Readonly<Record<string, number>>;

export interface ResultLine extends StudyTask {
  readonly values: StudyValues;
}

/** What is plotted on the horizontal axis, and the slope taken in. */
export type StudyAxis = 'n' | 'log(n)/n' | 'n/log(n)' | 'm';

/** One line of a figure and one row of a table: a value of a setting over the sizes. */
export interface SeriesDefinition {
  readonly setting: string;
  /** Name of the value. */
  readonly value: string;
  readonly label: string;
  /** Over the repeats. Default: the mean. */
  readonly average?: 'mean' | 'median';
  readonly axis: StudyAxis;
  /** Smaller sizes are left out: too few samples for what theory says. Default: none. */
  readonly from?: number;
  /** The slope that theory gives, null where a slope says nothing. */
  readonly theory: number | null;
  /** The slope that the paper measured. */
  readonly paper?: number;
}

/** Sizes, and how often each is repeated. */
export type StudyPlan = readonly { readonly size: number; readonly repeats: number }[];

export interface StudyDefinition {
  readonly name: string;
  readonly title: string;
  /** What is done, in a few sentences, for the page of results. */
  readonly description: string;
  /** What to know before believing it. */
  readonly notes: readonly string[];
  readonly settings: readonly string[];
  readonly plan: StudyPlan;
  readonly series: readonly SeriesDefinition[];
  run(task: StudyTask, rng: Rng): StudyValues;
}

/**
 * Every task of a study, smallest sizes first: what can be looked at early is there early.
 * @throws InvalidArgumentError for a size or a number of repeats out of range, or a size that is there twice
 */
export function studyTasks(study: StudyDefinition, plan: StudyPlan = study.plan): StudyTask[] {
  const sizes = new Set<number>();
  for (const { size, repeats } of plan) {
    requireInteger('size', size, 1, 1e9);
    requireInteger('repeats', repeats, 1, 1e6);
    // Equal keys are equal random streams: the same repeats would be counted as further ones.
    if (sizes.has(size))
      throw new InvalidArgumentError(`size ${size} is there twice; expected each once, with its repeats`);
    sizes.add(size);
  }
  return plan.flatMap(({ size, repeats }) =>
    study.settings.flatMap((setting) =>
      Array.from({ length: repeats }, (_, repeat) => ({
        key: `${setting}/${size}/${repeat}`,
        setting,
        size,
        repeat,
      })),
    ),
  );
}
