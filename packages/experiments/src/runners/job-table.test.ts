// The live table: redrawn in place on a terminal, plain lines elsewhere.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { temporaryFolder, toyExperiment } from '../testing/toy-experiment.ts';
import { createJobTable } from './job-table.ts';

const root = temporaryFolder('table');
afterAll(() => rmSync(root, { recursive: true, force: true }));

const capture = (isTTY: boolean) => ({
  isTTY,
  columns: 120,
  text: '',
  write(text: string) {
    this.text += text;
  },
});

function startedJob(name: string) {
  const folder = toyExperiment(join(root, name), 1);
  const [job] = folder.jobs;
  const runFolder = join(folder.workFolder, `${job!.id}.1`);
  mkdirSync(runFolder, { recursive: true });
  const log = (agentSteps: number, value: number): void =>
    writeFileSync(
      join(runFolder, 'metrics.jsonl'),
      `${JSON.stringify({ agentSteps: agentSteps - 1, 'train/meanReturn': 0 })}\n${JSON.stringify({ agentSteps, 'evaluation/return': value })}\n{"agentSte`,
    );
  return { folder, job: job!, runFolder, log };
}

describe('the job table', () => {
  it('says what happens, a line each, where there is no terminal', () => {
    const { folder, job, runFolder, log } = startedJob('plain');
    const output = capture(false);
    const table = createJobTable(folder, 2, output);
    table.onEvent({ type: 'started', job, runFolder, epoch: 2 });
    log(100, 0.5);
    table.onEvent({ type: 'failed', job, message: 'no reason', isFinal: false });
    table.onEvent({ type: 'started', job, runFolder, epoch: 3 });
    table.onEvent({ type: 'done', job });
    table.end();
    expect(output.text.trim().split('\n')).toEqual([
      `started ${job.id} (goes on, epoch 2)`,
      `${job.id} failed and will be tried again: no reason`,
      `started ${job.id} (goes on, epoch 3)`,
      `done ${job.id}, return 0.5`,
      '0 of 2 jobs done, 0 running',
    ]);
  });

  it('shows steps, return, rate and time left on a terminal', async () => {
    const { folder, job, runFolder, log } = startedJob('terminal');
    const output = capture(true);
    const table = createJobTable(folder, 2, output);
    table.onEvent({ type: 'started', job, runFolder, epoch: 1 });
    log(50, 0.25);
    await sleep(1200);
    log(100, 0.5);
    await sleep(1200);
    table.end();
    expect(output.text).toMatch(/job +agent steps +return +steps\/s +left/);
    expect(output.text).toMatch(new RegExp(`${job.id} +100/150 +0\\.5 +\\d+(\\.\\d+)? +\\d+s`));
    expect(output.text).toMatch(/0 of 2 jobs done, 1 running, \d+s left/);
    // Drawn again in the place of the one before.
    expect(output.text).toContain('\u001b[4A\u001b[0J');
  });
});
