// Experiments for tests: a toy one for the runners' logic, and a real one cut small.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { resolvePlan } from '../plan/experiment.ts';
import { createExperimentFolder, type ExperimentFolder } from '../plan/experiment-folder.ts';
import { makePlan, type PlanInput } from '../plan/plan.ts';

/** Process of a toy job. */
export const TOY_JOB: string = fileURLToPath(new URL('./toy-job.ts', import.meta.url));

/** A new folder for one test. */
export function temporaryFolder(name: string): string {
  return mkdtempSync(join(tmpdir(), `moe-rl-${name}-`));
}

/** Catch, a tiny network, plain JavaScript: a run takes a second. */
export const TINY_PLAN: PlanInput = {
  suite: 'classic',
  games: ['bsuite/catch'],
  iterations: 3,
  scale: 0.05,
  variants: ['baseline', 'soft'],
  seeds: 2,
  backend: 'cpu',
  set: {
    'agent.batchSize': 8,
    'network.hiddenUnits': 16,
    'network.encoder.hiddenUnits': 16,
  },
};

/** The folder of an experiment that is never really trained: 2 variants x `seeds` jobs. */
export function toyExperiment(folder: string, seeds = 2): ExperimentFolder {
  return createExperimentFolder(folder, resolvePlan(makePlan({ ...TINY_PLAN, seeds })));
}
