// `moe-rl experiment plan`: the jobs of a plan, and what they would take on this machine.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Experiment,
  estimateExperiment,
  listJobs,
  type ProbeResult,
  probeVariant,
  resolvePlan,
} from '@moe-rl/experiments';
import { count, table } from '@moe-rl/runs';
import { type PlanOptions, planOf, slotsFor } from './experiment-options.ts';
import { interruptible, note, print } from './terminal.ts';

interface ExperimentPlanOptions extends PlanOptions {
  readonly probe: boolean;
  readonly list?: boolean;
}

export async function experimentPlan(file: string | undefined, options: ExperimentPlanOptions): Promise<void> {
  const plan = planOf(file, options);
  const experiment = resolvePlan(plan);
  const slots = slotsFor(options.jobs, experiment.plan.threads);
  print(describe(experiment));
  if (options.list === true)
    print(
      `\n${listJobs(experiment)
        .map(({ id }) => id)
        .join('\n')}`,
    );
  if (!options.probe) return;
  note(`\nmeasuring each variant for some seconds on ${experiment.games[0]} (--no-probe leaves this out)`);
  const probes = await interruptible((signal) => probeAll(experiment, signal), 'stopping the measurement');
  print(`\n${estimateText(experiment, probes, slots)}`);
}

/** Measures every variant, one after the other, so that none disturbs another. */
async function probeAll(experiment: Experiment, signal: AbortSignal): Promise<ProbeResult[]> {
  const scratch = mkdtempSync(join(tmpdir(), 'moe-rl-probe-'));
  try {
    const probes: ProbeResult[] = [];
    for (const { name } of experiment.variants) {
      probes.push(await probeVariant(experiment, name, scratch, signal));
      note(`  ${name}`);
    }
    return probes;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function describe(experiment: Experiment): string {
  const { title, plan, protocol, games, seeds, variants, baseline } = experiment;
  const { config } = variants[0]!;
  const { evaluation } = config;
  const length =
    evaluation.agentSteps === null ? `${evaluation.episodes} episodes` : `${count(evaluation.agentSteps)} agent steps`;
  const rows: [string, string][] = [
    ['suite', `${plan.suite}: ${games.join(', ')}`],
    ['protocol', `${protocol.name}${plan.scale === 1 ? '' : `, scaled by ${plan.scale}`}`],
    [
      'a run',
      `${count(config.trainingAgentSteps)} agent steps, evaluated every ${count(evaluation.periodAgentSteps ?? 0)} for ${length}`,
    ],
    ['variants', variants.map(({ name }) => name).join(', ')],
    ['baseline', baseline],
    ['seeds', seeds.join(', ')],
    ['backend', `${plan.backend}, ${plan.threads} thread${plan.threads === 1 ? '' : 's'} a run`],
    ['jobs', String(games.length * seeds.length * variants.length)],
  ];
  return `${title}\n${table(['plan', ''], rows)}`;
}

function estimateText(experiment: Experiment, probes: readonly ProbeResult[], slots: number): string {
  const estimate = estimateExperiment(experiment, probes, slots);
  const rows = estimate.variants.map(({ variant, jobSeconds, memoryBytes, diskBytes }) => [
    variant,
    hours(jobSeconds),
    gigabytes(memoryBytes),
    gigabytes(diskBytes),
  ]);
  return [
    table(['variant', 'one job', 'memory', 'disk'], rows),
    '',
    `all ${estimate.jobs} jobs, ${slots} at a time: ${hours(estimate.elapsedSeconds)}, ${gigabytes(estimate.memoryBytes)} of memory, ${gigabytes(estimate.diskBytes)} of disk`,
    `(${hours(estimate.computingSeconds)} of computing; measured on this machine as it is now, on ${experiment.games[0]})`,
  ].join('\n');
}

function hours(seconds: number): string {
  const value = seconds / 3600;
  return `${value < 0.1 ? value.toFixed(3) : value < 10 ? value.toFixed(2) : value.toFixed(0)} h`;
}

function gigabytes(bytes: number): string {
  const value = bytes / 1e9;
  return `${value < 0.1 ? value.toFixed(3) : value.toFixed(1)} GB`;
}
