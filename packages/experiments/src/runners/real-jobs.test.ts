// Real training in real processes, cut small: killed runs end like undisturbed ones, foreign folders are refused, probes measure.
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { metricDefinition, readMetricRows, runFolderPaths } from '@moe-rl/runs';
import { afterAll, describe, expect, it } from 'vitest';
import { countJobs, jobStates } from '../jobs/job-state.ts';
import { readProgress } from '../jobs/progress.ts';
import { readJobRecord } from '../jobs/run-job.ts';
import { resolvePlan } from '../plan/experiment.ts';
import { createExperimentFolder, type ExperimentFolder } from '../plan/experiment-folder.ts';
import { makePlan, type PlanInput } from '../plan/plan.ts';
import { estimateExperiment } from '../probe/estimate.ts';
import { probeVariant } from '../probe/probe.ts';
import { readResults } from '../results/results.ts';
import { experimentStatus } from '../results/status.ts';
import { TINY_PLAN, temporaryFolder } from '../testing/toy-experiment.ts';
import type { WorkerEvent } from './claimed-job.ts';
import { runWorker } from './worker.ts';

const root = temporaryFolder('real-jobs');
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Long enough to be killed in the middle: 600 agent steps. */
const PLAN: PlanInput = { ...TINY_PLAN, variants: ['soft'], seeds: 1, scale: 0.2 };
const open = (name: string, plan: PlanInput): ExperimentFolder =>
  createExperimentFolder(join(root, name), resolvePlan(makePlan(plan)));

/** Every value that does not depend on the machine and the hour. */
function stableRows(folder: ExperimentFolder): unknown[] {
  const file = runFolderPaths(join(folder.jobsFolder, folder.jobs[0]!.id)).metricsFile;
  return readMetricRows(file).map(({ agentSteps, values }) => ({
    agentSteps,
    ...Object.fromEntries(Object.entries(values).filter(([tag]) => metricDefinition(tag).isTiming !== true)),
  }));
}

describe('real jobs', { timeout: 180_000 }, () => {
  it('end after kill -9 in the middle as if nothing had happened', async () => {
    const { signal } = new AbortController();
    const straight = open('straight', PLAN);
    await runWorker({ folder: straight, slots: 1, signal });
    expect(experimentStatus(straight).jobs).toEqual({ total: 1, done: 1, failed: 0, running: 0, waiting: 0 });

    const killed = open('killed', PLAN);
    const attempts: WorkerEvent['type'][] = [];
    const work = runWorker({
      folder: killed,
      slots: 1,
      signal,
      backoffMs: 10,
      pollMs: 20,
      onEvent: ({ type }) => type !== 'waiting' && attempts.push(type),
    });
    // The job's process is killed once; its runner sees a machine fault and goes on from the last checkpoint.
    const { id } = killed.jobs[0]!;
    const workFolder = join(killed.workFolder, `${id}.1`);
    while ((readProgress(workFolder)?.agentSteps ?? 0) < 250) await sleep(5);
    process.kill(Number(JSON.parse(readFileSync(join(workFolder, 'run.lock'), 'utf8')).pid), 'SIGKILL');
    await work;
    expect(attempts).toEqual(['started', 'failed', 'started', 'done']);
    expect(stableRows(killed)).toEqual(stableRows(straight));
    expect(stableRows(straight).length).toBeGreaterThan(10);

    const { runs } = readResults(straight);
    expect(runs).toHaveLength(1);
    expect(runs[0]!.curve.map(({ agentSteps }) => agentSteps)).toEqual([200, 400, 600]);
    const record = readJobRecord(join(straight.jobsFolder, id));
    expect(record).toMatchObject({ backend: 'cpu' });
    expect(record!.parameterBlocks.map(({ block }) => block)).toContain('router');
  });

  it('are not started in the folder of another plan', async () => {
    const folder = open('foreign', { ...PLAN, scale: 0.05 });
    const { id } = folder.jobs[0]!;
    const straight = join(root, 'straight', 'jobs', id);
    const target = join(folder.workFolder, `${id}.1`);
    const { cpSync } = await import('node:fs');
    cpSync(straight, target, { recursive: true });
    const messages: string[] = [];
    await runWorker({
      folder,
      slots: 1,
      signal: new AbortController().signal,
      onEvent: (event) => event.type === 'failed' && messages.push(event.message),
    });
    expect(messages).toHaveLength(1);
    expect(messages[0]).toMatch(/is the run of another plan or version: .*trainingAgentSteps: 600 -> 150/);
    expect(countJobs(jobStates(folder)).failed).toBe(1);
  });

  it('are estimated from a probe', async () => {
    const experiment = resolvePlan(makePlan({ ...TINY_PLAN, variants: ['baseline'], seeds: 3 }));
    const probe = await probeVariant(experiment, 'baseline', join(root, 'probe'));
    expect(probe.learningSeconds).toBeGreaterThan(0);
    expect(probe.baseBytes).toBeGreaterThan(20e6);
    expect(probe.checkpointBytes).toBeGreaterThan(1000);
    const { computingSeconds, elapsedSeconds, variants } = estimateExperiment(experiment, [probe], 2);
    expect(computingSeconds).toBeCloseTo(3 * variants[0]!.jobSeconds);
    expect(elapsedSeconds).toBeCloseTo(1.5 * variants[0]!.jobSeconds);
  });
});
