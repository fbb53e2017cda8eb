// The tensor backend of a run.
import type { RunConfig } from '@moe-rl/runs';
import { type LoadBackendOutput, loadBackend } from '@moe-rl/tfjs-native';

/** Loads what the configuration names, and says what it is. */
export async function openBackend(
  config: Pick<RunConfig, 'backend' | 'threads'>,
  say: (line: string) => void,
): Promise<LoadBackendOutput> {
  // TensorFlow calls a missing fast path of its own an error; what goes wrong with ours comes as an exception.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '3';
  const output = await loadBackend({
    backend: config.backend,
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
