// From the options of the `experiment` commands to a plan.
import { cpus } from 'node:os';
import { join } from 'node:path';
import { InvalidArgumentError } from '@moe-rl/core';
import { makePlan, type Plan, type PlanInput, readPlanFile, type Settings } from '@moe-rl/experiments';
import { parseSetOption } from '@moe-rl/runs';

/** Values of the plan options as the command line hands them over. */
export interface PlanOptions {
  readonly suite?: string;
  readonly games?: readonly string[];
  readonly variants?: readonly string[];
  readonly baseline?: string;
  readonly seeds?: number;
  readonly protocol?: string;
  readonly scale?: number;
  readonly iterations?: number;
  readonly preset?: string;
  readonly datasets?: string;
  readonly backend?: string;
  readonly threads?: number;
  readonly jobs?: number;
  readonly set: readonly string[];
}

/** True when neither a file nor an option says what to run. */
export function namesNoPlan(file: string | undefined, options: PlanOptions): boolean {
  const { set, jobs: _, ...rest } = planKeys(options);
  return file === undefined && set === undefined && Object.values(rest).every((value) => value === undefined);
}

/**
 * The plan that a file and the options make together; options win. Where neither says how many threads, those of the experiment that `storedThreads` finds in
 * the plan's folder are kept: another number of jobs at a time, or of cores, makes it no other experiment.
 * @throws InvalidArgumentError when there is neither, or a value is wrong
 */
export function planOf(
  file: string | undefined,
  options: PlanOptions,
  storedThreads: (plan: Plan) => number | undefined = () => undefined,
): Plan {
  if (namesNoPlan(file, options)) {
    throw new InvalidArgumentError('there is no plan: name a plan file, or --suite and --variants');
  }
  const { set, jobs: _, ...keys } = planKeys(options);
  const named = Object.fromEntries(Object.entries(keys).filter(([, value]) => value !== undefined)) as PlanInput;
  const fromFile: PlanInput = file === undefined ? {} : readPlanFile(file, named);
  const plan = makePlan({ ...fromFile, ...named, set: { ...fromFile.set, ...set } });
  if ((named.threads ?? fromFile.threads) !== undefined) return plan;
  return { ...plan, threads: storedThreads(plan) ?? threadsFor(options.jobs) };
}

/** Jobs at a time: as asked, or as many as the cores allow. */
export function slotsFor(jobs: number | undefined, threads: number): number {
  if (jobs !== undefined && jobs < 1) throw new InvalidArgumentError(`--jobs is ${jobs}; expected at least 1`);
  return jobs ?? Math.max(1, Math.floor(cpus().length / threads));
}

export function defaultFolder({ suite }: Plan): string {
  return join('experiments', suite);
}

/** The cores are divided among the jobs at a time; a plan that says nothing of either gives each run one thread. */
function threadsFor(jobs: number | undefined): number {
  return jobs === undefined ? 1 : Math.max(1, Math.floor(cpus().length / Math.max(1, jobs)));
}

function planKeys({
  suite,
  games,
  variants,
  baseline,
  seeds,
  protocol,
  scale,
  iterations,
  preset,
  datasets,
  backend,
  threads,
  jobs,
  set,
}: PlanOptions) {
  const settings: Settings | undefined =
    set.length === 0 ? undefined : Object.fromEntries(set.map((option) => [...parseSetOption(option)]));
  return {
    suite,
    games,
    variants,
    baseline,
    seeds,
    protocol,
    scale,
    iterations,
    preset,
    datasets,
    backend,
    threads,
    jobs,
    set: settings,
  };
}
