// The policy: the network with its optimizer as one recorded program, in its three roles. Learning and answering are entry points over the same variables.
import { CheckpointError, createRng, type NamedTensors, type Rng, requireFinite } from '@moe-rl/core';
import { adamUpdate, createProgram, type EntryPoint, lossAndGradients, type Program } from '@moe-rl/tfjs-graph';
import type { Tensor, Variable } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { EXAMPLE_ROLES, type Example } from '../learning/examples.ts';
import type { Roles, Situation } from '../learning/roles.ts';
import { createNetwork, DEFAULT_NETWORK, type Network, type NetworkConfig } from './network.ts';
import {
  LINE_WORDS,
  PROMPT_LINES,
  promptLines,
  REPLY_WORDS,
  readReply,
  START,
  VOCABULARY,
  writePrompt,
  writeReply,
} from './vocabulary.ts';

export interface PolicyConfig {
  readonly network?: Partial<NetworkConfig>;
  /** Seed of the first values. */
  readonly seed: number;
  /** Examples of each role in a training step. Default 32. */
  readonly batchSize?: number;
}

export interface Policy {
  readonly roles: Roles;
  readonly network: NetworkConfig;
  readonly parameterCount: number;
  /** Whether it runs as recorded TensorFlow graphs. */
  readonly isRecorded: boolean;
  /**
   * Next actions drawn word by word from the planning role's distribution, in the place of the likeliest ones.
   * @param temperature above 0: 1 draws from the distribution as it is, less from a sharper one
   */
  sample(situations: readonly Situation[], rng: Rng, temperature: number): Promise<readonly string[]>;
  /**
   * One update. The loss is the sum over the roles of the mean cross-entropy of their reply words, each with weight 1. Planning examples alone, or all three
   * roles; a role without examples has a loss of 0.
   * @param batch at most `batchSize` of each role
   * @returns the loss of each role
   */
  learn(batch: readonly Example[], learningRate: number): Promise<Readonly<Record<Example['role'], number>>>;
  /** All variables, optimizer included. */
  getState(): Promise<NamedTensors>;
  /** @throws CheckpointError when the state is of another network */
  setState(state: NamedTensors): Promise<void>;
  dispose(): void;
}

/** Questions answered by one run of the program; fewer are padded. */
const REPLY_BATCH = 64;
const PROMPT_SIZE = PROMPT_LINES * LINE_WORDS;

/**
 * Makes a policy on the present TensorFlow.js backend.
 * @throws InvalidArgumentError for a network that can't be built
 */
