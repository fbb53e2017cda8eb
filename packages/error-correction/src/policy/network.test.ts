// What the network reads: lines that name the same thing, in any order; words that it points at; a reply decoded word by word as all at once.
import { createRng } from '@moe-rl/core';
import { loadBackend } from '@moe-rl/tfjs-native';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ParameterTensors } from './layers.ts';
import { createNetwork } from './network.ts';
import { DEFAULT_NETWORK } from './network-config.ts';
import { FIRST_NAME, LINE_WORDS, NAMES, PROMPT_LINES, START, VOCABULARY, writePrompt } from './vocabulary.ts';

const network = createNetwork({ ...DEFAULT_NETWORK, wordSize: 8, size: 8, heads: 2, hiddenSize: 8 });
let parameters: ParameterTensors;

beforeAll(async () => {
  await loadBackend({ backend: 'auto', threads: 1 });
  const initial = Object.entries(network.initialize(createRng(1)));
  parameters = Object.fromEntries(
    initial.map(([name, { data, shape }]) => [name, tf.tensor(data as Float32Array, [...shape])]),
  );
});
afterAll(() => tf.dispose(parameters as Record<string, tf.Tensor>));

const FRIDGE = ['judge', 'try open fridge', 'room kitchen', 'see fridge closed', 'hands empty'];
const OTHERS = ['judge', 'try open fridge', 'room kitchen', 'see stove off', 'hands empty'];

/** Logits of the words of a reply [t x V]. */
function logitsOf(lines: readonly string[], changes: ParameterTensors = {}, reply = [START]): Float32Array {
  const words = new Int32Array(PROMPT_LINES * LINE_WORDS);
  writePrompt(lines, words, 0);
  return tf.tidy(() => {
    const own = { ...parameters, ...changes };
    const prompt = network.encode(own, tf.tensor(words, [1, PROMPT_LINES, LINE_WORDS], 'int32'), false);
    return network.decode(own, prompt, tf.tensor(reply, [1, reply.length], 'int32')).logits.dataSync() as Float32Array;
  });
}

const difference = (a: Float32Array, b: Float32Array): number =>
  Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));

test('lines that name the same thing are told from lines that do not, even where all names look alike', () => {
  const words = parameters['words']!.arraySync() as number[][];
  const alike = words.map((row, index) =>
    index >= FIRST_NAME && index < FIRST_NAME + NAMES ? words[FIRST_NAME]! : row,
  );
  const blind: Record<string, tf.Tensor> = { words: tf.tensor(alike) };
  for (const layer of [0, 1]) {
    for (const part of ['same', 'sameThere']) {
      blind[`encoder_${layer}/attention/${part}`] = tf.zeros([LINE_WORDS, 2]);
    }
  }
  const other = FRIDGE.with(3, 'see stove closed');
  expect(difference(logitsOf(FRIDGE, blind), logitsOf(other, blind))).toBe(0);
  for (const part of ['same', 'sameThere']) {
    const name = `encoder_0/attention/${part}`;
    const changes = { ...blind, [name]: parameters[name]! };
    expect(difference(logitsOf(FRIDGE, changes), logitsOf(other, changes)), part).toBeGreaterThan(1e-4);
  }
});

test('the order of lines says nothing, padding neither', () => {
  expect(difference(logitsOf(FRIDGE), logitsOf([...FRIDGE].reverse()))).toBeLessThan(1e-4);
  expect(difference(logitsOf(FRIDGE), logitsOf(OTHERS))).toBeGreaterThan(1e-3);
});

test('words of the prompt are pointed at', () => {
  const changes = { 'pointer/scale': tf.fill([8], 1000) };
  for (const lines of [FRIDGE, OTHERS]) {
    const logits = logitsOf(lines, changes);
    // The sum of embeddings that is pointed at is nearer to those of the prompt than to others.
    const mean = (all: readonly number[]) => all.reduce((sum, index) => sum + logits[index]!, 0) / all.length;
    const pointed = [...new Set(lines.flatMap((line) => line.split(' ')))].map((word) => VOCABULARY.indexOf(word));
    const others = VOCABULARY.map((_, index) => index).filter((index) => !pointed.includes(index));
    expect(mean(pointed)).toBeGreaterThan(mean(others));
  }
});

test('a reply decoded word by word is as decoded at once', () => {
  const reply = ['error', 'fridge', 'is', 'closed'].map((word) => VOCABULARY.indexOf(word));
  const words = new Int32Array(PROMPT_LINES * LINE_WORDS);
  writePrompt(FRIDGE, words, 0);
  const whole = logitsOf(FRIDGE, {}, [START, ...reply]);
  tf.tidy(() => {
    const prompt = network.encode(parameters, tf.tensor(words, [1, PROMPT_LINES, LINE_WORDS], 'int32'), false);
    let past: ReturnType<typeof network.decode> | undefined;
    [START, ...reply].forEach((word, index) => {
      past = network.decode(parameters, prompt, tf.tensor([word], [1, 1], 'int32'), past);
      const own = past.logits.dataSync() as Float32Array;
      const there = whole.subarray(index * VOCABULARY.length, (index + 1) * VOCABULARY.length);
      expect(difference(own, there), `word ${index}`).toBeLessThan(1e-4);
    });
    expect(past!.length).toBe(reply.length + 1);
  });
});

test('names are one run of numbers', () => {
  expect(VOCABULARY.slice(FIRST_NAME, FIRST_NAME + NAMES)).toEqual(
    expect.arrayContaining(['kitchen', 'rag', 'fridge']),
  );
  expect(VOCABULARY[FIRST_NAME]).toBe('kitchen');
  expect(VOCABULARY[FIRST_NAME + NAMES - 1]).toBe('rag');
});
