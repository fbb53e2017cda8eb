// The value-based agents of @moe-rl/agents (DQN, Rainbow, DER, DrQ, CQL, with or without experts) as a kind of agent of runs, and their presets.
import {
  AGENT_SETTINGS,
  type AgentConfig,
  createProgramBatch,
  createValueAgent,
  getPreset,
  listPresets,
  requireLearnable,
  type ValueAgent,
  type ValueAgentOptions,
  validateAgentConfig,
} from '@moe-rl/agents';
import { type Environment, InvalidArgumentError } from '@moe-rl/core';
import {
  type AgentKind,
  type AgentRequest,
  BACKENDS,
  type BackendOption,
  type Preset,
  type RunAgent,
  type RunConfig,
} from '@moe-rl/runs';
import { openBackend } from '../backend.ts';
import { chooseBackend, openOrGoOn } from '../backends/choose.ts';
import { fillReplay } from '../offline/dataset.ts';
import { keptReplay } from '../replay/kept-replay.ts';
import { offlineReplay } from '../replay/offline-replay.ts';

/** The agent's groups of settings; the environment's, which agents don't read, left out. */
const { environment: _, ...AGENT_FIELDS } = AGENT_SETTINGS.fields;

/** A run's configuration with the settings of a value-based agent. */
export type ValueAgentRunConfig = RunConfig & Omit<AgentConfig, 'environment'>;

export const VALUE_AGENT: AgentKind = {
  description: 'Value-based agents: DQN, Rainbow, DER, DrQ(eps), CQL, with or without experts',
  settings: AGENT_FIELDS,
  check(config) {
    validateAgentConfig(agentConfigOf(config));
  },
  checkRun(config) {
    const source = config.dataset.folder === null ? 'environment' : 'dataset';
    requireLearnable(agentConfigOf(config), config.trainingAgentSteps, source);
  },
  learnsOffline: true,
  notes: (config) => {
    const { agent, network } = config as ValueAgentRunConfig;
    // The setting is there only where there are experts.
    return network.noisy && agent.expertNoiseInEvaluation === true
      ? [
          'the experts stay noisy in evaluation, as in the official code: evaluations of one agent differ; agent.expertNoiseInEvaluation=false turns that off',
        ]
      : [];
  },
  create: (request) => createRunAgent(request),
  async openBatch({ config, size, say }) {
    requireBatchBackend(config.backend);
    await openBackend(config, say);
    const programs = await createProgramBatch({ size });
    return { size, create: (request, place) => createRunAgent(request, { programs, place }) };
  },
};

/**
 * Refuses a backend that can't compute several seeds as one program.
 * @throws InvalidArgumentError naming those that can
 */
export function requireBatchBackend(backend: BackendOption): void {
  if (backend.startsWith('pjrt-')) return;
  const able = BACKENDS.filter((name) => name.startsWith('pjrt-')).join(', ');
  throw new InvalidArgumentError(
    `backend is "${backend}", which runs one step at a time: seeds computed together would gain nothing there, and runs side by side use all cores; expected one of ${able} for a batch of seeds`,
  );
}

async function createRunAgent(
  { config, environment, purpose, replayFolder, isResume = false, say }: AgentRequest,
  batch?: ValueAgentOptions['batch'],
): Promise<RunAgent> {
  const agentConfig = agentConfigOf(config);
  // A run that goes on stays with what it began with.
  const isOpen = config.backend === 'auto' && purpose === 'training' && !isResume;
  const open = (backend: BackendOption) => openBackend({ ...config, backend }, say);
  const { tf, name } = await (isOpen
    ? openOrGoOn(await chooseBackend(config, agentConfig, environment, say), open, say)
    : open(config.backend));
  const agent = await createValueAgent({
    config: purpose === 'training' ? agentConfig : withTinyReplay(agentConfig),
    environment,
    seed: config.seed,
    ...(batch === undefined ? {} : { batch }),
  });
  const made = {
    agent,
    backendName: name,
    tensorCount: () => tf.memory().numTensors,
    finalRows: () => agent.routerSaturation(),
  };
  if (purpose === 'evaluation') return made;
  say(describeAgent(agent));
  for (const warning of agent.warnings) say(warning);
  const { folder } = config.dataset;
  if (folder === null) return { ...made, replay: keptReplay(agent.replay, replayFolder) };
  try {
    await readDataset(agent, folder, environment, say);
  } catch (error) {
    agent.dispose();
    throw error;
  }
  return {
    ...made,
    replay: offlineReplay(agent.replay, replayFolder, folder),
    learnOffline: () => agent.trainOffline(),
  };
}

/** The presets of @moe-rl/agents. */
export function valueAgentPresets(): Readonly<Record<string, Preset>> {
  const presetOf = ({ name, description }: { readonly name: string; readonly description: string }): Preset => ({
    description,
    agent: 'value',
    isOffline: name.startsWith('cql'),
    get settings() {
      const { environment: _, ...settings } = getPreset(name);
      return settings as unknown as NonNullable<Preset['settings']>;
    },
    get trainingAgentSteps() {
      return getPreset(name).environment.trainingAgentSteps;
    },
    get protocol() {
      return getPreset(name).environment;
    },
  });
  return Object.fromEntries(listPresets().map((preset) => [preset.name, presetOf(preset)]));
}

/** The agent's part of a run's configuration, as `createValueAgent` takes it. */
export function agentConfigOf(config: RunConfig): AgentConfig {
  const groups = Object.fromEntries(
    Object.entries(config).filter(([key, value]) => Object.hasOwn(AGENT_FIELDS, key) && value !== undefined),
  );
  const { repeatActionProbability = 0, terminalOnLifeLoss = false, maxEpisodeFrames, frameSkip } = config.environment;
  return {
    ...(groups as unknown as AgentConfig),
    environment: {
      repeatActionProbability: Number(repeatActionProbability),
      terminalOnLifeLoss: terminalOnLifeLoss === true,
      maxEpisodeAgentSteps: Math.max(1, Math.ceil(Number(maxEpisodeFrames ?? 108_000) / Number(frameSkip ?? 4))),
      trainingAgentSteps: config.trainingAgentSteps,
    },
  };
}

/** Nothing is learned in an evaluation, so the memory may be tiny. */
function withTinyReplay(config: AgentConfig): AgentConfig {
  const capacity = Math.min(config.replay.capacity, 100 + config.agent.batchSize + config.agent.updateHorizon);
  return { ...config, replay: { ...config.replay, capacity } };
}

async function readDataset(
  { replay, config }: ValueAgent,
  folder: string,
  environment: Environment,
  say: (line: string) => void,
): Promise<void> {
  const { transitions, isWhole, description } = await fillReplay(replay, folder, environment, config.agent.rewardClip);
  const kept = isWhole ? '' : `, its first: replay.capacity ${replay.capacity} holds no more`;
  say(`dataset: ${transitions.toLocaleString('en-US')} transitions of ${folder} (${description})${kept}`);
}

function describeAgent(agent: ValueAgent): string {
  const shapes = Object.values(agent.network.parameterShapes);
  const parameters = shapes.reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0);
  return `agent: ${parameters.toLocaleString('en-US')} parameters, ${agent.isRecorded ? 'recorded' : 'eager'} training steps`;
}