export async function createPolicy({ network: given = {}, seed, batchSize = 32 }: PolicyConfig): Promise<Policy> {
  const config: NetworkConfig = { ...DEFAULT_NETWORK, ...given };
  const network = createNetwork(config);
  const initial = network.initialize(createRng(seed, 'policy'));
  const variables: Record<string, Variable> = {};
  const parameters: Record<string, Variable> = {};
  const moments: Record<'firstMoment' | 'secondMoment', Record<string, Variable>> = {
    firstMoment: {},
    secondMoment: {},
  };
  for (const [name, { data, shape }] of Object.entries(initial)) {
    const isTrainable = network.trainable.includes(name);
    parameters[name] = tf.tidy(() => tf.variable(tf.tensor(data as Float32Array, [...shape]), isTrainable));
    variables[name] = parameters[name];
    if (!isTrainable) continue;
    for (const slot of ['firstMoment', 'secondMoment'] as const) {
      moments[slot][name] = tf.tidy(() => tf.variable(tf.zeros([...shape]), false));
      variables[`${slot}/${name}`] = moments[slot][name];
    }
  }
  const updates = tf.tidy(() => tf.variable(tf.scalar(0), false));
  variables['updates'] = updates;
  const trainable = Object.fromEntries(network.trainable.map((name) => [name, parameters[name]!]));

  const learnEntry = (batch: number): EntryPoint => ({
    inputs: {
      words: { shape: [batch, PROMPT_LINES, LINE_WORDS], dtype: 'int32' },
      before: { shape: [batch, REPLY_WORDS], dtype: 'int32' },
      reply: { shape: [batch, REPLY_WORDS], dtype: 'int32' },
      weights: { shape: [batch, REPLY_WORDS], dtype: 'float32' },
      learningRate: { shape: [], dtype: 'float32' },
    },
    run({ words, before, reply, weights, learningRate }) {
      const state: Record<string, Tensor> = {};
      const { auxiliary, gradients } = lossAndGradients(trainable, () => {
        const prompt = network.encode(parameters, words!, true);
        const logits = network.decode(parameters, prompt, before!);
        const losses = tf.mul(crossEntropy(logits, reply!), weights!);
        const total = tf.sum(losses);
        const extra = network.auxiliaryLoss(prompt);
        const own = network.stateUpdates(parameters, prompt);
        return { loss: extra === undefined ? total : tf.add(total, extra), rows: tf.sum(losses, 1), ...prefixed(own) };
      });
      const { rows, ...rest } = auxiliary;
      for (const [name, value] of Object.entries(rest)) state[name.slice(STATE.length)] = value;
      adamUpdate({
        parameters: trainable,
        gradients: clipped(gradients),
        firstMoments: moments.firstMoment,
        secondMoments: moments.secondMoment,
        updates,
        learningRate: learningRate!,
      });
      for (const [name, value] of Object.entries(state)) parameters[name]!.assign(value);
      return { rows: rows! };
    },
  });
  const entryPoints: Record<string, EntryPoint> = {
    plan: learnEntry(batchSize),
    all: learnEntry(batchSize * EXAMPLE_ROLES.length),
    reply: replyEntry(network, parameters, false),
    sample: replyEntry(network, parameters, true),
  };
  const program: Program = await createProgram({ variables, entryPoints });

  const answer = (role: Example['role'], questions: readonly Example['question'][]): Promise<readonly string[]> =>
    replies(
      program,
      questions.map((question) => promptLines(role, question)),
    );
  return {
    network: config,
    parameterCount: network.parameterCount,
    isRecorded: program.isRecorded,
    roles: {
      plan: (situations) => answer('plan', situations),
      judge: (judgements) => answer('judge', judgements),
      correct: (corrections) => answer('correct', corrections),
    },
    sample: (situations, rng, temperature) =>
      replies(
        program,
        situations.map((question) => promptLines('plan', question)),
        { rng, temperature: requireFinite('temperature', temperature, 0) },
      ),
    async learn(batch, learningRate) {
      const isPlanOnly = batch.every(({ role }) => role === 'plan');
      const rows = batchSize * (isPlanOnly ? 1 : EXAMPLE_ROLES.length);
      const inputs = trainingInputs(batch, rows);
      const rate = Float32Array.of(learningRate);
      const outputs = await program.run(isPlanOnly ? 'plan' : 'all', { ...inputs, learningRate: rate });
      const losses = { plan: 0, judge: 0, correct: 0 };
      batch.forEach(({ role }, row) => {
        losses[role] += outputs['rows']![row]!;
      });
      return losses;
    },
    async getState() {
      return program.readVariables();
    },
    async setState(state) {
      for (const [name, variable] of Object.entries(variables)) {
        const saved = state[name];
        if (saved === undefined || saved.shape.join() !== variable.shape.join()) {
          throw new CheckpointError(
            `the saved policy has ${saved === undefined ? 'no' : `[${saved.shape}] for`} ${name}; expected [${variable.shape}]`,
          );
        }
      }
      await program.writeVariables(state);
    },
    dispose: () => program.dispose(),
  };
}

const STATE = 'state:';
const prefixed = (tensors: Readonly<Record<string, Tensor>>): Record<string, Tensor> =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [`${STATE}${name}`, tensor]));

/** [B, t]: -log p of each word. */
function crossEntropy(logits: Tensor, reply: Tensor): Tensor {
  const isWord = tf.oneHot(reply as tf.Tensor2D, VOCABULARY.length);
  const own = tf.sum(tf.mul(logits, tf.cast(isWord, 'float32')), -1);
  return tf.sub(tf.logSumExp(logits, -1), own);
}

const CLIP_NORM = 1;

