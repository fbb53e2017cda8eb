// The policy: the network with its optimizer as one recorded program, in its three roles. Learning and answering are entry points over the same variables.
import {
  CheckpointError,
  createRng,
  InvalidArgumentError,
  type NamedTensors,
  type Rng,
  requireFinite,
  requireInteger,
  requireKnownOptions,
  requireOneOf,
} from '@moe-rl/core';
import {
  adamUpdate,
  createProgram,
  type EntryPoint,
  lossAndGradients,
  type Program,
  type ProgramInputs,
} from '@moe-rl/tfjs-graph';
import type { Tensor, Variable } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { EXAMPLE_ROLES, type Example } from '../learning/examples.ts';
import type { Correction, Roles } from '../learning/roles.ts';
import type { ParameterTensors } from './layers.ts';
import { createNetwork, type DecodedReply, type EncodedPrompt, type Network } from './network.ts';
import { MAX_BATCH_SIZE, type NetworkConfig, requireNetwork } from './network-config.ts';
import {
  LINE_WORDS,
  NONE,
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
  /** Examples of planning and of correction in a training step. Default 32. */
  readonly batchSize?: number;
  /** Examples of feedback. Default `batchSize`. */
  readonly feedbackBatchSize?: number;
}

export interface Policy {
  readonly roles: Roles;
  readonly network: NetworkConfig;
  readonly parameterCount: number;
  /** Whether it runs as recorded TensorFlow graphs. */
  readonly isRecorded: boolean;
  /**
   * Answers drawn word by word from a role's distribution, in the place of the likeliest ones.
   * @param temperature above 0: 1 draws from the distribution as it is, less from a sharper one
   */
  sample<Role extends keyof Roles>(
    role: Role,
    questions: Parameters<Roles[Role]>[0],
    rng: Rng,
    temperature: number,
  ): Promise<readonly string[]>;
  /**
   * One update. The loss is the sum over the roles of the mean cross-entropy of their reply words, each with weight 1. Planning examples alone, or all three
   * roles; a role without examples has a loss of 0.
   * @param batch at most `batchSize` of each role, and `feedbackBatchSize` of feedback
   * @returns the loss of each role
   * @throws InvalidArgumentError for a batch that is empty or too large, or a learning rate that is none
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
 * @throws InvalidArgumentError for a network that can't be built, an unknown option or a number out of range
 */
export async function createPolicy(options: PolicyConfig): Promise<Policy> {
  requireKnownOptions('a policy', options, ['network', 'seed', 'batchSize', 'feedbackBatchSize']);
  const { network: given = {}, seed, batchSize = 32, feedbackBatchSize = batchSize } = options;
  requireInteger('batchSize', batchSize, 1, MAX_BATCH_SIZE);
  requireInteger('feedbackBatchSize', feedbackBatchSize, 1, MAX_BATCH_SIZE);
  const config = requireNetwork(given);
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
        const { logits } = network.decode(parameters, prompt, before!);
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
    all: learnEntry(2 * batchSize + feedbackBatchSize),
    reply: replyEntry(network, parameters, 'noise'),
    another: replyEntry(network, parameters, 'rejected'),
  };
  let program: Program;
  try {
    program = await createProgram({ variables, entryPoints });
  } catch (error) {
    tf.dispose(variables);
    throw error;
  }
  const sizes = { plan: batchSize, judge: feedbackBatchSize, correct: batchSize };

  const likeliest = (role: Example['role'], questions: readonly Example['question'][]): Promise<readonly string[]> =>
    replies(program, role, questions, 'reply', () => ({ noise: NO_NOISE }));
  return {
    network: config,
    parameterCount: network.parameterCount,
    isRecorded: program.isRecorded,
    roles: {
      plan: (situations) => likeliest('plan', situations),
      judge: (judgements) => likeliest('judge', judgements),
      correct: (corrections) =>
        replies(program, 'correct', corrections, 'another', (first, count) => ({
          rejected: rejectedWords(corrections.slice(first, first + count)),
        })),
    },
    sample(role, questions, rng, temperature) {
      requireFinite('temperature', temperature, 0);
      return replies(program, role, questions, 'reply', (_, count) => ({
        noise: gumbelNoise(count, rng, temperature),
      }));
    },
    async learn(batch, learningRate) {
      requireFinite('learningRate', learningRate, 0);
      requireBatch(batch, sizes);
      const isPlanOnly = batch.every(({ role }) => role === 'plan');
      const rows = isPlanOnly ? batchSize : 2 * batchSize + feedbackBatchSize;
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
        if (!(saved.data instanceof Float32Array)) {
          throw new CheckpointError(`the saved policy has other numbers than float32 for ${name}`);
        }
      }
      await program.writeVariables(state);
    },
    dispose: () => program.dispose(),
  };
}

