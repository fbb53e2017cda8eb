// The script for SLURM, run by bash with a worker and an scontrol that write down how they were called.
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { temporaryFolder, toyExperiment } from '../testing/toy-experiment.ts';
import { type SlurmOptions, slurmScript } from './slurm.ts';

const root = temporaryFolder('slurm');
afterAll(() => rmSync(root, { recursive: true, force: true }));

const folder = toyExperiment(join(root, "an experiment's folder"), 1);
const OPTIONS: SlurmOptions = {
  path: folder.path,
  program: 'moe-rl',
  workingFolder: root,
  workers: 20,
  time: '24:00:00',
  jobsPerWorker: 2,
  memory: '8G',
  warningSeconds: 300,
};

describe('the SLURM script', () => {
  it('asks for an array of workers with a warning before the time limit', () => {
    const script = slurmScript(folder, OPTIONS);
    for (const line of [
      '--array=0-19',
      '--cpus-per-task=2',
      '--time=24:00:00',
      '--mem=8G',
      '--signal=B:TERM@300',
      '--requeue',
    ]) {
      expect(script).toContain(`#SBATCH ${line}\n`);
    }
    expect(spawnSync('bash', ['-n'], { input: script }).status).toBe(0);
  });

  it('writes its log beside the experiment, whatever the folder is called', () => {
    expect(folder.path).toMatch(/an experiment's folder$/);
    expect(slurmScript(folder, OPTIONS)).toContain(`#SBATCH --output="${folder.path}/slurm-%A_%a.log"\n`);
    const odd = slurmScript(folder, { ...OPTIONS, path: '/data/50% of "it"\\x' });
    expect(odd).toContain('#SBATCH --output="/data/50%% of \\"it\\"\\\\x/slurm-%A_%a.log"\n');
  });

  it.runIf(process.platform !== 'win32')(
    'pauses the worker and queues the task again when it is signalled',
    async () => {
      const bin = join(root, 'bin');
      mkdirSync(bin);
      const program = (name: string, text: string): void => {
        writeFileSync(join(bin, name), `#!/bin/bash\n${text}`);
        chmodSync(join(bin, name), 0o755);
      };
      const log = join(root, 'log');
      program(
        'moe-rl',
        `echo "$@" > '${log}'; trap "echo paused >> '${log}'; exit 143" TERM; while :; do sleep 0.05; done`,
      );
      program('scontrol', `echo "scontrol $@" >> '${log}'`);
      const file = join(root, 'job.sh');
      writeFileSync(file, slurmScript(folder, OPTIONS));
      const env = {
        ...process.env,
        PATH: `${bin}:${process.env.PATH}`,
        SLURM_ARRAY_JOB_ID: '17',
        SLURM_ARRAY_TASK_ID: '3',
      };
      const script = spawn('bash', [file], { env, stdio: 'ignore' });
      while (!existsSync(log)) await sleep(20);
      await sleep(100);
      script.kill('SIGTERM');
      const code = await new Promise((resolve) => script.once('exit', resolve));
      expect(code).toBe(0);
      expect(readFileSync(log, 'utf8').trim().split('\n')).toEqual([
        `experiment worker ${folder.path} --jobs 2`,
        'paused',
        'scontrol requeue 17_3',
      ]);
    },
  );

  it('refuses what SLURM would not take', () => {
    expect(() => slurmScript(folder, { ...OPTIONS, time: 'a day' })).toThrow(/--time is "a day"; expected minutes/);
    expect(() => slurmScript(folder, { ...OPTIONS, memory: '8 G' })).toThrow(/--memory is "8 G"/);
    expect(() => slurmScript(folder, { ...OPTIONS, workers: 0 })).toThrow(/--workers is 0/);
  });
});
