// The network: a transformer over the lines of a prompt, and one over the words of the reply that looks at them. A line's words are read together, by two
// dense layers over their embeddings in order (a convolution whose stride is a line). Which lines name the same thing it need not learn: that is a bias of the
// encoder's attention, with a weight per head and column. A reply may point at words of the prompt, as pointer networks do (1506.03134). The encoder's last
// feed-forward layer may be a mixture of experts.
//   words [B, 28, 8] -> embeddings -> lines [B, 28, D] -> attention, feed-forward or mixture -> memory [B, 28, D]
//   reply [B, t] -> embeddings -> causal attention, attention over memory, feed-forward, attention over words -> logits [B, t, V]
import { InvalidArgumentError, type NamedTensors, type Rng } from '@moe-rl/core';
import { auxiliaryLossOf, createMixture, type Mixture, type MoeOutput, registerMixture } from '@moe-rl/moe-core';
import { softMixture } from '@moe-rl/soft-moe';
import { createTfjsOps } from '@moe-rl/tensor-ops/tfjs';
import { topKMixtures } from '@moe-rl/top-k-moe';
import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { attend, forward, type KeysAndValues, keysAndValues, norm, type ParameterTensors, times } from './layers.ts';
import { type MixtureOfExperts, type NetworkConfig, requireNetwork } from './network-config.ts';
import { FIRST_NAME, LINE_WORDS, NAMES, NONE, PROMPT_LINES, REPLY_WORDS, VOCABULARY } from './vocabulary.ts';

const OPS = createTfjsOps(tf);

/** Standard deviations of first values by the last part of a name; others have that of their inputs' sum. */
const DRAWN_SCALES: Readonly<Record<string, number>> = {
  words: 0.5,
  positions: 0.5,
  columns: 0.5,
  same: 1,
  sameThere: 1,
};

export interface Network {
  /** First values of all parameters. */
  initialize(rng: Rng): NamedTensors;
  /** Names of parameters that get gradients; the others are a router's own state. */
  readonly trainable: readonly string[];
  readonly parameterCount: number;
  /** @param words [B, PROMPT_LINES, LINE_WORDS], int32 */
  encode(parameters: ParameterTensors, words: Tensor, isTraining: boolean): EncodedPrompt;
  /**
   * @param reply [B, t], int32, shifted: the word before each
   * @param past of the words before them, none by default
   */
  decode(parameters: ParameterTensors, prompt: EncodedPrompt, reply: Tensor, past?: DecodedReply): DecodedReply;
  /** Weighted auxiliary losses; undefined: there are none. */
  auxiliaryLoss(prompt: EncodedPrompt): Tensor | undefined;
  /** New values of a router's own state after a training step. */
  stateUpdates(parameters: ParameterTensors, prompt: EncodedPrompt): Record<string, Tensor>;
}

export interface EncodedPrompt {
  /** Keys and values of the lines for each layer of the decoder [B, heads, PROMPT_LINES, D / heads]. */
  readonly layers: readonly KeysAndValues[];
  /** 0 for lines, a large negative number for padding [B, 1, 1, PROMPT_LINES]. */
  readonly bias: Tensor;
  /** The prompt's words, to point at. */
  readonly words: {
    /** [B, PROMPT_LINES x LINE_WORDS, wordSize] */
    readonly keys: Tensor;
    /** Their embeddings [B, PROMPT_LINES x LINE_WORDS, wordSize]. */
    readonly embeddings: Tensor;
    /** 0 for words, a large negative number for padding [B, 1, PROMPT_LINES x LINE_WORDS]. */
    readonly bias: Tensor;
  };
  readonly mixture: MoeOutput<Tensor> | undefined;
}

export interface DecodedReply {
  /** [B, t, V] */
  readonly logits: Tensor;
  /** Keys and values of the words so far, for each layer of the decoder. */
  readonly layers: readonly KeysAndValues[];
  /** Number of words so far. */
  readonly length: number;
}

