// Reading golden vectors and comparing results with them, in the form that testdata/golden/README.md describes.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** Every vector below `folder`: { file, family, vector }, in a fixed order. Family = name of the folder that holds the file. */
export function readVectors(folder) {
  const found = [];
  for (const entry of readdirSync(folder, { recursive: true }).map(String).sort()) {
    const path = join(folder, entry);
    if (!entry.endsWith('.json') || !statSync(path).isFile()) continue;
    const vector = JSON.parse(readFileSync(path, 'utf8'));
    // Tables that are not vectors (FACTS.json, atari_scores.json) have no outputs.
    if (!vector.outputs || !vector.config) continue;
    found.push({ file: entry, family: basename(dirname(path)), name: basename(entry, '.json'), vector });
  }
  return found;
}

/** The values of an array given explicitly or by its generator: { shape, data: Float64Array of the float32 (or integer) values }. */
export function materialize(array) {
  const size = array.shape.reduce((a, b) => a * b, 1);
  if (array.data) return { shape: array.shape, data: Float64Array.from(array.data.flat(Infinity), Number) };
  if (!array.lcg) throw new Error('array has neither data nor a generator');
  const data = new Float64Array(size);
  let state = array.lcg.seed >>> 0;
  for (let index = 0; index < size; index++) {
    state = (Math.imul(1664525, state) + 1013904223) >>> 0;
    data[index] =
      array.dtype === 'uint8' ? state >>> 24 : Math.fround((state / 4294967296 - 0.5) * 2 * array.lcg.scale);
  }
  return { shape: array.shape, data };
}

/** All inputs of a layer vector, with the ReLU that some apply to the tokens first. */
export function layerInputs(vector) {
  const inputs = Object.fromEntries(Object.entries(vector.inputs).map(([name, array]) => [name, materialize(array)]));
  if (vector.config.relu_tokens_first) {
    inputs.tokens = { ...inputs.tokens, data: inputs.tokens.data.map((value) => Math.max(0, value)) };
  }
  return inputs;
}

/** True when a golden output gives only sums and samples. */
export const isSummary = (golden) => golden.data === undefined && golden.sum !== undefined;

/** The elements of a golden output that are given: [[flat index, value], ...]. */
export function givenElements(golden) {
  if (!isSummary(golden)) {
    return Array.from(materialize(golden).data, (value, index) => [index, value]);
  }
  const samples = new Map(golden.first.map((value, index) => [index, Number(value)]));
  golden.strided.forEach((value, index) => {
    samples.set(index * golden.stride, Number(value));
  });
  return [...samples];
}

/**
 * Compares with the metric of the README, max|a-b| / max|b|. Returns undefined, or what differs in words.
 * @param actual { shape, data }
 */
export function difference(actual, golden, tolerance) {
  const size = golden.shape.reduce((a, b) => a * b, 1);
  if (actual.data.length !== size || actual.shape.join() !== golden.shape.join()) {
    return `shape [${actual.shape}]; expected [${golden.shape}]`;
  }
  const elements = givenElements(golden);
  const scale = golden.max_abs ?? elements.reduce((largest, [, value]) => Math.max(largest, Math.abs(value)), 0);
  let worst = { error: -1 };
  for (const [index, value] of elements) {
    const got = actual.data[index];
    const error = Number.isNaN(value) && Number.isNaN(got) ? 0 : Math.abs(got - value);
    if (!(error <= worst.error)) worst = { error, index, got, value };
  }
  if (!(worst.error <= tolerance * scale)) {
    return `element ${worst.index} is ${worst.got}; expected ${worst.value} (off by ${(worst.error / (scale || 1)).toExponential(1)} of the largest; allowed ${tolerance})`;
  }
  if (isSummary(golden)) {
    let sum = 0;
    let absoluteSum = 0;
    let largest = 0;
    for (const value of actual.data) {
      sum += value;
      absoluteSum += Math.abs(value);
      largest = Math.max(largest, Math.abs(value));
    }
    if (golden.max_abs !== undefined && !(Math.abs(largest - golden.max_abs) <= tolerance * golden.max_abs))
      return `largest magnitude is ${largest}; expected ${golden.max_abs}`;
    if (!(Math.abs(sum - golden.sum) <= tolerance * golden.abs_sum)) return `sum is ${sum}; expected ${golden.sum}`;
    if (!(Math.abs(absoluteSum - golden.abs_sum) <= tolerance * golden.abs_sum)) {
      return `sum of absolute values is ${absoluteSum}; expected ${golden.abs_sum}`;
    }
  }
  return undefined;
}

/** Throws one Error that lists every output that differs. `pairs`: [[name, actual, golden, tolerance], ...] */
export function expectAll(pairs) {
  const problems = [];
  for (const [name, actual, golden, tolerance] of pairs) {
    const problem = difference(actual, golden, tolerance);
    if (problem) problems.push(`${name}: ${problem}`);
  }
  if (problems.length > 0) throw new Error(problems.join('\n'));
}
