// The value-based agent: DQN, Double DQN, Rainbow, DER, DrQ(eps) and CQL are configurations of it, as in the official code, where one class takes the
// same switches. Acts, stores, learns and copies to the target network by schedule; the tensors live in one program with an entry point for each.
import {
  type ActMode,
  type Agent,
  type AgentMetrics,
  CheckpointError,
  createRng,
  elementCount,
  InvalidArgumentError,
  linearlyDecayingEpsilon,
  NonFiniteError,
  type Observation,
  type ObservationSpec,
  type Rng,
  type RngState,
  requireInteger,
  ShapeError,
  type StateTree,
  type TensorData,
  type Transition,
  type TypedArray,
} from '@moe-rl/core';
import { atomSupport, expectedValues } from '@moe-rl/encoders';
import { ReplayBuffer, type ReplaySample } from '@moe-rl/replay';
import { createProgram, type EntryPoint, type Program, type ProgramMode } from '@moe-rl/tfjs-graph';
import type { Variable } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import type { AgentConfig } from '../config/agent-config.ts';
import { validateAgentConfig } from '../config/validate.ts';
import { createNetwork, type Network } from '../networks/network.ts';
import { createOptimizer } from '../optimizers/index.ts';
import { drawAugmentation } from './augmentation.ts';
import { createMeasurement, type Measurement } from './measurement.ts';
import { drawNoise, drawSeed, SEED_INPUT } from './noise.ts';
import { createSparseTraining, type SparseTraining } from './sparse-training.ts';
import {
  createGradientStep,
  createUpdateStep,
  UPDATE_METRICS,
  type UpdateStepConfig,
  updateStepInputs,
} from './update-step.ts';

export interface ValueAgentOptions {
  readonly config: AgentConfig;
  /** What the agent will see and do: an `Environment` is one. */
  readonly environment: { readonly observationSpec: ObservationSpec; readonly actionCount: number };
  /** Seed of every random stream of the agent. Default 0. */
  readonly seed?: number;
  /** `auto` (default): recorded where the backend can, else eager, with the same results. */
  readonly mode?: ProgramMode;
}

/** An agent with what a trainer needs beside core's interface. */
export interface ValueAgent extends Agent {
  readonly config: AgentConfig;
  readonly network: Network;
  /** The experience. Saved apart from the agent's state (`@moe-rl/replay/node`), because it is large. */
  readonly replay: ReplayBuffer;
  /** True when act and learn run as recorded graphs. */
  readonly isRecorded: boolean;
  /** The exploration rate that `act` would use now. */
  epsilon(mode: ActMode): number;
  /** Action values `[A]` of one observation, as `act` in this mode sees them. */
  values(observation: Observation, mode?: ActMode): Promise<Float32Array>;
  /**
   * One update on a batch from `replay`, whatever the schedule says: what offline agents are trained with.
   * @throws NonFiniteError when the loss is not finite; InvalidArgumentError when the buffer holds too little
   */
  learn(): Promise<AgentMetrics>;
  /** Copies the online network to the target network. */
  syncTarget(): Promise<void>;
  /** Measures the network on a batch from `replay`: dormant units, effective rank, feature norm, router metrics. */
  measure(): Promise<AgentMetrics>;
  /** The online network's parameters, by their official names. */
  readParameters(): Promise<Record<string, TensorData>>;
  /**
   * Sets parameters of the online network (and of the target network with `both`), for instance official ones.
   * @throws ShapeError for an unknown name or another shape
   */
  writeParameters(values: Readonly<Record<string, TensorData>>, networks?: 'online' | 'both'): Promise<void>;
}

const STATE_KIND = 'moe-rl/value-agent';
const STATE_VERSION = 1;
type EntryName = 'act' | 'evaluate' | 'learn' | 'syncTarget' | 'measure' | 'gradients';

/**
 * Creates an agent.
 * @throws InvalidArgumentError for a bad configuration, or one that does not fit the environment
 */
