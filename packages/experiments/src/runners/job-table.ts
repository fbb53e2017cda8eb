// Shows how an experiment is going: on a terminal a table of the jobs under way that redraws itself, elsewhere a line per event and a summary now and then.
import { count, duration, number, type ProgressOutput, table } from '@moe-rl/runs';
import { isDone } from '../jobs/job-state.ts';
import { type JobProgress, readProgress } from '../jobs/progress.ts';
import type { Job } from '../plan/experiment.ts';
import type { ExperimentFolder } from '../plan/experiment-folder.ts';
import type { WorkerEvent } from './claimed-job.ts';

export interface JobTable {
  onEvent(event: WorkerEvent): void;
  /** Leaves the last state where it is. */
  end(): void;
}

interface Row {
  readonly job: Job;
  readonly runFolder: string;
  readonly totalAgentSteps: number;
  /** Seen at the start and now, for the rate. */
  first: { readonly timeMs: number; readonly agentSteps: number } | undefined;
  progress: JobProgress | undefined;
}

const TERMINAL_PERIOD_MS = 1000;
const LINE_PERIOD_MS = 30_000;

/** @param slots jobs at a time, for the time left */
export function createJobTable(folder: ExperimentFolder, slots: number, output: ProgressOutput): JobTable {
  const isTerminal = output.isTTY === true;
  const rows = new Map<string, Row>();
  /** Agent steps per second of finished and running jobs, by variant. */
  const rates = new Map<string, number>();
  let drawnLines = 0;

  const erase = (): void => {
    if (drawnLines > 0) output.write(`\u001b[${drawnLines}A\u001b[0J`);
    drawnLines = 0;
  };
  const say = (line: string): void => {
    if (isTerminal) erase();
    output.write(`${line}\n`);
    if (isTerminal) draw();
  };
  const refresh = (): void => {
    for (const row of rows.values()) {
      row.progress = readProgress(row.runFolder) ?? row.progress;
      if (row.progress === undefined) continue;
      row.first ??= { timeMs: performance.now(), agentSteps: row.progress.agentSteps };
      const rate = rateOf(row);
      if (rate > 0) rates.set(row.job.variant, rate);
    }
  };
  const summary = (): string => {
    const done = folder.jobs.filter(({ id }) => isDone(folder, id)).length;
    const left = secondsLeft(folder, rows, rates, slots);
    return `${done} of ${folder.jobs.length} jobs done, ${rows.size} running${left === undefined ? '' : `, ${duration(left)} left`}`;
  };
  const draw = (): void => {
    const columns = Math.max(20, (output.columns ?? 100) - 1);
    const lines = [...tableLines(rows), summary()].map((line) => line.slice(0, columns));
    output.write(`${lines.join('\n')}\n`);
    drawnLines = lines.length;
  };
  const timer = setInterval(
    () => {
      refresh();
      if (isTerminal) {
        erase();
        draw();
      } else if (rows.size > 0) {
        output.write(`${summary()}: ${[...rows.values()].map(rowText).join('; ')}\n`);
      }
    },
    isTerminal ? TERMINAL_PERIOD_MS : LINE_PERIOD_MS,
  );
  timer.unref();

  return {
    onEvent(event) {
      if (event.type === 'waiting') {
        say(`${event.jobs} jobs are left to others, or to be tried again later; waiting`);
        return;
      }
      const { job } = event;
      if (event.type === 'started') {
        const trainingAgentSteps = lengthOf(folder, job);
        rows.set(job.id, {
          job,
          runFolder: event.runFolder,
          totalAgentSteps: trainingAgentSteps,
          first: undefined,
          progress: undefined,
        });
        say(`started ${job.id}${event.epoch > 1 ? ` (goes on, epoch ${event.epoch})` : ''}`);
        return;
      }
      refresh();
      const row = rows.get(job.id);
      rows.delete(job.id);
      const value = row?.progress?.meanReturn;
      const result = value === undefined ? '' : `, return ${number(value)}`;
      if (event.type === 'done') say(`done ${job.id}${result}`);
      else if (event.type === 'paused') say(`paused ${job.id} at agent step ${count(row?.progress?.agentSteps ?? 0)}`);
      else if (event.type === 'lost') say(`${job.id} was taken over by another worker`);
      else say(`${job.id} failed${event.isFinal ? '' : ' and will be tried again'}: ${event.message}`);
    },
    end() {
      clearInterval(timer);
      if (isTerminal) erase();
      output.write(`${summary()}\n`);
    },
  };
}

/** Agent steps of a job, the same for all of its variant. */
function lengthOf({ experiment }: ExperimentFolder, { variant }: Job): number {
  return experiment.variants.find(({ name }) => name === variant)!.config.trainingAgentSteps;
}

function rateOf({ first, progress }: Row): number {
  if (first === undefined || progress === undefined || progress.agentSteps === first.agentSteps) return 0;
  return (progress.agentSteps - first.agentSteps) / Math.max(0.5, (performance.now() - first.timeMs) / 1000);
}

function tableLines(rows: ReadonlyMap<string, Row>): string[] {
  if (rows.size === 0) return [];
  const body = [...rows.values()].map((row) => {
    const { job, progress, totalAgentSteps } = row;
    const rate = rateOf(row);
    const steps = progress?.agentSteps ?? 0;
    return [
      job.id,
      `${count(steps)}/${count(totalAgentSteps)}`,
      progress?.meanReturn === undefined ? '-' : number(progress.meanReturn),
      rate > 0 ? number(rate) : '-',
      rate > 0 ? duration((totalAgentSteps - steps) / rate) : '-',
    ];
  });
  return table(['job', 'agent steps', 'return', 'steps/s', 'left'], body).split('\n');
}

function rowText({ job, progress, totalAgentSteps }: Row): string {
  const value = progress?.meanReturn;
  return `${job.id} ${count(progress?.agentSteps ?? 0)}/${count(totalAgentSteps)}${value === undefined ? '' : ` return ${number(value)}`}`;
}

/** Time for what is left, at the rates seen so far; a variant that has not run yet counts at the mean of the others. */
function secondsLeft(
  folder: ExperimentFolder,
  rows: ReadonlyMap<string, Row>,
  rates: ReadonlyMap<string, number>,
  slots: number,
): number | undefined {
  if (rates.size === 0) return undefined;
  const mean = [...rates.values()].reduce((sum, rate) => sum + rate, 0) / rates.size;
  let seconds = 0;
  for (const job of folder.jobs) {
    if (isDone(folder, job.id)) continue;
    const row = rows.get(job.id);
    const total = row?.totalAgentSteps ?? lengthOf(folder, job);
    seconds += (total - (row?.progress?.agentSteps ?? 0)) / (rates.get(job.variant) ?? mean);
  }
  return seconds / slots;
}
