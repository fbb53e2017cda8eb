// The network: a transformer over the lines of a prompt, and one over the words of the reply that looks at them. A line's words are read together, by two
// dense layers over their embeddings in order (a convolution whose stride is a line). The encoder's last feed-forward layer may be a mixture of experts.
//   words [B, 28, 8] -> embeddings -> lines [B, 28, D] -> attention, feed-forward or mixture -> memory [B, 28, D]
//   reply [B, t] -> embeddings -> causal attention, attention over memory, feed-forward -> logits [B, t, V]
import { InvalidArgumentError, type NamedTensors, type Rng } from '@moe-rl/core';
import { auxiliaryLossOf, createMixture, type Mixture, type MoeOutput, registerMixture } from '@moe-rl/moe-core';
import { softMixture } from '@moe-rl/soft-moe';
import { createTfjsOps } from '@moe-rl/tensor-ops/tfjs';
import { topKMixtures } from '@moe-rl/top-k-moe';
import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { LINE_WORDS, NONE, PROMPT_LINES, REPLY_WORDS, VOCABULARY } from './vocabulary.ts';

/** A mixture of experts in the place of the encoder's last feed-forward layer: any router by name, with its options. */
export interface MixtureOfExperts {
  /** `soft`, `deepseek`, `switch`, ... */
  readonly type: string;
  readonly experts: number;
  /** Width of each expert. */
  readonly hiddenSize: number;
  /** Options of the router. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** Weights of auxiliary losses by name. */
  readonly auxiliaryLosses?: Readonly<Record<string, number>>;
}

export interface NetworkConfig {
  /** Size of a word's embedding. */
  readonly wordSize: number;
  /** D: size of a line. */
  readonly size: number;
  readonly heads: number;
  readonly encoderLayers: number;
  readonly decoderLayers: number;
  /** Width of feed-forward layers. */
  readonly hiddenSize: number;
  readonly mixture?: MixtureOfExperts | null;
}

export const DEFAULT_NETWORK: NetworkConfig = {
  wordSize: 32,
  size: 48,
  heads: 4,
  encoderLayers: 1,
  decoderLayers: 2,
  hiddenSize: 64,
  mixture: null,
};

/** Parameters by name. */
export type ParameterTensors = Readonly<Record<string, Tensor>>;

const OPS = createTfjsOps(tf);

export interface Network {
  /** First values of all parameters. */
  initialize(rng: Rng): NamedTensors;
  /** Names of parameters that get gradients; the others are a router's own state. */
  readonly trainable: readonly string[];
  readonly parameterCount: number;
  /** @param words [B, PROMPT_LINES, LINE_WORDS], int32 */
  encode(parameters: ParameterTensors, words: Tensor, isTraining: boolean): EncodedPrompt;
  /** @param reply [B, t], int32, shifted: the word before each; @returns logits [B, t, V] */
  decode(parameters: ParameterTensors, prompt: EncodedPrompt, reply: Tensor): Tensor;
  /** Weighted auxiliary losses; undefined: there are none. */
  auxiliaryLoss(prompt: EncodedPrompt): Tensor | undefined;
  /** New values of a router's own state after a training step. */
  stateUpdates(parameters: ParameterTensors, prompt: EncodedPrompt): Record<string, Tensor>;
}

interface KeysAndValues {
  readonly keys: Tensor;
  readonly values: Tensor;
}

export interface EncodedPrompt {
  /** [B, PROMPT_LINES, D] */
  readonly memory: Tensor;
  /** Keys and values of the memory for each layer of the decoder [B, heads, PROMPT_LINES, D / heads]. */
  readonly layers: readonly KeysAndValues[];
  /** 0 for lines, a large negative number for padding [B, 1, 1, PROMPT_LINES]. */
  readonly bias: Tensor;
  readonly mixture: MoeOutput<Tensor> | undefined;
}