export async function createValueAgent(options: ValueAgentOptions): Promise<ValueAgent> {
  const config = validateAgentConfig(options.config);
  const { observationSpec, actionCount } = options.environment;
  const seed = requireInteger('seed', options.seed ?? 0, 0);
  requireInteger('environment.actionCount', actionCount, 1);
  const network = createNetwork(config.network, { observationSpec, actionCount, atoms: config.agent.atoms });
  // Acting, learning and the environment never share a stream: one may draw more often without changing the others.
  const root = createRng(seed, 'agent');
  const streams: Record<string, Rng> = {};
  for (const name of ['explore', 'actNoise', 'learnNoise', 'augmentation', 'sparsity', 'measure'])
    streams[name] = root.fork(name);
  const replay = new ReplayBuffer({
    observationSpec,
    capacity: config.replay.capacity,
    updateHorizon: config.agent.updateHorizon,
    discountFactor: config.agent.discountFactor,
    truncation: config.replay.truncation,
    sampling:
      config.replay.sampling === 'uniform'
        ? { kind: 'uniform' }
        : {
            kind: 'prioritized',
            priorityExponent: config.replay.priorityExponent,
            importanceExponent: config.replay.importanceExponent,
            draws: config.replay.draws,
          },
    rng: root.fork('replay'),
  });
  const built = buildProgram(config, network, replay, root.fork('parameters'));
  const program = await createProgram<EntryName>({
    variables: built.variables,
    entryPoints: built.entryPoints,
    mode: options.mode ?? 'auto',
  });
  return new ProgramAgent(config, network, replay, program, streams, built.parts);
}

interface BuiltParts {
  readonly sparseTraining: SparseTraining | undefined;
  readonly measurement: Measurement;
  /** Shapes of everything that is saved. */
  readonly shapes: Readonly<Record<string, readonly number[]>>;
}

/** Makes the variables, and the entry points over them. */
function buildProgram(
  config: AgentConfig,
  network: Network,
  replay: ReplayBuffer,
  rng: Rng,
): { variables: Record<string, Variable>; entryPoints: Record<EntryName, EntryPoint>; parts: BuiltParts } {
  const { agent } = config;
  const { observationSpec } = network.input;
  const initial = network.initialize(rng);
  const sparseTraining = createSparseTraining(config.sparsity, network, rng.fork('masks'));
  const masks: Record<string, Variable> = {};
  for (const [name, mask] of Object.entries(sparseTraining?.initialMasks ?? {})) {
    masks[name] = tf.tidy(() => tf.variable(tf.tensor(mask, [...network.parameterShapes[name]!.shape]), false));
    const values = initial[name]!.data;
    for (let index = 0; index < values.length; index++) values[index]! *= mask[index]!;
  }
  const online: Record<string, Variable> = {};
  const target: Record<string, Variable> = {};
  for (const [name, { shape, data }] of Object.entries(initial)) {
    // Copies: tfjs keeps the array it is given, and the two networks must not share one.
    online[name] = tf.tidy(() => tf.variable(tf.tensor(data.slice(), [...shape]), true));
    target[name] = tf.tidy(() => tf.variable(tf.tensor(data.slice(), [...shape]), false));
  }
  const routers = new Set(config.routerOptimizer.isSeparate ? network.routerParameters : []);
  const groups = [
    {
      prefix: 'optimizer',
      config: config.optimizer,
      names: network.trainableParameters.filter((name) => !routers.has(name)),
    },
    {
      prefix: 'routerOptimizer',
      config: config.routerOptimizer,
      names: network.trainableParameters.filter((name) => routers.has(name)),
    },
  ].filter(({ names }) => names.length > 0);
  const optimizers = groups.map((group) => ({
    ...group,
    optimizer: createOptimizer(group.config, Object.fromEntries(group.names.map((name) => [name, online[name]!]))),
  }));
  const variables: Record<string, Variable> = {};
  const addAll = (prefix: string, group: Readonly<Record<string, Variable>>): void => {
    for (const [name, variable] of Object.entries(group)) variables[`${prefix}/${name}`] = variable;
  };
  addAll('params', online);
  addAll('target', target);
  for (const { prefix, optimizer } of optimizers) addAll(prefix, optimizer.variables);
  addAll('mask', masks);

  const step: UpdateStepConfig = {
    config,
    network,
    online,
    target,
    optimizers,
    masks,
    windowLength: replay.windowLength,
    nextObservationOffset: replay.nextObservationOffset,
  };
  const observationInput = {
    shape: [1, observationSpec.stackSize, ...observationSpec.frameShape],
    dtype: observationSpec.dtype,
  } as const;
  const actor = (noise: 'all' | 'experts' | 'none'): EntryPoint => ({
    inputs: { observation: observationInput, ...(noise === 'none' ? {} : { noiseSeed: SEED_INPUT }) },
    run: ({ observation, noiseSeed }) => {
      const drawn = noise === 'none' ? undefined : drawNoise(network.noiseSizes, 1, noiseSeed!);
      const used = drawn && (noise === 'all' ? drawn : drawn.experts && { experts: drawn.experts });
      const { values } = network.apply(online, observation!, used ? { noise: used } : {});
      if (agent.atoms === 1) return { values };
      return {
        values: expectedValues(values, tf.tensor1d(atomSupport(agent.minimumValue, agent.maximumValue, agent.atoms))),
      };
    },
  });
  const measurement = createMeasurement(config, network, online, replay.windowLength);
  const evaluationNoise =
    config.network.noisy && agent.expertNoiseInEvaluation && network.noiseSizes.experts ? 'experts' : 'none';
  const entryPoints: Record<string, EntryPoint> = {
    learn: { inputs: updateStepInputs(step), run: createUpdateStep(step) },
    act: actor(config.network.noisy ? 'all' : 'none'),
    syncTarget: {
      run: () => {
        for (const [name, variable] of Object.entries(target)) variable.assign(tf.clone(online[name]!));
        return { done: tf.scalar(1) };
      },
    },
    measure: measurement.entryPoint,
  };
  if (config.network.noisy) entryPoints.evaluate = actor(evaluationNoise);
  if (sparseTraining?.needsGradients) {
    entryPoints.gradients = { inputs: updateStepInputs(step), run: createGradientStep(step, Object.keys(masks)) };
  }
  return {
    variables,
    entryPoints: entryPoints as Record<EntryName, EntryPoint>,
    parts: {
      sparseTraining,
      measurement,
      shapes: Object.fromEntries(Object.entries(variables).map(([name, { shape }]) => [name, shape])),
    },
  };
}