/** Gradients scaled down together where their norm is above 1. */
function clipped(gradients: Readonly<Record<string, Tensor>>): Record<string, Tensor> {
  const square = tf.addN(Object.values(gradients).map((gradient) => tf.sum(tf.square(gradient))));
  const scale = tf.minimum(1, tf.div(CLIP_NORM, tf.sqrt(tf.add(square, 1e-12))));
  return Object.fromEntries(Object.entries(gradients).map(([name, gradient]) => [name, tf.mul(gradient, scale)]));
}

/** Decoding, all words of a reply in one graph: the likeliest word each time, of the logits as they are or with noise added. */
function replyEntry(network: Network, parameters: Readonly<Record<string, Tensor>>, hasNoise: boolean): EntryPoint {
  const batch = REPLY_BATCH;
  return {
    inputs: {
      words: { shape: [batch, PROMPT_LINES, LINE_WORDS], dtype: 'int32' },
      ...(hasNoise ? { noise: { shape: [batch, REPLY_WORDS, VOCABULARY.length], dtype: 'float32' as const } } : {}),
    },
    run({ words, noise }) {
      const prompt = network.encode(parameters, words!, false);
      let before: Tensor = tf.fill([batch, 1], START, 'int32');
      for (let word = 0; word < REPLY_WORDS; word++) {
        const at = (all: Tensor): Tensor => tf.slice(all, [0, word, 0], [batch, 1, VOCABULARY.length]);
        const logits = at(network.decode(parameters, prompt, before));
        const chosen = tf.argMax(noise === undefined ? logits : tf.add(logits, at(noise)), -1);
        before = tf.concat([before, tf.cast(chosen, 'int32')], 1);
      }
      return { reply: tf.slice(before, [0, 1], [batch, REPLY_WORDS]) };
    },
  };
}

async function replies(
  program: Program,
  prompts: readonly (readonly string[])[],
  sampling?: { readonly rng: Rng; readonly temperature: number },
): Promise<readonly string[]> {
  const answers: string[] = [];
  while (answers.length < prompts.length) {
    const words = new Int32Array(REPLY_BATCH * PROMPT_SIZE);
    const part = prompts.slice(answers.length, answers.length + REPLY_BATCH);
    part.forEach((lines, row) => {
      writePrompt(lines, words, row * PROMPT_SIZE);
    });
    const { reply } =
      sampling === undefined
        ? await program.run('reply', { words })
        : await program.run('sample', { words, noise: gumbelNoise(part.length, sampling) });
    part.forEach((_, row) => {
      answers.push(readReply(reply!.subarray(row * REPLY_WORDS, (row + 1) * REPLY_WORDS)));
    });
  }
  return answers;
}

/** The word with the largest sum of logit and temperature x Gumbel noise is a draw from softmax(logits / temperature). */
function gumbelNoise(rows: number, { rng, temperature }: { readonly rng: Rng; readonly temperature: number }) {
  const size = REPLY_WORDS * VOCABULARY.length;
  const noise = new Float32Array(REPLY_BATCH * size);
  for (let at = 0; at < rows * size; at++) noise[at] = -temperature * Math.log(-Math.log(1 - rng.nextFloat()) + 1e-30);
  return noise;
}

function trainingInputs(batch: readonly Example[], rows: number) {
  const words = new Int32Array(rows * PROMPT_SIZE);
  const before = new Int32Array(rows * REPLY_WORDS).fill(START);
  const reply = new Int32Array(rows * REPLY_WORDS);
  const weights = new Float32Array(rows * REPLY_WORDS);
  const counts = { plan: 0, judge: 0, correct: 0 };
  const lengths = batch.map(({ role, question, answer }, row) => {
    writePrompt(promptLines(role, question), words, row * PROMPT_SIZE);
    const length = writeReply(answer, reply, row * REPLY_WORDS);
    counts[role] += length;
    return length;
  });
  batch.forEach(({ role }, row) => {
    const at = row * REPLY_WORDS;
    before.set(reply.subarray(at, at + REPLY_WORDS - 1), at + 1);
    weights.fill(1 / counts[role], at, at + lengths[row]!);
  });
  // Padding rows have a word in their prompt, so that nothing is a mean over nothing.
  for (let row = batch.length; row < rows; row++) words[row * PROMPT_SIZE] = START;
  return { words, before, reply, weights };
}
