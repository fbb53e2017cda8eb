// The tensor backend of a run.
import type { DeviceChoice } from '@moe-rl/pjrt';
import type { BackendOption, RunConfig } from '@moe-rl/runs';
import { type LoadBackendOutput, loadBackend } from '@moe-rl/tfjs-native';

/** What is used: tfjs and what the backend is called in the run's records. */
export interface OpenBackendOutput {
  readonly tf: LoadBackendOutput['tf'];
  readonly name: string;
}

/** The backends that are XLA's, by a plugin. */
type PluginBackend = Extract<BackendOption, `pjrt-${string}`>;

/**
 * Loads what the configuration names, and says what it is. Only `auto` goes on to another one where something is missing.
 * @throws MissingDependencyError, PluginError, DeviceError or MissingGpuError when what was asked for by name can't be had
 */
export async function openBackend(
  config: Pick<RunConfig, 'backend' | 'threads'>,
  say: (line: string) => void,
): Promise<OpenBackendOutput> {
  const { backend } = config;
  if (isPluginBackend(backend)) return openPlugin(backend, config.threads, say);
  if (backend === 'webgpu') return openWebGpu(config.threads, say);
  // TensorFlow calls a missing fast path of its own an error; what goes wrong with ours comes as an exception.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '3';
  const output = await loadBackend({
    backend,
    ...(config.threads === null ? {} : { threads: config.threads }),
    onProgress: ({ message }) => say(message),
  });
  // Silences the advice to install tfjs-node that the other backends print; the choice of the backend is ours.
  output.tf.enableProdMode();
  say(`tensor backend: ${output.name} (${output.report.used.source}${output.report.gpu ? ', on the GPU' : ''})`);
  const { threads } = config;
  if (output.name === 'cpu' && threads !== null && threads > 1) {
    say(`threads is ${threads}, which does nothing here: plain JavaScript computes on one`);
  }
  return output;
}

function isPluginBackend(backend: BackendOption): backend is PluginBackend {
  return backend.startsWith('pjrt-');
}

async function openWebGpu(threads: number | null, say: (line: string) => void): Promise<OpenBackendOutput> {
  const { loadWebGpu } = await import('@moe-rl/webgpu');
  const { tf, deviceName } = await loadWebGpu();
  tf.enableProdMode();
  say(`tensor backend: webgpu (kernels of our own in WGSL, on ${deviceName})`);
  if (threads !== null) say(`threads is ${threads}, which does nothing here: the device has its own`);
  return { tf, name: 'webgpu' };
}

async function openPlugin(
  backend: PluginBackend,
  threads: number | null,
  say: (line: string) => void,
): Promise<OpenBackendOutput> {
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '3';
  // Loaded where it is asked for only: it brings a library for native calls.
  const { loadPjrt } = await import('@moe-rl/pjrt');
  const { tf, client } = await loadPjrt({
    device: backend.slice('pjrt-'.length) as DeviceChoice,
    ...(threads === null ? {} : { threads }),
    onProgress: say,
  });
  tf.enableProdMode();
  const { major, minor } = client.api.version;
  say(`tensor backend: ${backend} (XLA by a PJRT plugin, C interface ${major}.${minor}, on ${client.deviceKind})`);
  return { tf, name: backend };
}