class ProgramAgent implements ValueAgent {
  readonly config: AgentConfig;
  readonly network: Network;
  readonly replay: ReplayBuffer;
  readonly #program: Program<EntryName>;
  readonly #streams: Readonly<Record<string, Rng>>;
  readonly #parts: BuiltParts;
  readonly #observationLength: number;
  #trainingAgentSteps = 0;
  #updates = 0;

  constructor(
    config: AgentConfig,
    network: Network,
    replay: ReplayBuffer,
    program: Program<EntryName>,
    streams: Readonly<Record<string, Rng>>,
    parts: BuiltParts,
  ) {
    this.config = config;
    this.network = network;
    this.replay = replay;
    this.#program = program;
    this.#streams = streams;
    this.#parts = parts;
    const { frameShape, stackSize } = network.input.observationSpec;
    this.#observationLength = elementCount(frameShape) * stackSize;
  }

  get isRecorded(): boolean {
    return this.#program.isRecorded;
  }

  get trainingAgentSteps(): number {
    return this.#trainingAgentSteps;
  }

  get updates(): number {
    return this.#updates;
  }

  epsilon(mode: ActMode): number {
    const { epsilonEvaluate, epsilonSchedule, epsilonTrain, epsilonDecayPeriodAgentSteps, minReplayHistoryAgentSteps } =
      this.config.agent;
    if (mode === 'evaluate') return epsilonEvaluate;
    if (epsilonSchedule === 'zero') return 0;
    if (epsilonSchedule === 'constant') return epsilonTrain;
    return linearlyDecayingEpsilon(
      epsilonDecayPeriodAgentSteps,
      this.#trainingAgentSteps,
      minReplayHistoryAgentSteps,
      epsilonTrain,
    );
  }

