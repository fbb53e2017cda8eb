// The agent itself: acts, stores, learns and copies to the target network by schedule. Its tensors live in one program with an entry point for each.
import {
  type ActMode,
  type AgentMetrics,
  elementCount,
  InvalidArgumentError,
  type MetricRow,
  NonFiniteError,
  type Observation,
  type Rng,
  requireInteger,
  requireOneOf,
  ShapeError,
  type StateTree,
  type TensorData,
  type Transition,
  type TypedArray,
} from '@moe-rl/core';
import type { ReplayBuffer } from '@moe-rl/replay';
import type { Program } from '@moe-rl/tfjs-graph';
import type { AgentConfig } from '../config/agent-config.ts';
import type { Network } from '../networks/network-interface.ts';
import { drawsRouting } from '../networks/routing.ts';
import { learningInputs } from './batch-inputs.ts';
import { Batches } from './batches.ts';
import { CompiledActing, type CompiledActingChoice } from './compiled-acting.ts';
import type { Course } from './course.ts';
import { type AgentStep, actingNoise, type EntryName, entryOf, followsRouters } from './entry-points.ts';
import { changeMasks } from './mask-changes.ts';
import { summarizeMeasurement } from './measurement.ts';
import { drawSeed } from './noise.ts';
import { RouterProbe } from './router-probe.ts';
import { type DueWork, dueOffline, dueWork, explorationRate } from './schedule.ts';
import { enterStage } from './stages.ts';
import { decodeState, encodeState, streamStates } from './state.ts';
import type { Streams } from './streams.ts';
import { updateMetricNames } from './update-step.ts';
import type { ValueAgent } from './value-agent.ts';

export interface ProgramAgentParts {
  readonly step: AgentStep;
  readonly replay: ReplayBuffer;
  readonly program: Program<EntryName>;
  readonly compiledActing: CompiledActingChoice;
  readonly streams: Streams;
  readonly course: Course;
}

/** The agent that `createAgent` makes: it acts, remembers and learns by the entry points of one program. */
export class ProgramAgent implements ValueAgent {
  readonly config: AgentConfig;
  readonly network: Network;
  readonly replay: ReplayBuffer;
  readonly warnings: readonly string[];
  readonly #step: AgentStep;
  readonly #program: Program<EntryName>;
  readonly #acting: CompiledActing;
  readonly #streams: Streams;
  readonly #course: Course;
  readonly #stageNames: readonly string[];
  readonly #observationLength: number;
  readonly #probe: RouterProbe | undefined;
  readonly #batches: Batches;
  #trainingAgentSteps = 0;
  #updates = 0;