/** Builds the network. @throws InvalidArgumentError for a mixture that a recorded step can't run, unknown names or bad sizes */
export function createNetwork(given: NetworkConfig): Network {
  const config = requireNetwork(given);
  const { wordSize, size, heads, hiddenSize, encoderLayers, decoderLayers } = config;
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
    'pointer/query': [size, wordSize],
    'pointer/lines': [size, wordSize],
    'pointer/columns': [LINE_WORDS, wordSize],
    'pointer/scale': [wordSize],
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
    for (const part of ['same', 'sameThere']) shapes[`encoder_${layer}/attention/${part}`] = [LINE_WORDS, heads];
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
        if (name.endsWith('norm') || name.endsWith('scale')) data.fill(1);
        else if (!name.endsWith('bias')) {
          const own = rng.fork(name);
          const scale = DRAWN_SCALES[name.split('/').at(-1)!] ?? 1 / Math.sqrt(shape[0]);
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
      const isWord = tf.cast(tf.notEqual(words, tf.scalar(NONE, 'int32')), 'float32');
      const mask = tf.reshape(tf.slice(isWord, [0, 0, 0], [batch, PROMPT_LINES, 1]), [batch, PROMPT_LINES]);
      const bias = tf.reshape(tf.mul(tf.sub(mask, 1), 1e9), [batch, 1, 1, PROMPT_LINES]);
      const same = sameNames(words);
      let record: MoeOutput<Tensor> | undefined;
      for (let layer = 0; layer < encoderLayers; layer++) {
        const attention = `encoder_${layer}/attention`;
        const normed = norm(x, parameters[`${attention}/norm`]!);
        const over = keysAndValues(parameters, attention, normed, heads);
        const biases = tf.add(bias, sameNamesBias(parameters, attention, same));
        x = tf.add(x, attend(parameters, attention, normed, over, biases, heads));
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
      const places = PROMPT_LINES * LINE_WORDS;
      const ofLines = tf.reshape(times(memory, parameters['pointer/lines']!), [batch, PROMPT_LINES, 1, wordSize]);
      const ofWords = tf.reshape(embedded, [batch, PROMPT_LINES, LINE_WORDS, wordSize]);
      const keys = tf.add(tf.add(ofWords, parameters['pointer/columns']!), ofLines);
      return {
        layers,
        bias,
        words: {
          keys: tf.reshape(keys, [batch, places, wordSize]),
          embeddings: tf.reshape(embedded, [batch, places, wordSize]),
          bias: tf.reshape(tf.mul(tf.sub(isWord, 1), 1e9), [batch, 1, places]),
        },
        mixture: record,
      };
    },
    decode(parameters, { layers: lines, bias, words }, reply, past) {
      const [batch, length] = reply.shape as [number, number];
      const before = past?.length ?? 0;
      const embedded = OPS.gather(parameters['words']!, tf.reshape(reply, [-1]));
      const positions = tf.slice(parameters['reply/positions'] as tf.Tensor2D, [before, 0], [length, size]);
      let x: Tensor = tf.add(
        tf.reshape(tf.matMul(embedded as tf.Tensor2D, parameters['reply/in'] as tf.Tensor2D), [batch, length, size]),
        positions,
      );
      const causal = length === 1 ? undefined : causalBias(length, before);
      const layers = lines.map((memory, layer) => {
        const own = `decoder_${layer}/attention`;
        const normed = norm(x, parameters[`${own}/norm`]!);
        const present = keysAndValues(parameters, own, normed, heads);
        const sofar = past === undefined ? present : concatenated(past.layers[layer]!, present);
        x = tf.add(x, attend(parameters, own, normed, sofar, causal, heads));
        const over = `decoder_${layer}/memory`;
        x = tf.add(x, attend(parameters, over, norm(x, parameters[`${over}/norm`]!), memory, bias, heads));
        x = tf.add(x, forward(parameters, `decoder_${layer}/forward`, x));
        return sofar;
      });
      const normed = norm(x, parameters['reply/norm']!);
      const queries = tf.mul(times(normed, parameters['pointer/query']!), 1 / Math.sqrt(wordSize));
      const pointers = tf.softmax(tf.add(tf.matMul(queries, words.keys, false, true), words.bias));
      const pointedAt = tf.mul(tf.matMul(pointers, words.embeddings), parameters['pointer/scale']!);
      const out = tf.add(times(normed, parameters['reply/out']!), pointedAt);
      const rows = tf.reshape(out, [batch * length, wordSize]);
      // The words' own embeddings score them: what is pointed at becomes likely.
      const logits = tf.matMul(rows as tf.Tensor2D, parameters['words'] as tf.Tensor2D, false, true);
      const shape = [batch, length, VOCABULARY.length];
      return {
        logits: tf.reshape(tf.add(logits, parameters['reply/bias']!), shape),
        layers,
        length: before + length,
      };
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

/** 0 for words up to each, a large negative number for later ones [1, 1, t, past + t]. */
function causalBias(length: number, past: number): Tensor {
  const all = past + length;
  const values = Array.from({ length: length * all }, (_, i) => (i % all > past + Math.floor(i / all) ? -1e9 : 0));
  return tf.tensor(values, [1, 1, length, all]);
}

const concatenated = (first: KeysAndValues, second: KeysAndValues): KeysAndValues => ({
  keys: tf.concat([first.keys, second.keys], 2),
  values: tf.concat([first.values, second.values], 2),
});

/**
 * Which lines name the same thing, a room, a piece of furniture or an item.
 * @param words [B, PROMPT_LINES, LINE_WORDS], int32
 * @returns [B, i, j, c]: 1 where line j has the name that is word c of line i, else 0
 */
function sameNames(words: Tensor): Tensor {
  const batch = words.shape[0]!;
  const named = OPS.oneHot(tf.sub(words, tf.scalar(FIRST_NAME, 'int32')), NAMES);
  const byWord = tf.reshape(named, [batch, PROMPT_LINES * LINE_WORDS, NAMES]);
  const byLine = tf.max(named, 2);
  const same = tf.reshape(tf.matMul(byWord, byLine, false, true), [batch, PROMPT_LINES, LINE_WORDS, PROMPT_LINES]);
  return tf.transpose(same, [0, 1, 3, 2]);
}

/** The bias of a layer's attention for lines that name the same thing, by the name's column in the asking line and in the other one [B, heads, i, j]. */
function sameNamesBias(parameters: ParameterTensors, attention: string, same: Tensor): Tensor {
  const batch = same.shape[0]!;
  const rows = tf.reshape(same, [-1, LINE_WORDS]) as tf.Tensor2D;
  const weighted = (part: string, axes: number[]): Tensor => {
    const weights = parameters[`${attention}/${part}`] as tf.Tensor2D;
    return tf.transpose(tf.reshape(tf.matMul(rows, weights), [batch, PROMPT_LINES, PROMPT_LINES, -1]), axes);
  };
  return tf.add(weighted('same', [0, 3, 1, 2]), weighted('sameThere', [0, 3, 2, 1]));
}
