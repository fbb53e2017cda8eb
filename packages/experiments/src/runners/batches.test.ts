// Batches of seeds: who belongs together, toy jobs of one process each filed on its own, and real ones that end after kill -9 as if nothing had happened.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { metricDefinition, readBatchStretches, readMetricRows, runFolderPaths } from '@moe-rl/runs';
import { afterAll, describe, expect, it } from 'vitest';
import { claimJob } from '../jobs/claims.ts';
import { countJobs, forgetFailures, jobStates } from '../jobs/job-state.ts';
import { readProgress } from '../jobs/progress.ts';
import { listJobs, resolvePlan } from '../plan/experiment.ts';
import { createExperimentFolder, type ExperimentFolder } from '../plan/experiment-folder.ts';
import { makePlan, type PlanInput } from '../plan/plan.ts';
import { requireBatchSeeds } from '../plan/require-batchable.ts';
import { TINY_PLAN, TOY_JOB, temporaryFolder, toyExperiment } from '../testing/toy-experiment.ts';
import { batchesOf, runBatch } from './batches.ts';
import type { WorkerOptions } from './claimed-job.ts';
import { runWorker } from './worker.ts';

const root = temporaryFolder('batches');
afterAll(() => rmSync(root, { recursive: true, force: true }));
const { signal } = new AbortController();

const placesIn = ({ path }: ExperimentFolder): string[] =>
  readFileSync(join(path, 'places.txt'), 'utf8').trim().split('\n').sort();

describe('jobs in batches', () => {
  it('belong together by game and variant, in the order of their seeds', () => {
    const jobs = listJobs({ games: ['g'], seeds: [1, 2, 3], variants: [{ name: 'a' }, { name: 'b' }] as never });
    const ids = (size: number) =>
      batchesOf(jobs, size).map((batch) => batch.map(({ variant, seed }) => `${variant}${seed}`));
    expect(ids(2)).toEqual([['a1', 'a2'], ['b1', 'b2'], ['a3'], ['b3']]);
    expect(ids(5)).toEqual([
      ['a1', 'a2', 'a3'],
      ['b1', 'b2', 'b3'],
    ]);
    expect(ids(1)).toHaveLength(6);
  });

  const work = (folder: ExperimentFolder, more: Partial<WorkerOptions> = {}): Promise<void> =>
    runWorker({ folder, slots: 1, signal, jobProcess: TOY_JOB, pollMs: 20, leaseMs: 600, backoffMs: 10, ...more });

  it('are run by one process, and filed one by one; a seed that fails leaves the others alone and keeps its place', async () => {
    const folder = toyExperiment(join(root, 'toy'), 3);
    const failing = folder.jobs.find(({ variant, seed }) => variant === 'soft' && seed === 2)!.id;
    writeFileSync(join(folder.path, `fail-${failing}`), 'SHAPE');
    await work(folder, { batchSeeds: 3 });
    expect(countJobs(jobStates(folder))).toEqual({ total: 6, done: 5, failed: 1, running: 0, waiting: 0 });
    const first = folder.jobs.map(({ id, seed }) => `${id} at ${seed - 1} of 3`).sort();
    expect(placesIn(folder)).toEqual(first);
    rmSync(join(folder.path, `fail-${failing}`));
    forgetFailures(folder);
    await work(folder, { batchSeeds: 3 });
    expect(countJobs(jobStates(folder)).done).toBe(6);
    expect(placesIn(folder)).toEqual([...first, `${failing} at 1 of 3`].sort());
    // One that somebody else finished while it was being claimed is not run again.
    const [job] = folder.jobs;
    const member = { job: job!, claim: claimJob(folder, job!.id, 600)!, place: 0 };
    const options = { folder, slots: 1, signal, jobProcess: TOY_JOB };
    expect(await runBatch(options, [member], 3, 600)).toEqual(new Map([[job!.id, 'done']]));
    expect(member.claim.isHeld()).toBe(false);
    expect(placesIn(folder)).toHaveLength(first.length + 1);
  });

  it('are refused by name where seeds can’t be computed together', () => {
    const refuse =
      (plan: PlanInput, size = 2) =>
      () =>
        requireBatchSeeds(resolvePlan(makePlan({ ...TINY_PLAN, ...plan })), size);
    expect(refuse({ backend: 'pjrt-cpu' })).not.toThrow();
    expect(refuse({ backend: 'pjrt-cpu' }, 0)).toThrow(/--batch-seeds is 0; expected/);
    expect(refuse({})).toThrow(/backend is "cpu", which runs one step at a time.*expected one of pjrt-cpu/);
    const onHost = { name: 'base', from: 'top1', set: { 'network.moe.router.type': 'base' } };
    expect(refuse({ backend: 'pjrt-cpu', variants: ['soft', onHost] })).toThrow(
      /variant base: network.moe.router.type is .*, which chooses on the host/,
    );
    expect(refuse({ backend: 'pjrt-cpu', variants: [{ name: 'table', preset: 'tabular-q-learning' }] })).toThrow(
      /variant table: preset is tabular-q-learning, whose agents are of the kind tabular/,
    );
  });
});