  constructor({ step, replay, program, compiledActing, streams, course }: ProgramAgentParts) {
    this.config = step.config;
    this.network = step.network;
    this.replay = replay;
    this.#step = step;
    this.#program = program;
    this.#acting = new CompiledActing(program, compiledActing);
    this.#streams = streams;
    this.#course = course;
    this.#stageNames = course.stages.map(({ name }) => name);
    this.#probe = followsRouters(step) ? new RouterProbe(step.network.mixtures[0]!.sizes.numExperts) : undefined;
    this.#batches = new Batches(replay, step.config);
    this.warnings = this.network.mixtures.flatMap(({ warnings }) => warnings);
    const { frameShape, stackSize } = this.network.input.observationSpec;
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
    return explorationRate(this.config.agent, mode, this.#trainingAgentSteps);
  }

  act(observation: Observation, mode: ActMode): number | Promise<number> {
    requireOneOf('mode', mode, ['train', 'evaluate']);
    this.#requireObservation('act', observation);
    const { explore, evaluateExplore, actNoise, evaluateNoise } = this.#streams;
    const stream = mode === 'train' ? explore : evaluateExplore;
    // Official: random when uniform <= epsilon. Drawing also at epsilon 0 keeps the stream's position independent of the schedule.
    const isRandom = stream.nextFloat() <= this.epsilon(mode);
    if (isRandom) return stream.nextInteger(this.network.input.actionCount);
    return this.#values(observation, mode, mode === 'train' ? actNoise : evaluateNoise).then(greedyAction);
  }

  async values(observation: Observation, mode: ActMode = 'evaluate'): Promise<Float32Array> {
    requireOneOf('mode', mode, ['train', 'evaluate']);
    this.#requireObservation('values', observation);
    return this.#values(observation, mode, this.#streams.inspect);
  }

  async actionProbabilities(observation: Observation, mode: ActMode): Promise<Float32Array> {
    const greedy = greedyAction(await this.values(observation, mode));
    const epsilon = this.epsilon(mode);
    const { actionCount } = this.network.input;
    const probabilities = new Float32Array(actionCount).fill(epsilon / actionCount);
    probabilities[greedy]! += 1 - epsilon;
    return probabilities;
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
    const step = ++this.#trainingAgentSteps;
    if (this.replay.sampleableTransitions === 0) return undefined;
    return this.#doDueWork(dueWork(agent, step, this.replay.addedTransitions));
  }

  async trainOffline(): Promise<AgentMetrics | undefined> {
    return this.#doDueWork(dueOffline(this.config.agent, this.#trainingAgentSteps++));
  }

  learn(): Promise<AgentMetrics> {
    return this.#learn(false);
  }

  /** @param isFollowed another update follows before anything is stored */
  async #learn(isFollowed: boolean): Promise<AgentMetrics> {
    const batch = this.#batches.take();
    const stage = this.#course.at(this.#updates);
    if (this.#course.begins(this.#updates)) {
      await enterStage(this.#step, this.#program, stage!.name, this.#streams.stages);
    }
    const inputs = learningInputs(this.#step, batch, this.#streams, stage?.inputs.temperature);
    const { sparseTraining } = this.#step;
    if (sparseTraining?.changesMasksAt(this.#updates)) {
      // As in RigL's code, the update that changes the masks makes no gradient step.
      await changeMasks(sparseTraining, this.#step, this.#program, inputs, this.#updates, this.#streams.sparsity);
      this.#updates++;
      return { 'train/epsilon': this.epsilon('train') };
    }
    const running = this.#program.run(this.#entry('learn', stage), inputs);
    if (isFollowed) this.#batches.prepare();
    const { metrics, priorities } = await running;
    const loss = metrics![0]!;
    const names = updateMetricNames({ ...this.#step, ...(stage ? { stage } : {}) });
    const gradientNorm = metrics![names.indexOf('gradientNorm')]!;
    // Gradients, too: what they make of the parameters before a relu need not reach the loss, for TensorFlow's fused relu takes NaN for 0.
    for (const [name, value] of Object.entries({ loss, 'gradient norm': gradientNorm })) {
      if (Number.isFinite(value)) continue;
      throw new NonFiniteError(
        `${name} is ${value} at agent step ${this.#trainingAgentSteps}, update ${this.#updates}; the batch's replay indices are ${Array.from(batch.indices).join(', ')}`,
      );
    }
    if (priorities !== undefined) this.replay.updatePriorities(batch.indices, priorities);
    this.#updates++;
    const result: Record<string, number> = {
      'train/epsilon': this.epsilon('train'),
      'replay/transitions': this.replay.sampleableTransitions,
    };
    for (const [index, name] of names.entries()) result[`train/${name}`] = metrics![index]!;
    const period = this.config.statistics.periodUpdates;
    if (period > 0 && this.#updates % period === 0) {
      Object.assign(result, await this.measure(), await this.#followRouters());
    }
    return result;
  }

  async syncTarget(): Promise<void> {
    await this.#program.run('syncTarget');
  }

  async measure(): Promise<AgentMetrics> {
    const stream = this.#streams.measure;
    if (this.replay.sampleableTransitions === 0) {
      throw new InvalidArgumentError(
        'measure: the replay buffer holds no transition that can be sampled yet; expected at least one',
      );
    }
    const outputs = await this.#program.run(this.#entry('measure'), {
      frames: this.#drawFrames(stream),
      ...(this.config.network.noisy ? { noiseSeed: drawSeed(stream) } : {}),
      ...this.#routingSeed(stream),
    });
    return summarizeMeasurement(this.config, outputs);
  }

  routerSaturation(): MetricRow[] {
    return this.#probe?.saturation() ?? [];
  }

  /** What the routers choose now for the probe batch, which is drawn at the first call. */
  async #followRouters(): Promise<Record<string, number>> {
    if (this.#probe === undefined) return {};
    const stream = this.#streams.measure;
    const { choices } = await this.#program.run(this.#entry('probe'), {
      frames: this.#probe.frames(() => this.#drawFrames(stream)),
      ...this.#routingSeed(stream),
    });
    return this.#probe.record(this.#trainingAgentSteps, choices as Float32Array);
  }

  /** Frames of a batch. Not `replay.sample`: measuring must not move the stream that training batches are drawn from. */
  #drawFrames(stream: Rng): TypedArray {
    const { replay } = this;
    const slots = Array.from({ length: this.config.agent.batchSize }, () => {
      let slot = stream.nextInteger(replay.size);
      while (!replay.isSampleable(slot)) slot = stream.nextInteger(replay.size);
      return slot;
    });
    return replay.gather(slots).frames as TypedArray;
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
    return encodeState({
      variables: await this.#program.readVariables(),
      trainingAgentSteps: this.#trainingAgentSteps,
      updates: this.#updates,
      streams: streamStates(this.#streams),
      ...(this.#acting.fromAgentStep === undefined ? {} : { compiledActingFrom: this.#acting.fromAgentStep }),
      ...(this.#probe === undefined ? {} : { probe: this.#probe.getState() }),
    });
  }

  async setState(state: StateTree): Promise<void> {
    const shapes = Object.fromEntries(Object.entries(this.#step.all).map(([name, { shape }]) => [name, shape]));
    const decoded = decodeState(state, shapes, this.#streams);
    const { variables, trainingAgentSteps, updates, streams, probe } = decoded;
    if (probe !== undefined) this.#probe?.setState(probe);
    for (const [name, rng] of Object.entries(this.#streams)) rng.setState(streams[name]!);
    await this.#program.writeVariables(variables);
    this.#trainingAgentSteps = trainingAgentSteps;
    this.#updates = updates;
    this.#acting.restore(decoded.compiledActingFrom);
  }

  dispose(): void {
    this.#program.dispose();
  }

  async #doDueWork({ updates, syncsTarget }: DueWork): Promise<AgentMetrics | undefined> {
    let metrics: AgentMetrics | undefined;
    try {
      for (let update = 1; update <= updates; update++) metrics = await this.#learn(update < updates);
    } finally {
      this.#batches.forget();
    }
    if (syncsTarget) await this.syncTarget();
    return metrics;
  }

  async #values(observation: Observation, mode: ActMode, noise: Rng): Promise<Float32Array> {
    const base = mode === 'evaluate' && this.config.network.noisy ? 'evaluate' : 'act';
    const isNoisy = actingNoise(this.#step, mode) !== 'none';
    const inputs = {
      observation: observation as TypedArray,
      ...(isNoisy ? { noiseSeed: drawSeed(noise) } : {}),
      ...this.#routingSeed(noise),
    };
    const { values } = await this.#acting.run(this.#entry(base), inputs, this.#trainingAgentSteps);
    return values as Float32Array;
  }

  /** The entry point of a stage: by default of the one that the newest update belonged to. */
  #entry(
    base: 'act' | 'evaluate' | 'learn' | 'measure' | 'probe',
    stage = this.#course.at(Math.max(0, this.#updates - 1)),
  ): EntryName {
    return entryOf(base, stage, this.#stageNames);
  }

  /** For routers that draw in every pass. */
  #routingSeed(stream: Rng): { readonly routingSeed?: Int32Array } {
    return drawsRouting(this.network.mixtures, 'always') ? { routingSeed: drawSeed(stream) } : {};
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
