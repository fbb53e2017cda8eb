// Finished runs that were never trained, for tests of results and reports: curves that rise to a level per variant, with the spread of seeds.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRng } from '@moe-rl/core';
import { resolvePlan } from '../plan/experiment.ts';
import { createExperimentFolder, type ExperimentFolder } from '../plan/experiment-folder.ts';
import { makePlan } from '../plan/plan.ts';
import { referencePoints } from '../suites/reference-scores.ts';

/** An experiment over any games, no ROM asked for. `levels`: the normalized score that each variant ends near. */
export function syntheticExperiment(
  path: string,
  games: readonly string[],
  seeds: number,
  levels: Readonly<Record<string, number>>,
): ExperimentFolder {
  const plan = makePlan({ suite: 'demo', variants: Object.keys(levels), seeds, backend: 'cpu' });
  const folder = createExperimentFolder(path, { ...resolvePlan(plan), games });
  for (const job of folder.jobs) writeSyntheticRun(folder, job.id, job.game, levels[job.variant]!, job.seed);
  return folder;
}

function writeSyntheticRun(folder: ExperimentFolder, id: string, game: string, level: number, seed: number): void {
  const run = join(folder.jobsFolder, id);
  mkdirSync(run, { recursive: true });
  const rng = createRng(seed, id);
  const points = referencePoints(game) ?? { random: 0, reference: 100 };
  const { iterations } = folder.experiment.protocol;
  const rows: object[] = [];
  for (let iteration = 1; iteration <= iterations; iteration++) {
    const agentSteps = iteration * 1000;
    const score = level * (iteration / iterations) + 0.1 * (rng.nextFloat() - 0.5);
    rows.push({
      agentSteps,
      'train/loss': 1 / iteration,
      'train/meanReturn': 0,
      'network/dormantFraction': 0.1 * rng.nextFloat(),
      'network/effectiveRank': 10 + iteration,
      ...(id.includes('soft')
        ? {
            'router/changeRate': 0.1,
            'router/saturation': iteration / iterations,
            'router/combineEntropy': 2,
            'expert/load/0': 0.5,
            'expert/load/1': 0.3,
            'expert/load/2': 0.2,
          }
        : {}),
    });
    rows.push({
      agentSteps,
      'evaluation/return': points.random + score * (points.reference - points.random),
      'evaluation/standardError': 1,
      'evaluation/episodes': 10,
    });
  }
  writeFileSync(join(run, 'metrics.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  writeFileSync(join(run, 'summary.json'), JSON.stringify({ training: { elapsedSeconds: 100 } }));
  writeFileSync(
    join(run, 'job.json'),
    JSON.stringify({
      backend: 'cpu',
      cpu: 'synthetic',
      cores: 2,
      memoryBytes: 1e9,
      platform: 'linux x64',
      node: 'v24',
      parameterBlocks: [
        { block: 'encoder', parameters: 1000 },
        { block: 'head', parameters: 500 },
      ],
      flopBlocks: [
        { block: 'encoder', flops: 1e6 },
        { block: 'head', flops: 1e3 },
      ],
      residentBytes: 1e8,
    }),
  );
}