describe.skipIf(process.platform !== 'linux' || process.arch !== 'x64')('real jobs in batches', () => {
  const plan = makePlan({ ...TINY_PLAN, backend: 'pjrt-cpu', variants: ['soft'], seeds: 2, scale: 0.1 });
  const open = (name: string): ExperimentFolder => createExperimentFolder(join(root, name), resolvePlan(plan));
  const rows = ({ jobsFolder }: ExperimentFolder, id: string) =>
    readMetricRows(runFolderPaths(join(jobsFolder, id)).metricsFile).map(({ agentSteps, values }) => ({
      agentSteps,
      ...Object.fromEntries(Object.entries(values).filter(([tag]) => metricDefinition(tag).isTiming !== true)),
    }));

  it('end after kill -9 in the middle as if nothing had happened', { timeout: 400_000 }, async () => {
    const straight = open('straight');
    await runWorker({ folder: straight, slots: 1, signal, batchSeeds: 2 });
    expect(countJobs(jobStates(straight))).toMatchObject({ total: 2, done: 2 });

    const killed = open('killed');
    const events: string[] = [];
    const onEvent: WorkerOptions['onEvent'] = (event) =>
      'job' in event && events.push(`${event.type} ${event.job.seed}`);
    const running = runWorker({ folder: killed, slots: 1, signal, batchSeeds: 2, backoffMs: 10, pollMs: 20, onEvent });
    const [first] = killed.jobs;
    const workFolder = join(killed.workFolder, `${first!.id}.1`);
    while ((readProgress(workFolder)?.agentSteps ?? 0) < 130) await sleep(5);
    process.kill(Number(JSON.parse(readFileSync(join(workFolder, 'run.lock'), 'utf8')).pid), 'SIGKILL');
    await running;
    expect(events.slice(0, 2)).toEqual(['started 1', 'started 2']);
    expect(events.slice(2, 4).sort()).toEqual(['failed 1', 'failed 2']);
    expect(events.slice(-2).sort()).toEqual(['done 1', 'done 2']);
    for (const [place, { id, seed }] of killed.jobs.entries()) {
      expect(rows(killed, id)).toEqual(rows(straight, id));
      const stretches = readBatchStretches(join(killed.jobsFolder, id));
      expect(stretches.length).toBe(2);
      for (const stretch of stretches) expect(stretch).toMatchObject({ size: 2, place, seeds: [1, 2] });
      expect(seed).toBe(place + 1);
      expect(existsSync(join(killed.jobsFolder, id, 'job.json'))).toBe(true);
    }
    expect(rows(straight, straight.jobs[0]!.id)).not.toEqual(rows(straight, straight.jobs[1]!.id));
  });
});
