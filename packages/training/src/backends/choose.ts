// Which backend `auto` means for a new run: the one whose steps, measured here with the run's own network, take the run the least time; for a short run that was not
// measured before, the first that is there, because measuring would take longer than it gains.
import { type AgentConfig, updatesWithin } from '@moe-rl/agents';
import type { Environment } from '@moe-rl/core';
import { isMoeRlError } from '@moe-rl/core';
import { explainPlugins, type PluginExplanation } from '@moe-rl/pjrt';
import type { RunConfig } from '@moe-rl/runs';
import { backendsHere, measureBackends } from './measure.ts';
import {
  type BackendMeasurement,
  choiceOf,
  explainChoice,
  type MeasurableBackend,
  type RunWork,
} from './measurement.ts';
import { type MeasuredAgent, measurementFile, readMeasurements, writeMeasurements } from './measurement-cache.ts';

/** Runs with fewer updates are not worth measuring. */
export const MEASURED_FROM_UPDATES = 20_000;

/** How often a run acts and learns: with a dataset it learns from the first step on, and acts in evaluations only. */
export function workOf(
  { agent }: AgentConfig,
  { trainingAgentSteps, dataset }: Pick<RunConfig, 'trainingAgentSteps' | 'dataset'>,
): RunWork {
  const source = dataset.folder === null ? 'environment' : 'dataset';
  return {
    actions: source === 'dataset' ? 0 : trainingAgentSteps,
    updates: updatesWithin(agent, trainingAgentSteps, source),
  };
}

/**
 * The backend that `auto` means for a run, said with its reason; undefined: the first that works, in the order of `doctor`.
 */
export async function chooseBackend(
  config: Pick<RunConfig, 'threads' | 'trainingAgentSteps' | 'dataset'>,
  agentConfig: AgentConfig,
  { observationSpec, actionCount }: Pick<Environment, 'observationSpec' | 'actionCount'>,
  say: (line: string) => void,
): Promise<MeasurableBackend | undefined> {
  const plugins = explainPlugins();
  sayWhatCouldBeFetched(plugins, say);
  const backends = backendsHere(plugins);
  if (backends.length < 2) return undefined;
  const agent = { config: agentConfig, observationSpec, actionCount, threads: config.threads };
  const work = workOf(agentConfig, config);
  const file = measurementFile(agent, backends);
  let measurements = readMeasurements(file);
  if (measurements === undefined) {
    if (work.updates < MEASURED_FROM_UPDATES) {
      say(
        `backend auto: the first that works, not the fastest of ${backends.map(({ backend }) => backend).join(', ')}: measuring takes longer than a run of ${work.updates} updates gains (\`doctor --measure\` does it)`,
      );
      return undefined;
    }
    say(`backend auto: measuring ${backends.map(({ backend }) => backend).join(', ')} with this network, once`);
    measurements = await measureHere(agent, say);
  }
  say(`backend auto: ${explainChoice(measurements, work)}`);
  return choiceOf(measurements, work)?.backend;
}

/** Measures all backends that are here with an agent, and remembers what came out. */
export async function measureHere(
  agent: MeasuredAgent,
  say: (line: string) => void,
  onMeasured?: (measurement: BackendMeasurement) => void,
): Promise<readonly BackendMeasurement[]> {
  const backends = backendsHere();
  const measurements = await measureBackends(agent, backends, onMeasured);
  writeMeasurements(measurementFile(agent, backends), measurements, say);
  return measurements;
}

/** `open` with the chosen backend; where it can't be had after all, that is said and `auto` goes on as it would have without a choice. */
export async function openOrGoOn<Output>(
  chosen: MeasurableBackend | undefined,
  open: (backend: RunConfig['backend']) => Promise<Output>,
  say: (line: string) => void,
): Promise<Output> {
  if (chosen === undefined) return open('auto');
  try {
    return await open(chosen);
  } catch (error) {
    if (!isMoeRlError(error)) throw error;
    say(`backend auto: ${chosen} can't be used: ${error.message}; going on with the first that works`);
    return open('auto');
  }
}

/** A card that is there without its plugin: `auto` fetches no gigabytes. */
function sayWhatCouldBeFetched(plugins: readonly PluginExplanation[], say: (line: string) => void): void {
  for (const { name, state, reason } of plugins) {
    if (name === 'cpu' || name === 'user' || state !== 'can be fetched') continue;
    say(`a GPU is here that XLA could use: --backend pjrt-${name.replace(/\d+$/, '')} fetches its plugin (${reason})`);
  }
}
