// A job's process for tests of the runners: "trains" by counting up in a file, one step per 20 ms, with a checkpoint every 5 steps, and obeys the same messages
// as the real one. What each start went on from is noted, so that tests see whether work was lost or done twice.
import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { claimOf } from '../jobs/claims.ts';
import type { BatchTask, JobOutcome, JobTask } from '../jobs/job-child.ts';
import { experimentPaths } from '../plan/experiment-paths.ts';

const STEPS = Number(process.env.TOY_STEPS ?? 15);
let isStopped = false;

process.on('SIGINT', () => {});
process.on('disconnect', () => process.exit(1));
process.on('message', (message: { type?: string }) => {
  if (message.type === 'stop') isStopped = true;
  else if ('jobId' in message)
    run(message as unknown as JobTask, (outcome) => process.send!(outcome, () => process.exit(0)));
  else if ('members' in message) runBatch(message as unknown as BatchTask);
});

/** Each says how it ended; the places are noted. */
function runBatch({ experimentFolder, size, members }: BatchTask): void {
  let left = members.length;
  for (const { jobId, epoch, place } of members) {
    appendFileSync(join(experimentFolder, 'places.txt'), `${jobId} at ${place} of ${size}\n`);
    run({ experimentFolder, jobId, epoch }, (outcome) => {
      process.send!({ ...outcome, jobId }, () => {
        if (--left === 0) process.exit(0);
      });
    });
  }
}

function run(task: JobTask, end: (outcome: JobOutcome) => void): void {
  const claim = claimOf(experimentPaths(task.experimentFolder), task.jobId, task.epoch);
  const failing = join(task.experimentFolder, `fail-${task.jobId}`);
  if (existsSync(failing)) {
    const code = readFileSync(failing, 'utf8').trim();
    end({ type: 'failed', message: 'told to fail', ...(code === '' ? {} : { code }) });
    return;
  }
  mkdirSync(claim.runFolder, { recursive: true });
  const file = join(claim.runFolder, 'steps.txt');
  const saved = join(claim.runFolder, 'checkpoint.txt');
  let step = existsSync(saved) ? Number(readFileSync(saved, 'utf8')) : 0;
  const kept = existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, step) : [];
  writeFileSync(file, kept.map((line) => `${line}\n`).join(''));
  appendFileSync(join(claim.runFolder, 'starts.txt'), `${task.epoch} from ${step}\n`);
  const save = (): void => {
    writeFileSync(`${saved}.tmp`, String(step));
    renameSync(`${saved}.tmp`, saved);
  };
  const timer = setInterval(() => {
    if (!claim.isHeld()) {
      clearInterval(timer);
      end({ type: 'lost' });
      return;
    }
    step++;
    appendFileSync(file, `${step}\n`);
    if (step % 5 === 0) save();
    if (step < STEPS && !isStopped) return;
    clearInterval(timer);
    save();
    if (step >= STEPS) writeFileSync(join(claim.runFolder, 'summary.json'), '{}');
    end({ type: step >= STEPS ? 'complete' : 'paused' });
  }, 20);
}
