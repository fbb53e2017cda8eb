// `moe-rl statistics <study>`: a rate study of mixtures of experts, repeat by repeat; prints slopes with intervals and draws the log-log plot.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CorruptDataError, InvalidArgumentError } from '@moe-rl/core';
import { readJsonObject, replaceFile } from '@moe-rl/core/node';
import {
  runStudy,
  type SeriesSummary,
  type StudyDefinition,
  type StudyPlan,
  studyByName,
  studyTasks,
} from '@moe-rl/moe-statistics/node';
import { studySvg } from './statistics-figure.ts';
import { interruptible, note, print, programName } from './terminal.ts';

interface StatisticsOptions {
  readonly folder?: string;
  readonly seed?: number;
  readonly sizes?: readonly string[];
  readonly repeats?: number;
  readonly workers?: number;
}

export async function statistics(name: string, options: StatisticsOptions): Promise<void> {
  const study = studyByName(name);
  const folder = options.folder ?? join('runs', `statistics-${name}`);
  const plan = planOf(study, options, folder);
  const seed = options.seed ?? storedSeed(folder) ?? 0;
  const tasks = studyTasks(study, plan).length;
  note(`${study.title}: ${tasks} tasks, seed ${seed}, in ${folder}`);
  const { summary, isComplete } = await interruptible(
    (signal) =>
      runStudy(name, {
        folder,
        seed,
        plan,
        signal,
        ...(options.workers === undefined ? {} : { workers: options.workers }),
        onProgress: progressLine(name, Math.max(1, Math.floor(tasks / 50))),
      }),
    'stopping; every finished repeat is kept',
  );
  for (const line of table(summary.series)) print(line);
  replaceFile(join(folder, 'summary.json'), `${JSON.stringify(summary, null, 2)}\n`);
  const picture = join(folder, `${name}.svg`);
  replaceFile(picture, studySvg(study, summary.series));
  print(`\nresults: ${join(folder, 'results.jsonl')}\nsummary: ${join(folder, 'summary.json')}\npicture: ${picture}`);
  if (!isComplete) {
    print(`not finished: go on with ${programName()} statistics ${name} --folder ${folder}`);
    throw new DOMException('stopped', 'AbortError');
  }
}

/** Sizes and repeats of the options; else those that the folder began with, so that it can be gone on with by its name; else the study's own. */
function planOf(study: StudyDefinition, options: StatisticsOptions, folder: string): StudyPlan {
  const { sizes, repeats } = options;
  if (sizes === undefined && repeats === undefined) return storedIdentity(folder)?.plan ?? study.plan;
  const wanted = sizes?.map((text) => {
    const size = Number(text.replaceAll('_', ''));
    if (!Number.isInteger(size) || size < 1)
      throw new InvalidArgumentError(`--sizes has ${JSON.stringify(text)}; expected integers of at least 1`);
    return size;
  });
  if (wanted === undefined) return study.plan.map(({ size }) => ({ size, repeats: repeats! }));
  return wanted.map((size) => ({ size, repeats: repeats ?? study.plan[0]!.repeats }));
}

function storedSeed(folder: string): number | undefined {
  return storedIdentity(folder)?.seed;
}

function storedIdentity(folder: string): { seed: number; plan: StudyPlan } | undefined {
  const path = join(folder, 'study.json');
  if (!existsSync(path)) return undefined;
  const { seed, plan } = readJsonObject(path);
  const isPart = (one: { size?: unknown; repeats?: unknown } | null): boolean =>
    Number.isInteger(one?.size) && Number.isInteger(one?.repeats);
  if (Number.isInteger(seed) && Array.isArray(plan) && plan.every(isPart)) return { seed: seed as number, plan };
  throw new CorruptDataError(`${path} does not say what the study was begun with; expected seed and plan`);
}

/** A line at the start, at every `every`th task and at the end, with the time that is left. */
function progressLine(name: string, every: number): (done: number, total: number) => void {
  const start = Date.now();
  let first: number | null = null;
  return (done, total) => {
    first ??= done;
    if (done !== first && done !== total && done % every !== 0) return;
    const perTask = (Date.now() - start) / Math.max(1, done - first);
    const left =
      done > first && done < total ? `, about ${Math.ceil((perTask * (total - done)) / 1000)} s at this pace` : '';
    note(`${name}: ${done} of ${total} repeats${left}`);
  };
}

const rounded = (value: number): string => (value === 0 ? '0' : Number(value.toPrecision(3)).toString());

function table(series: readonly SeriesSummary[]): string[] {
  return series.flatMap(({ label, axis, theory, paper, points, slope }) => {
    // One repeat at every size: nothing is known of how it varies.
    const interval =
      slope === null || points.every(({ repeats }) => repeats === 1)
        ? ''
        : ` [${slope.low.toFixed(3)}, ${slope.high.toFixed(3)}]`;
    const values = points.map(({ size, estimate }) => `${size}: ${rounded(estimate)}`).join('   ');
    const measured =
      slope === null
        ? ''
        : `slope in ${axis} ${slope.estimate.toFixed(3)}${interval}` +
          `, theory ${rounded(theory!)}${paper === undefined ? '' : `, paper ${paper}`}`;
    return ['', label, `  ${values}`, ...(measured === '' ? [] : [`  ${measured}`])];
  });
}