/** Builds the network. @throws InvalidArgumentError for a mixture that a recorded step can't run, or bad sizes */
export function createNetwork(config: NetworkConfig): Network {
  const { wordSize, size, heads, hiddenSize, encoderLayers, decoderLayers } = config;
  if (size % heads !== 0) throw new InvalidArgumentError(`size is ${size}; expected a multiple of heads, ${heads}`);
  const mixture = config.mixture ? mixtureOf(config.mixture, size) : undefined;
  const shapes: Record<string, readonly [number, number] | readonly [number]> = {
    words: [VOCABULARY.length, wordSize],
    'lines/first': [LINE_WORDS * wordSize, hiddenSize],
    'lines/bias': [hiddenSize],
    'lines/second': [hiddenSize, size],
    'reply/in': [wordSize, size],
    'reply/positions': [REPLY_WORDS, size],
    'reply/norm': [size],
    'reply/out': [size, wordSize],
    'reply/bias': [VOCABULARY.length],
  };
  const attentionShapes = (name: string): void => {
    shapes[`${name}/norm`] = [size];
    for (const part of ['query', 'key', 'value', 'output']) shapes[`${name}/${part}`] = [size, size];
  };
  const forwardShapes = (name: string): void => {
    shapes[`${name}/norm`] = [size];
    shapes[`${name}/first`] = [size, hiddenSize];
    shapes[`${name}/bias`] = [hiddenSize];
    shapes[`${name}/second`] = [hiddenSize, size];
  };
  for (let layer = 0; layer < encoderLayers; layer++) {
    attentionShapes(`encoder_${layer}/attention`);
    if (mixture !== undefined && layer === encoderLayers - 1) shapes[`encoder_${layer}/mixture/norm`] = [size];
    else forwardShapes(`encoder_${layer}/forward`);
  }
  shapes['memory/norm'] = [size];
  for (let layer = 0; layer < decoderLayers; layer++) {
    attentionShapes(`decoder_${layer}/attention`);
    attentionShapes(`decoder_${layer}/memory`);
    forwardShapes(`decoder_${layer}/forward`);
  }
  const elements = (shape: readonly number[]): number => shape.reduce((product, one) => product * one, 1);

  return {
    trainable: [
      ...Object.keys(shapes),
      ...(mixture?.parameters.filter(({ isTrainable }) => isTrainable).map(({ name }) => name) ?? []),
    ],
    parameterCount:
      Object.values(shapes).reduce((sum, shape) => sum + elements(shape), 0) +
      (mixture?.parameters.reduce((sum, { shape }) => sum + elements(shape), 0) ?? 0),
    initialize(rng) {
      const drawn = Object.entries(shapes).map(([name, shape]): [string, NamedTensors[string]] => {
        const data = new Float32Array(elements(shape));
        if (name.endsWith('norm')) data.fill(1);
        else if (!name.endsWith('bias')) {
          const own = rng.fork(name);
          const scale = name === 'words' || name === 'reply/positions' ? 0.5 : 1 / Math.sqrt(shape[0]);
          for (let i = 0; i < data.length; i++) data[i] = own.nextNormal() * scale;
        }
        return [name, { shape, data }];
      });
      return { ...Object.fromEntries(drawn), ...mixture?.initialize(rng.fork('mixture')) };
    },
    encode(parameters, words, isTraining) {
      const batch = words.shape[0]!;
      const embedded = OPS.gather(parameters['words']!, tf.reshape(words, [-1]));
      const table = tf.reshape(embedded, [batch * PROMPT_LINES, LINE_WORDS * wordSize]);
      const hidden = tf.relu(tf.add(tf.matMul(table, parameters['lines/first']!), parameters['lines/bias']!));
      let x: Tensor = tf.reshape(tf.matMul(hidden, parameters['lines/second']!), [batch, PROMPT_LINES, size]);
      const first = tf.reshape(tf.slice(words, [0, 0, 0], [batch, PROMPT_LINES, 1]), [batch, PROMPT_LINES]);
      const mask = tf.cast(tf.notEqual(first, tf.scalar(NONE, 'int32')), 'float32');
      const bias = tf.reshape(tf.mul(tf.sub(mask, 1), 1e9), [batch, 1, 1, PROMPT_LINES]);
      let record: MoeOutput<Tensor> | undefined;
      for (let layer = 0; layer < encoderLayers; layer++) {
        const attention = `encoder_${layer}/attention`;
        const normed = norm(x, parameters[`${attention}/norm`]!);
        x = tf.add(
          x,
          attend(parameters, attention, normed, keysAndValues(parameters, attention, normed, heads), bias, heads),
        );
        if (mixture !== undefined && layer === encoderLayers - 1) {
          const tokens = norm(x, parameters[`encoder_${layer}/mixture/norm`]!);
          record = mixture.apply<Tensor>(OPS, parameters, tokens, { tokenMask: mask, isTraining });
          x = tf.add(x, record.output);
        } else x = tf.add(x, forward(parameters, `encoder_${layer}/forward`, x));
      }
      const memory = norm(x, parameters['memory/norm']!);
      const layers = Array.from({ length: decoderLayers }, (_, layer) =>
        keysAndValues(parameters, `decoder_${layer}/memory`, memory, heads),
      );
      return { memory, layers, bias, mixture: record };
    },
    decode(parameters, { layers, bias }, reply) {
      const [batch, length] = reply.shape as [number, number];
      const embedded = OPS.gather(parameters['words']!, tf.reshape(reply, [-1]));
      const positions = tf.slice(parameters['reply/positions'] as tf.Tensor2D, [0, 0], [length, size]);
      let x: Tensor = tf.add(
        tf.reshape(tf.matMul(embedded as tf.Tensor2D, parameters['reply/in'] as tf.Tensor2D), [batch, length, size]),
        positions,
      );
      const causal = tf.tensor(
        Array.from({ length: length * length }, (_, i) => (i % length > Math.floor(i / length) ? -1e9 : 0)),
        [1, 1, length, length],
      );
      for (let layer = 0; layer < decoderLayers; layer++) {
        const own = `decoder_${layer}/attention`;
        const normed = norm(x, parameters[`${own}/norm`]!);
        x = tf.add(x, attend(parameters, own, normed, keysAndValues(parameters, own, normed, heads), causal, heads));
        const over = `decoder_${layer}/memory`;
        x = tf.add(x, attend(parameters, over, norm(x, parameters[`${over}/norm`]!), layers[layer]!, bias, heads));
        x = tf.add(x, forward(parameters, `decoder_${layer}/forward`, x));
      }
      const out = times(norm(x, parameters['reply/norm']!), parameters['reply/out']!);
      const rows = tf.reshape(out, [batch * length, wordSize]);
      const logits = tf.matMul(rows as tf.Tensor2D, parameters['words'] as tf.Tensor2D, false, true);
      return tf.reshape(tf.add(logits, parameters['reply/bias']!), [batch, length, VOCABULARY.length]);
    },
    auxiliaryLoss({ mixture: record }) {
      const weights = Object.entries(config.mixture?.auxiliaryLosses ?? {});
      if (record === undefined || weights.length === 0) return undefined;
      const terms = weights.map(([name, weight]) =>
        tf.mul(tf.mean(auxiliaryLossOf(mixture!, name)(OPS, record)), weight),
      );
      return tf.addN(terms);
    },
    stateUpdates(parameters, { mixture: record }) {
      return (record && mixture?.updateState?.<Tensor>(OPS, parameters, record)) ?? {};
    },
  };
}