  act(observation: Observation, mode: ActMode): number | Promise<number> {
    this.#requireObservation('act', observation);
    const explore = this.#streams.explore!;
    // Official: random when uniform <= epsilon. Drawing also at epsilon 0 keeps the stream's position independent of the schedule.
    const isRandom = explore.nextFloat() <= this.epsilon(mode);
    if (isRandom) return explore.nextInteger(this.network.input.actionCount);
    return this.values(observation, mode).then(greedyAction);
  }

  async values(observation: Observation, mode: ActMode = 'evaluate'): Promise<Float32Array> {
    this.#requireObservation('values', observation);
    const entry = mode === 'evaluate' && this.config.network.noisy ? 'evaluate' : 'act';
    const needsSeed =
      this.config.network.noisy &&
      (entry === 'act' || (this.config.agent.expertNoiseInEvaluation && this.network.noiseSizes.experts !== undefined));
    const { values } = await this.#program.run(entry, {
      observation: observation as TypedArray,
      ...(needsSeed ? { noiseSeed: drawSeed(this.#streams.actNoise!) } : {}),
    });
    return values as Float32Array;
  }

  async observe(transition: Transition): Promise<AgentMetrics | undefined> {
    const { agent } = this.config;
    const { reward } = transition;
    if (!Number.isFinite(reward)) {
      throw new NonFiniteError(
        `reward is ${reward} at agent step ${this.#trainingAgentSteps}; expected a finite number`,
      );
    }
    requireInteger('action', transition.action, 0, this.network.input.actionCount - 1);
    const clip = agent.rewardClip;
    this.replay.add({ ...transition, reward: clip > 0 ? Math.min(clip, Math.max(-clip, reward)) : reward });
    const step = this.#trainingAgentSteps++;
    let metrics: AgentMetrics | undefined;
    if (this.replay.addedTransitions > agent.minReplayHistoryAgentSteps && this.replay.sampleableTransitions > 0) {
      if (step % agent.updatePeriodAgentSteps === 0) {
        for (let update = 0; update < agent.updatesPerPeriod; update++) metrics = await this.learn();
      }
      if (step % agent.targetUpdatePeriodAgentSteps === 0) await this.syncTarget();
    }
    return metrics;
  }

  async learn(): Promise<AgentMetrics> {
    const { batchSize } = this.config.agent;
    const batch = this.replay.sample(batchSize);
    const inputs = this.#batchInputs(batch);
    const { sparseTraining } = this.#parts;
    if (sparseTraining?.changesMasksAt(this.#updates)) {
      // As in RigL's code, the update that changes the masks makes no gradient step.
      await this.#changeMasks(sparseTraining, inputs);
      this.#updates++;
      return { 'train/epsilon': this.epsilon('train') };
    }
    const { metrics, priorities } = await this.#program.run('learn', inputs);
    const loss = metrics![0]!;
    if (!Number.isFinite(loss)) {
      throw new NonFiniteError(
        `loss is ${loss} at agent step ${this.#trainingAgentSteps}, update ${this.#updates}; the batch's replay indices are ${Array.from(batch.indices).join(', ')}`,
      );
    }
    if (priorities !== undefined) this.replay.updatePriorities(batch.indices, priorities);
    this.#updates++;
    const result: Record<string, number> = { 'train/epsilon': this.epsilon('train') };
    for (const [index, name] of UPDATE_METRICS.entries()) result[`train/${name}`] = metrics![index]!;
    const period = this.config.statistics.periodUpdates;
    if (period > 0 && this.#updates % period === 0) Object.assign(result, await this.measure());
    return result;
  }

  async syncTarget(): Promise<void> {
    await this.#program.run('syncTarget');
  }

  async measure(): Promise<AgentMetrics> {
    const stream = this.#streams.measure!;
    const { replay } = this;
    if (replay.sampleableTransitions === 0) {
      throw new InvalidArgumentError(
        'measure: the replay buffer holds no transition that can be sampled yet; expected at least one',
      );
    }
    // Not `sample`: measuring must not move the stream that training batches are drawn from.
    const batch = replay.gather(
      Array.from({ length: this.config.agent.batchSize }, () => {
        let slot = stream.nextInteger(replay.size);
        while (!replay.isSampleable(slot)) slot = stream.nextInteger(replay.size);
        return slot;
      }),
    );
    const outputs = await this.#program.run('measure', {
      frames: batch.frames as TypedArray,
      ...(this.config.network.noisy ? { noiseSeed: drawSeed(stream) } : {}),
    });
    return this.#parts.measurement.summarize(outputs);
  }

  async readParameters(): Promise<Record<string, TensorData>> {
    const names = Object.keys(this.network.parameterShapes);
    const values = await this.#program.readVariables(names.map((name) => `params/${name}`));
    return Object.fromEntries(names.map((name) => [name, values[`params/${name}`]!]));
  }

  async writeParameters(
    values: Readonly<Record<string, TensorData>>,
    networks: 'online' | 'both' = 'online',
  ): Promise<void> {
    const renamed: Record<string, TensorData> = {};
    for (const [name, value] of Object.entries(values)) {
      const expected = this.network.parameterShapes[name]?.shape;
      if (expected === undefined) throw new ShapeError(`"${name}" is not a parameter of this network`);
      if (value.shape.join() !== expected.join()) {
        throw new ShapeError(`parameter "${name}" has shape [${value.shape}]; expected [${expected}]`);
      }
      renamed[`params/${name}`] = value;
      if (networks === 'both') renamed[`target/${name}`] = value;
    }
    await this.#program.writeVariables(renamed);
  }

  async getState(): Promise<StateTree> {
    const variables = await this.#program.readVariables();
    return {
      kind: STATE_KIND,
      version: STATE_VERSION,
      shapes: this.#parts.shapes as StateTree,
      variables: Object.fromEntries(Object.entries(variables).map(([name, { data }]) => [name, data])),
      trainingAgentSteps: this.#trainingAgentSteps,
      updates: this.#updates,
      streams: Object.fromEntries(
        Object.entries(this.#streams).map(([name, rng]) => [name, rng.getState()]),
      ) as unknown as StateTree,
    };
  }

  async setState(state: StateTree): Promise<void> {
    if (state.kind !== STATE_KIND || state.version !== STATE_VERSION) {
      throw new CheckpointError(
        `agent state is "${String(state.kind)}" version ${String(state.version)}; expected "${STATE_KIND}" version ${STATE_VERSION}`,
      );
    }
    const shapes = (state.shapes ?? {}) as Record<string, readonly number[]>;
    const data = (state.variables ?? {}) as Record<string, unknown>;
    const expected = this.#parts.shapes;
    for (const [name, shape] of Object.entries(expected)) {
      if (shapes[name] === undefined)
        throw new CheckpointError(`agent state has no "${name}"; it is of another architecture`);
      if (shapes[name].join() !== shape.join()) {
        throw new CheckpointError(
          `agent state has "${name}" of shape [${shapes[name]}]; expected [${shape}]: it is of another architecture`,
        );
      }
      if (!(data[name] instanceof Float32Array) || data[name].length !== elementCount(shape)) {
        throw new CheckpointError(`agent state has no values of "${name}"`);
      }
    }
    const unknown = Object.keys(shapes).find((name) => !(name in expected));
    if (unknown !== undefined)
      throw new CheckpointError(
        `agent state has "${unknown}", which this agent has not; it is of another architecture`,
      );
    const { trainingAgentSteps, updates } = state;
    if (!Number.isSafeInteger(trainingAgentSteps) || !Number.isSafeInteger(updates)) {
      throw new CheckpointError(
        `agent state counts ${String(trainingAgentSteps)} agent steps and ${String(updates)} updates; expected integers`,
      );
    }
    const streams = (state.streams ?? {}) as unknown as Record<string, RngState>;
    for (const name of Object.keys(this.#streams)) {
      if (streams[name] === undefined) throw new CheckpointError(`agent state has no random stream "${name}"`);
    }
    for (const [name, rng] of Object.entries(this.#streams)) rng.setState(streams[name]!);
    await this.#program.writeVariables(
      Object.fromEntries(
        Object.entries(expected).map(([name, shape]) => [name, { shape, data: data[name] as Float32Array }]),
      ),
    );
    this.#trainingAgentSteps = trainingAgentSteps as number;
    this.#updates = updates as number;
  }

  dispose(): void {
    this.#program.dispose();
  }

  #batchInputs(batch: ReplaySample): Record<string, TypedArray> {
    const { agent, network, replay } = this.config;
    const inputs: Record<string, TypedArray> = {
      frames: batch.frames as TypedArray,
      actions: batch.actions,
      rewards: batch.rewards,
      discounts: batch.discounts,
    };
    if (replay.sampling === 'prioritized') inputs.weights = batch.weights;
    if (network.noisy) {
      inputs.onlineNoiseSeed = drawSeed(this.#streams.learnNoise!);
      inputs.targetNoiseSeed = drawSeed(this.#streams.learnNoise!);
    }
    if (agent.dataAugmentation) {
      for (const name of ['state', 'next']) {
        const draws = drawAugmentation(this.#streams.augmentation!, agent.batchSize);
        inputs[`${name}Offsets`] = draws.offsets;
        inputs[`${name}Intensities`] = draws.intensities;
      }
    }
    return inputs;
  }

  async #changeMasks(sparseTraining: SparseTraining, inputs: Record<string, TypedArray>): Promise<void> {
    const names = Object.keys(sparseTraining.initialMasks);
    const slots = Object.keys(this.#parts.shapes).filter((name) =>
      names.some((parameter) => /^(router)?[oO]ptimizer\//.test(name) && name.endsWith(`/${parameter}`)),
    );
    const values = await this.#program.readVariables([
      ...names.flatMap((name) => [`params/${name}`, `mask/${name}`]),
      ...slots,
    ]);
    const gradients = sparseTraining.needsGradients ? await this.#program.run('gradients', inputs) : undefined;
    for (const name of names) {
      const weights = values[`params/${name}`]!.data as Float32Array;
      const mask = values[`mask/${name}`]!.data as Float32Array;
      const before = mask.slice();
      sparseTraining.changeMask(
        name,
        this.#updates,
        weights,
        mask,
        gradients?.[name] as Float32Array | undefined,
        this.#streams.sparsity!,
      );
      // What left or just came back starts from zero, also in the optimizer.
      for (const slot of slots.filter((slotName) => slotName.endsWith(`/${name}`))) {
        const moments = values[slot]!.data;
        for (let index = 0; index < mask.length; index++)
          if (mask[index] === 0 || before[index] === 0) moments[index] = 0;
      }
    }
    await this.#program.writeVariables(values);
  }

  #requireObservation(where: string, observation: Observation): void {
    const { dtype, frameShape, stackSize } = this.network.input.observationSpec;
    const type = dtype === 'uint8' ? Uint8Array : Float32Array;
    if (!(observation instanceof type) || observation.length !== this.#observationLength) {
      throw new ShapeError(
        `${where}: the observation is a ${observation?.constructor?.name} of ${observation?.length}; expected a ${type.name} of ${this.#observationLength} (${stackSize} frames of [${frameShape}])`,
      );
    }
  }
}

/** The first of the largest values. */
function greedyAction(values: Float32Array): number {
  let best = 0;
  for (let action = 1; action < values.length; action++) if (values[action]! > values[best]!) best = action;
  if (!Number.isFinite(values[best]!)) {
    throw new NonFiniteError(`action values are ${Array.from(values).join(', ')}; expected finite numbers`);
  }
  return best;
}

/** Refuses a configuration that could never learn in the steps it is given; for trainers. */
export function requireLearnable(config: AgentConfig, trainingAgentSteps: number): void {
  if (trainingAgentSteps <= config.agent.minReplayHistoryAgentSteps) {
    throw new InvalidArgumentError(
      `agent.minReplayHistoryAgentSteps is ${config.agent.minReplayHistoryAgentSteps}, so a run of ${trainingAgentSteps} agent steps never learns; expected less`,
    );
  }
}
