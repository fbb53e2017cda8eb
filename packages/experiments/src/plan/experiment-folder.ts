// The folder of an experiment: what was planned and what it resolved to, the runs that are done, those under way, who claims which, and the report.
import { existsSync, readdirSync } from 'node:fs';
import { CheckpointError, InvalidArgumentError, NotFoundError } from '@moe-rl/core';
import { makeFolder, readJsonObject, replaceFile } from '@moe-rl/core/node';
import { type Experiment, fingerprintOf, type Job, listJobs } from './experiment.ts';
import { type ExperimentPaths, experimentPaths } from './experiment-paths.ts';

const FORMAT_VERSION = 1;

export interface ExperimentFolder extends ExperimentPaths {
  readonly experiment: Experiment;
  readonly jobs: readonly Job[];
}

/**
 * Makes the folder of an experiment, or opens it when it holds this very experiment.
 * @param options.extend allows games, variants and seeds to be added to what is there
 * @throws InvalidArgumentError when the folder holds another experiment (says what differs) or something else; CheckpointError for another format
 */
export function createExperimentFolder(
  path: string,
  experiment: Experiment,
  { extend = false }: { readonly extend?: boolean } = {},
): ExperimentFolder {
  const paths = experimentPaths(path);
  if (existsSync(paths.experimentFile)) {
    const stored = openExperimentFolder(path);
    if (fingerprintOf(stored.experiment) === fingerprintOf(experiment)) return stored;
    const difference = differenceOf(stored.experiment, experiment);
    if (!extend) {
      throw new InvalidArgumentError(
        `${path} holds the experiment of another plan: ${difference}; choose another folder, go on with the stored plan by naming only the folder, or add games, variants or seeds to it with --extend`,
      );
    }
    requireSuperset(path, stored.experiment, experiment, difference);
  } else if (existsSync(path) && readdirSync(path).length > 0) {
    throw new InvalidArgumentError(
      `${path} is not empty and holds no experiment (it has ${readdirSync(path).slice(0, 3).join(', ')}); choose another folder`,
    );
  }
  for (const folder of [paths.jobsFolder, paths.workFolder, paths.claimsFolder, paths.failuresFolder])
    makeFolder(folder);
  const content = { formatVersion: FORMAT_VERSION, fingerprint: fingerprintOf(experiment), ...experiment };
  replaceFile(paths.experimentFile, `${JSON.stringify(content, null, 2)}\n`);
  return { ...paths, experiment, jobs: listJobs(experiment) };
}

/**
 * Opens the folder of an experiment.
 * @throws NotFoundError when there is none; CheckpointError when another version wrote it, or it was changed by hand
 */
export function openExperimentFolder(path: string): ExperimentFolder {
  const paths = experimentPaths(path);
  if (!existsSync(paths.experimentFile)) {
    throw new NotFoundError(`${path} holds no experiment (there is no ${paths.experimentFile})`);
  }
  const { formatVersion, fingerprint, ...experiment } = readJsonObject(
    paths.experimentFile,
  ) as unknown as Experiment & {
    formatVersion?: unknown;
    fingerprint?: unknown;
  };
  if (formatVersion !== FORMAT_VERSION) {
    throw new CheckpointError(
      `${paths.experimentFile} has format version ${JSON.stringify(formatVersion ?? null)}; this program reads version ${FORMAT_VERSION}`,
    );
  }
  if (fingerprintOf(experiment) !== fingerprint) {
    throw new CheckpointError(
      `${paths.experimentFile} was changed after the experiment began: what it says does not fit its fingerprint; put the file back, or start a new experiment in another folder`,
    );
  }
  return { ...paths, experiment, jobs: listJobs(experiment) };
}

/** Job folders in an experiment that none of its jobs explains: they are shown, never counted. */
export function foreignJobs({ jobsFolder, jobs }: ExperimentFolder): readonly string[] {
  const known = new Set(jobs.map(({ id }) => id));
  return existsSync(jobsFolder) ? readdirSync(jobsFolder).filter((name) => !known.has(name)) : [];
}

/** In words, the first thing in which two experiments differ. */
function differenceOf(stored: Experiment, asked: Experiment): string {
  const show = (value: unknown): string => JSON.stringify(value);
  for (const key of ['suite', 'scale', 'iterations', 'backend', 'threads'] as const) {
    if (show(stored.plan[key]) !== show(asked.plan[key])) {
      return `${key} is ${show(stored.plan[key])} there and ${show(asked.plan[key])} now`;
    }
  }
  if (show(stored.protocol) !== show(asked.protocol)) {
    return `the protocol is ${stored.protocol.name} there and ${asked.protocol.name} now`;
  }
  for (const key of ['games', 'seeds'] as const) {
    if (show(stored[key]) !== show(asked[key]))
      return `${key} are ${show(stored[key])} there and ${show(asked[key])} now`;
  }
  const [before, now] = [datasetsOf(stored), datasetsOf(asked)];
  if (before !== now) return `datasets is ${before} there and ${now} now`;
  const names = (experiment: Experiment): string => experiment.variants.map(({ name }) => name).join(', ');
  if (names(stored) !== names(asked)) return `variants are ${names(stored)} there and ${names(asked)} now`;
  const changed = asked.variants.find(({ config }, index) => show(config) !== show(stored.variants[index]!.config));
  if (changed === undefined) return `the baseline is ${stored.baseline} there and ${asked.baseline} now`;
  const { config } = stored.variants.find(({ name }) => name === changed.name)!;
  return `variant ${changed.name} has other settings (${changedPaths(config, changed.config).slice(0, 3).join(', ')})`;
}

/** Experiments of earlier versions have no such key. */
function datasetsOf({ plan }: Experiment): string {
  return plan.datasets ?? 'none';
}

/** `agent.batchSize: 32 -> 64` for every setting that differs. */
export function changedPaths(before: unknown, after: unknown, path = ''): string[] {
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  const isGroup = (value: unknown): value is Record<string, unknown> =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isGroup(before) || !isGroup(after)) return [`${path}: ${JSON.stringify(before)} -> ${JSON.stringify(after)}`];
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((key) =>
    changedPaths(before[key], after[key], path === '' ? key : `${path}.${key}`),
  );
}

/** An extension keeps every job that there is, as it is. */
function requireSuperset(path: string, stored: Experiment, asked: Experiment, difference: string): void {
  const lacks = <T>(before: readonly T[], after: readonly T[]): boolean => before.some((item) => !after.includes(item));
  const text = (experiment: Experiment): string[] => experiment.variants.map((variant) => JSON.stringify(variant));
  if (
    JSON.stringify(stored.protocol) !== JSON.stringify(asked.protocol) ||
    stored.plan.scale !== asked.plan.scale ||
    datasetsOf(stored) !== datasetsOf(asked) ||
    lacks(stored.games, asked.games) ||
    lacks(stored.seeds, asked.seeds) ||
    lacks(text(stored), text(asked))
  ) {
    throw new InvalidArgumentError(
      `${path} can only be extended by games, variants or seeds, keeping those it has: ${difference}; choose another folder`,
    );
  }
}