function requireBatch(batch: readonly Example[], sizes: Readonly<Record<Example['role'], number>>): void {
  if (batch.length === 0) throw new InvalidArgumentError('the batch is empty; expected at least one example');
  for (const { role } of batch) requireOneOf('role', role, EXAMPLE_ROLES);
  for (const role of EXAMPLE_ROLES) {
    const count = batch.filter((example) => example.role === role).length;
    if (count <= sizes[role]) continue;
    const name = role === 'judge' ? 'feedbackBatchSize' : 'batchSize';
    throw new InvalidArgumentError(
      `the batch has ${count} examples of ${role}; expected at most ${name}, ${sizes[role]}`,
    );
  }
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

/**
 * Decoding, all words of a reply in one graph: the likeliest word each time, with noise added to the logits. With `rejected`, the likeliest reply that is not the
 * rejected one: a corrector that knows the plans by heart would say the same again, which corrects nothing.
 */
function replyEntry(network: Network, parameters: ParameterTensors, input: 'noise' | 'rejected'): EntryPoint {
  const batch = REPLY_BATCH;
  const size = VOCABULARY.length;
  const at = (all: Tensor, word: number): Tensor => tf.slice(all, [0, word], [batch, 1]);
  return {
    inputs: {
      words: { shape: [batch, PROMPT_LINES, LINE_WORDS], dtype: 'int32' },
      ...(input === 'noise'
        ? { noise: { shape: [batch, REPLY_WORDS, size], dtype: 'float32' as const } }
        : { rejected: { shape: [batch, REPLY_WORDS], dtype: 'int32' as const } }),
    },
    run({ words, noise, rejected }) {
      const prompt = network.encode(parameters, words!, false);
      const start = tf.fill([batch, 1], START, 'int32');
      const turn = rejected && likeliestTurn(network, parameters, prompt, start, rejected);
      const reply: Tensor[] = [];
      let decoded: DecodedReply | undefined;
      for (let word = 0; word < REPLY_WORDS; word++) {
        decoded = network.decode(parameters, prompt, reply.at(-1) ?? start, decoded);
        const { logits } = decoded;
        const scores = noise === undefined ? logits : tf.add(logits, tf.slice(noise, [0, word, 0], [batch, 1, size]));
        let chosen = tf.cast(tf.argMax(scores, -1), 'int32');
        if (turn !== undefined) {
          const here = tf.scalar(word, 'int32');
          chosen = tf.where(tf.equal(turn.position, here), at(turn.words, word), chosen);
          chosen = tf.where(tf.greater(turn.position, here), at(rejected!, word), chosen);
        }
        reply.push(chosen);
      }
      return { reply: tf.concat(reply, 1) };
    },
  };
}

/**
 * Where another reply than the rejected one parts from it, and with which word, most probably.
 * @returns position [B, 1]; for each position the likeliest other word [B, REPLY_WORDS]
 */
function likeliestTurn(
  network: Network,
  parameters: ParameterTensors,
  prompt: EncodedPrompt,
  start: Tensor,
  rejected: Tensor,
): { readonly position: Tensor; readonly words: Tensor } {
  const batch = REPLY_BATCH;
  const before = tf.concat([start, tf.slice(rejected, [0, 0], [batch, REPLY_WORDS - 1])], 1);
  const { logits } = network.decode(parameters, prompt, before);
  const logProbabilities = tf.sub(logits, tf.logSumExp(logits, -1, true));
  const isRejected = tf.cast(tf.oneHot(rejected as tf.Tensor2D, VOCABULARY.length), 'float32');
  const others = tf.sub(logProbabilities, tf.mul(isRejected, 1e9));
  const same = tf.sum(tf.mul(logProbabilities, isRejected), -1);
  // Behind the word that ends the rejected reply there is nothing to part from.
  const isBehind = tf.cast(tf.equal(rejected, tf.scalar(NONE, 'int32')), 'float32');
  const scores = tf.sub(tf.add(tf.cumsum(same, 1, true), tf.max(others, -1)), tf.mul(isBehind, 1e9));
  return {
    position: tf.reshape(tf.cast(tf.argMax(scores, -1), 'int32'), [batch, 1]),
    words: tf.cast(tf.argMax(others, -1), 'int32'),
  };
}

/**
 * Runs a reply entry for as many questions as it takes.
 * @param inputs of the entry besides the prompts, for `count` questions from the `first` on
 */
async function replies(
  program: Program,
  role: Example['role'],
  questions: readonly Example['question'][],
  entry: 'reply' | 'another',
  inputs: (first: number, count: number) => ProgramInputs,
): Promise<readonly string[]> {
  const answers: string[] = [];
  while (answers.length < questions.length) {
    const words = new Int32Array(REPLY_BATCH * PROMPT_SIZE);
    const part = questions.slice(answers.length, answers.length + REPLY_BATCH);
    part.forEach((question, row) => {
      writePrompt(promptLines(role, question), words, row * PROMPT_SIZE);
    });
    const { reply } = await program.run(entry, { words, ...inputs(answers.length, part.length) });
    part.forEach((_, row) => {
      answers.push(readReply(reply!.subarray(row * REPLY_WORDS, (row + 1) * REPLY_WORDS)));
    });
  }
  return answers;
}

/** The actions of corrections as words of a reply, padded to a batch. */
function rejectedWords(corrections: readonly Correction[]): Int32Array {
  const words = new Int32Array(REPLY_BATCH * REPLY_WORDS);
  corrections.forEach(({ action }, row) => {
    writeReply(action, words, row * REPLY_WORDS);
  });
  return words;
}

const NO_NOISE = new Float32Array(REPLY_BATCH * REPLY_WORDS * VOCABULARY.length);

/** The word with the largest sum of logit and temperature x Gumbel noise is a draw from softmax(logits / temperature). */
function gumbelNoise(rows: number, rng: Rng, temperature: number): Float32Array {
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
