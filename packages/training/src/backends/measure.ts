// Measures the backends that are here with one agent's own steps, each in a process of its own: a process keeps the tensor library that it loaded first, and a driver
// that crashes takes nothing else with it. Nothing is downloaded.
import { fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { devicesHere, explainPlugins, type PluginExplanation } from '@moe-rl/pjrt';
import type { BackendExplanation } from '@moe-rl/tfjs-native';
import { explainTrainingBackends } from './explain.ts';
import type { BackendMeasurement } from './measurement.ts';
import type { BackendHere, MeasuredAgent } from './measurement-cache.ts';

/** What the process of a measurement is told. */
export interface MeasureTask extends MeasuredAgent, BackendHere {}

/** Longer than this no backend is waited for. */
const LIMIT_SECONDS = 300;

/**
 * The backends that could train and are here, whole: found or installed, nothing to be fetched. Plain JavaScript is left out, and WebAssembly where TensorFlow is
 * there: they are never faster.
 */
export function backendsHere(explained: readonly PluginExplanation[] = explainPlugins()): BackendHere[] {
  const stock = explainTrainingBackends().filter(({ state, isInstalled }) => state !== 'unavailable' && isInstalled);
  const native = stock.find(({ name }) => name === 'tensorflow');
  const others = stock.filter(({ name }) => name === 'webgpu' || (name === 'wasm' && native === undefined));
  const plugins = explained.filter(({ state }) => state === 'found');
  const own = plugins.find(({ name }) => name === 'user');
  // The user's own plugin takes the place of those in the cache, for whatever device is asked for: which one it is for is told by loading it.
  if (own !== undefined) {
    const version = own.reason;
    return stockHere(native, others).concat(
      devicesHere().map((device): BackendHere => ({ backend: `pjrt-${device}`, version })),
    );
  }
  const named = plugins.map(({ name, reason }) => ({
    backend: `pjrt-${name.replace(/\d+$/, '')}` as BackendHere['backend'],
    version: reason,
  }));
  return stockHere(native, others).concat(
    named.filter(({ backend }, index) => named.findIndex((one) => one.backend === backend) === index),
  );
}

function stockHere(native: BackendExplanation | undefined, others: readonly BackendExplanation[]): BackendHere[] {
  return [...(native === undefined ? [] : [native]), ...others].map(({ name, source }) => ({
    backend: name,
    version: source,
  }));
}

/**
 * Measures each backend with the agent's first learning steps and actions.
 * @param onMeasured called after each
 */
export async function measureBackends(
  agent: MeasuredAgent,
  backends: readonly BackendHere[],
  onMeasured: (measurement: BackendMeasurement) => void = () => {},
): Promise<BackendMeasurement[]> {
  const measurements: BackendMeasurement[] = [];
  for (const here of backends) {
    const measurement = await measureInProcess({ ...agent, ...here });
    measurements.push(measurement);
    onMeasured(measurement);
  }
  return measurements;
}

function measureInProcess(task: MeasureTask): Promise<BackendMeasurement> {
  const { backend, version } = task;
  const entry = createRequire(import.meta.url).resolve('@moe-rl/training/measure-process');
  return new Promise((resolve) => {
    const child = fork(entry, [], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    let errors = '';
    let answer: BackendMeasurement | undefined;
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      child.kill('SIGKILL');
    }, LIMIT_SECONDS * 1000);
    child.stderr?.on('data', (chunk: Buffer) => {
      errors = (errors + chunk.toString()).slice(-2000);
    });
    child.on('message', (message: BackendMeasurement) => {
      answer = message;
    });
    const end = (reason: string): void => {
      clearTimeout(timer);
      resolve(answer ?? { backend, version, reason });
    };
    child.on('error', (error) => end(`its process can't be started: ${error.message}`));
    child.on('close', (code, signal) => {
      const last = errors.trim().split('\n').at(-1);
      const how = signal ?? `code ${code}`;
      end(isLate ? `it took more than ${LIMIT_SECONDS} s` : `its process ended with ${how}${last ? `: ${last}` : ''}`);
    });
    child.send(task, () => {
      // A process that could not be started is told by 'error' or 'close'.
    });
  });
}