function mixtureOf(
  { type, experts, hiddenSize, options = {}, auxiliaryLosses = {} }: MixtureOfExperts,
  size: number,
): Mixture {
  registerMixture(softMixture, ...topKMixtures);
  const sizes = { numExperts: experts, numTokens: PROMPT_LINES, tokenSize: size, hiddenSize, scope: 'mixture/' };
  const mixture = createMixture({ ...options, type }, sizes);
  const reason =
    mixture.runsOnHost === 'never'
      ? mixture.inputs.length > 0 &&
        `needs ${mixture.inputs.map(({ name }) => name).join(', ')}, which are not drawn here`
      : 'chooses on the host, which a recorded step can not';
  if (reason)
    throw new InvalidArgumentError(`mixture.type is "${type}", which ${reason}; expected another, such as soft`);
  for (const name of Object.keys(auxiliaryLosses)) auxiliaryLossOf(mixture, name);
  return mixture;
}

/** Root mean square normalization. */
function norm(x: Tensor, scale: Tensor): Tensor {
  const square = tf.mean(tf.square(x), -1, true);
  return tf.mul(tf.mul(x, tf.rsqrt(tf.add(square, 1e-6))), scale);
}

/** x [B, t, D] times a matrix [D, D']. */
function times(x: Tensor, matrix: Tensor): Tensor {
  const [batch, length, size] = x.shape as [number, number, number];
  const rows = tf.reshape(x, [batch * length, size]) as tf.Tensor2D;
  return tf.reshape(tf.matMul(rows, matrix as tf.Tensor2D), [batch, length, matrix.shape[1]!]);
}

/** x [B, t, D] times a matrix, by heads: [B, heads, t, D / heads]. */
function byHeads(x: Tensor, matrix: Tensor, heads: number): Tensor {
  const [batch, length, size] = x.shape as [number, number, number];
  return tf.transpose(tf.reshape(times(x, matrix), [batch, length, heads, size / heads]), [0, 2, 1, 3]);
}

function keysAndValues(parameters: ParameterTensors, name: string, over: Tensor, heads: number): KeysAndValues {
  return {
    keys: byHeads(over, parameters[`${name}/key`]!, heads),
    values: byHeads(over, parameters[`${name}/value`]!, heads),
  };
}

function attend(
  parameters: ParameterTensors,
  name: string,
  x: Tensor,
  { keys, values }: KeysAndValues,
  bias: Tensor,
  heads: number,
): Tensor {
  const [batch, length, size] = x.shape as [number, number, number];
  const queries = byHeads(x, parameters[`${name}/query`]!, heads);
  const logits = tf.mul(tf.matMul(queries, keys, false, true), 1 / Math.sqrt(size / heads));
  const mixed = tf.matMul(tf.softmax(tf.add(logits, bias)), values);
  const rows = tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [batch, length, size]);
  return times(rows, parameters[`${name}/output`]!);
}

function forward(parameters: ParameterTensors, name: string, x: Tensor): Tensor {
  const normed = norm(x, parameters[`${name}/norm`]!);
  const hidden = tf.relu(tf.add(times(normed, parameters[`${name}/first`]!), parameters[`${name}/bias`]!));
  return times(hidden, parameters[`${name}/second`]!);
}
