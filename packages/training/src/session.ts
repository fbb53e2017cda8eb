// Sets up what a command works with: environment, tensor backend, agent.
import { createValueAgent, type ValueAgent } from '@moe-rl/agents';
import type { Environment } from '@moe-rl/core';
import { ReplayCheckpointer } from '@moe-rl/replay/node';
import type { ReplayPersistence } from '@moe-rl/runs';
import { agentConfigOf, type RunConfig, type RunFolder, runFolderPaths } from '@moe-rl/runs';
import { type LoadBackendOutput, loadBackend } from '@moe-rl/tfjs-native';
import { makeEnvironment } from './games.ts';

export interface Session {
  readonly agent: ValueAgent;
  readonly environment: Environment;
  readonly backendName: string;
  readonly replay: ReplayPersistence;
  readonly tensorCount: () => number;
  dispose(): void;
}

/** Makes the environment (so that a missing ROM is told before anything is downloaded), loads the backend and creates the agent. */
export async function openSession(folder: RunFolder, say: (line: string) => void): Promise<Session> {
  const { config } = folder;
  const environment = makeEnvironment(config);
  const { tf, name } = await openBackend(config, say);
  const agent = await createValueAgent({ config: agentConfigOf(config), environment, seed: config.seed });
  say(describeAgent(agent));
  return {
    agent,
    environment,
    backendName: name,
    replay: replayPersistence(agent, folder.replayFolder),
    tensorCount: () => tf.memory().numTensors,
    dispose() {
      agent.dispose();
      environment.close?.();
    },
  };
}

/** The agent of a run as its newest checkpoint has it, for evaluation: its replay memory is left on the disk. */
export async function loadTrainedAgent(
  path: string,
  config: RunConfig,
  say: (line: string) => void,
): Promise<{ readonly agent: ValueAgent; readonly checkpoint: string; dispose(): void }> {
  const { path: checkpoint, parts, skipped } = runFolderPaths(path).checkpoints.loadNewest();
  for (const reason of skipped) say(`skipped a checkpoint that can't be read: ${reason}`);
  await openBackend(config, say);
  const environment = makeEnvironment(config);
  const agentConfig = agentConfigOf(config);
  // Nothing is learned here, so the memory may be tiny.
  const capacity = 100 + agentConfig.agent.updateHorizon;
  const agent = await createValueAgent({
    config: { ...agentConfig, replay: { ...agentConfig.replay, capacity } },
    environment,
    seed: config.seed,
  });
  environment.close?.();
  try {
    await agent.setState(parts.agent ?? {});
  } catch (error) {
    agent.dispose();
    throw error;
  }
  say(`loaded ${checkpoint}`);
  return { agent, checkpoint, dispose: () => agent.dispose() };
}

async function openBackend(config: RunConfig, say: (line: string) => void): Promise<LoadBackendOutput> {
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
  return output;
}

function describeAgent(agent: ValueAgent): string {
  const shapes = Object.values(agent.network.parameterShapes);
  const parameters = shapes.reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0);
  return `agent: ${parameters.toLocaleString('en-US')} parameters, ${agent.isRecorded ? 'recorded' : 'eager'} training steps`;
}

/** Keeps the replay memory in its own folder, writing only what is new. */
function replayPersistence(agent: ValueAgent, folder: string): ReplayPersistence {
  // Three: the two that the run's two checkpoints need, and the one being written.
  const checkpointer = new ReplayCheckpointer({ replay: agent.replay, folder, keep: 3 });
  return {
    folder,
    async save() {
      const { checkpointId } = await checkpointer.save();
      return { checkpointId };
    },
    async restore(state) {
      await checkpointer.restore(Number(state.checkpointId));
    },
    interruptEpisode: () => agent.replay.interruptEpisode(),
  };
}
