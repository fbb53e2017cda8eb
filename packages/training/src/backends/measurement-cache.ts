// Measurements of backends on disk, in the cache folder: a file per machine, network and set of backends with their versions. Another of any of these is measured
// anew.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import type { AgentConfig } from '@moe-rl/agents';
import { isMoeRlError, type ObservationSpec } from '@moe-rl/core';
import { cacheDirectory, makeFolder, readJsonObject, replaceFile } from '@moe-rl/core/node';
import { BACKENDS } from '@moe-rl/runs';
import type { BackendMeasurement, EntryPointTime, MeasurableBackend } from './measurement.ts';

/** What is measured: an agent's steps on observations of this form, with so many threads. */
export interface MeasuredAgent {
  readonly config: AgentConfig;
  readonly observationSpec: ObservationSpec;
  readonly actionCount: number;
  readonly threads: number | null;
}

/** A backend that is here, and what tells its build from others. */
export interface BackendHere {
  readonly backend: MeasurableBackend;
  readonly version: string;
}

const FORMAT_VERSION = 1;
/** Settings of learning that change no step's time: runs that differ in them alone need no measurement of their own. */
const WITHOUT_EFFECT: ReadonlySet<string> = new Set([
  ...['discountFactor', 'minReplayHistoryAgentSteps', 'updatePeriodAgentSteps', 'updatesPerPeriod'],
  ...['targetUpdatePeriodAgentSteps', 'epsilonTrain', 'epsilonEvaluate', 'epsilonDecayPeriodAgentSteps'],
  ...['epsilonSchedule', 'rewardClip'],
]);

/** The file of an agent's measurements on this machine with these backends. */
export function measurementFile(agent: MeasuredAgent, backends: readonly BackendHere[]): string {
  const { config, observationSpec, actionCount, threads } = agent;
  const { network, optimizer, auxiliaryLosses, sparsity } = config;
  const machine = [
    process.platform,
    process.arch,
    cpus()[0]?.model,
    availableParallelism(),
    nvidiaCards(),
    process.version,
  ];
  const learning = Object.entries(config.agent).filter(([name]) => !WITHOUT_EFFECT.has(name));
  const step = [network, learning, optimizer.type, auxiliaryLosses, sparsity, observationSpec, actionCount, threads];
  const hash = createHash('sha256').update(JSON.stringify([FORMAT_VERSION, machine, backends, step]));
  return join(cacheDirectory(), 'backends', `${hash.digest('hex').slice(0, 32)}.json`);
}

/** NVIDIA's cards by the driver's own list; empty where there is none. */
function nvidiaCards(): string {
  const folder = '/proc/driver/nvidia/gpus';
  if (!existsSync(folder)) return '';
  const models = readdirSync(folder).map((card) => {
    const file = join(folder, card, 'information');
    return existsSync(file) ? (/^Model:\s*(.*)$/m.exec(readFileSync(file, 'utf8'))?.[1] ?? card) : card;
  });
  return models.sort().join(', ');
}

/** What was measured before; undefined where nothing was, or the file is damaged. */
export function readMeasurements(file: string): readonly BackendMeasurement[] | undefined {
  if (!existsSync(file)) return undefined;
  try {
    const { formatVersion, measurements } = readJsonObject(file);
    if (formatVersion !== FORMAT_VERSION || !Array.isArray(measurements) || measurements.length === 0) return undefined;
    return measurements.every(isMeasurement) ? measurements : undefined;
  } catch (error) {
    if (isMoeRlError(error)) return undefined;
    throw error;
  }
}

/** Whether a file's entry is what was written: a known backend with its two times, or with the reason that it has none. */
function isMeasurement(value: unknown): value is BackendMeasurement {
  if (typeof value !== 'object' || value === null) return false;
  const { backend, version, reason, learn, act } = value as Record<keyof BackendMeasurement, unknown>;
  const isKnown = backend !== 'auto' && BACKENDS.some((name) => name === backend);
  if (!isKnown || typeof version !== 'string') return false;
  return reason === undefined ? isTime(learn) && isTime(act) : typeof reason === 'string';
}

function isTime(value: unknown): value is EntryPointTime {
  if (typeof value !== 'object' || value === null) return false;
  const { firstMs, ms } = value as Record<keyof EntryPointTime, unknown>;
  return [firstMs, ms].every((time) => typeof time === 'number' && Number.isFinite(time) && time >= 0);
}

/** Remembers measurements. A cache that can't be written is no reason to stop: it is said. */
export function writeMeasurements(
  file: string,
  measurements: readonly BackendMeasurement[],
  say: (line: string) => void,
): void {
  try {
    makeFolder(join(file, '..'));
    replaceFile(file, `${JSON.stringify({ formatVersion: FORMAT_VERSION, measurements }, null, 2)}\n`);
  } catch (error) {
    if (!isMoeRlError(error)) throw error;
    say(`the measurements of backends are not kept: ${error.message}`);
  }
}
