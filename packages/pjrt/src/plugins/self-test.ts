// A known training run that every plugin must compute rightly before it is used: steps that take over their arguments' memory, a copy to a second network (with and
// without donation) in between, and a step after it that reads both. It catches a plugin whose products, sums, tanh, donation or copies are wrong. It does not catch
// the one plugin on PyPI that was once seen to compute wrong numbers after a donated copy (known-faults.ts): that fault has shown neither here nor in whole learning
// steps of dqn, dqn-soft-moe and classic-control-soft-moe since (up to 300 steps with 100 donated copies, equal to the last bit), so its content alone refuses it.
import { InvalidArgumentError } from '@moe-rl/core';
import type { Value } from '@moe-rl/tfjs-graph/tracing';
import type { DeviceBuffer } from '../client/buffer.ts';
import type { PjrtClient } from '../client/client.ts';
import type { Executable, FunctionSpec } from '../client/executable.ts';
import { PluginError } from '../errors.ts';
import { FunctionBuilder } from '../stablehlo/builder.ts';
import { matMul } from '../stablehlo/contractions.ts';

/** Layers of the network: many buffers of several sizes, as a real one has. */
const SIZES = [4, 32, 32, 2] as const;
const BATCH = 16;
const RATE = 0.05;
const STEPS = 4;
/** Differences of float32 sums in another order stay below; TF32 on GPUs, with 10 bits of mantissa, too. */
export const TOLERANCE = 2e-3;

type Matrix = { readonly rows: number; readonly columns: number; readonly data: Float64Array };

const f32 = (rows: number, columns: number) => ({ shape: [rows, columns], type: 'f32' }) as const;

/** Weights of the layers, then of their copies. */
function shapesOfWeights(): { readonly rows: number; readonly columns: number }[] {
  return SIZES.slice(1).map((columns, layer) => ({ rows: SIZES[layer]!, columns }));
}

/**
 * One step: y = tanh layers of the batch, target = the copy's output, loss = mean squared difference to target + 1, gradients by hand, plain descent.
 * Arguments: weights, copies, batch. Results: weights (in the memory of the old ones), loss.
 */
function learnFunction(): FunctionSpec {
  const b = new FunctionBuilder({ precision: 'highest' });
  const weights = shapesOfWeights().map(({ rows, columns }) => b.argument(f32(rows, columns)));
  const copies = shapesOfWeights().map(({ rows, columns }) => b.argument(f32(rows, columns)));
  const batch = b.argument(f32(BATCH, SIZES[0]));
  const forward = (layers: readonly Value[]): Value[] => {
    const states = [batch];
    for (const layer of layers) states.push(b.unary('tanh', matMul(b, states.at(-1)!, layer)));
    return states;
  };
  const states = forward(weights);
  const target = b.binary('add', forward(copies).at(-1)!, b.scalar(1));
  const difference = b.binary('subtract', states.at(-1)!, target);
  const count = BATCH * SIZES.at(-1)!;
  const loss = b.binary(
    'divide',
    b.reduce('add', b.binary('multiply', difference, difference), [0, 1], 0),
    b.scalar(count),
  );
  let gradient = b.binary('multiply', difference, b.scalar(2 / count));
  const updated: Value[] = [];
  for (let layer = weights.length - 1; layer >= 0; layer--) {
    const state = states[layer + 1]!;
    const slope = b.binary('subtract', b.scalar(1), b.binary('multiply', state, state));
    const inner = b.binary('multiply', gradient, slope);
    const change = b.binary('multiply', matMul(b, states[layer]!, inner, true, false), b.scalar(RATE));
    gradient = matMul(b, inner, weights[layer]!, false, true);
    updated.unshift(b.binary('subtract', weights[layer]!, change));
  }
  return b.finish('self_test_learn', [...updated, loss], {
    donated: new Map(updated.map((_, index) => [index, index])),
  });
}

/** Copies of the weights, in new memory or (`donate`) in that of the old copies. */
function syncFunction(donate: boolean): FunctionSpec {
  const b = new FunctionBuilder();
  const weights = shapesOfWeights().map(({ rows, columns }) => b.argument(f32(rows, columns)));
  if (!donate) return b.finish('self_test_sync', weights);
  for (const { rows, columns } of shapesOfWeights()) b.argument(f32(rows, columns));
  return b.finish('self_test_sync_donated', weights, {
    donated: new Map(weights.map((_, index) => [index, weights.length + index])),
  });
}

/**
 * Runs the known steps and compares each loss with the same computed in JavaScript.
 * @throws PluginError saying what differed; PjrtError when the plugin refuses a call
 */
export async function testPlugin(client: PjrtClient): Promise<void> {
  for (const donate of [false, true]) await testSequence(client, donate);
}

async function testSequence(client: PjrtClient, donate: boolean): Promise<void> {
  const [learn, sync] = await Promise.all([client.compile(learnFunction()), client.compile(syncFunction(donate))]);
  const initial = shapesOfWeights().map(({ rows, columns }, layer) => known(rows, columns, layer + 1));
  const batches = Array.from({ length: STEPS }, (_, step) => known(BATCH, SIZES[0], 11 + step));
  const expected = referenceLosses(initial, batches);
  const upload = (matrix: Matrix): DeviceBuffer =>
    client.upload(Float32Array.from(matrix.data), f32(matrix.rows, matrix.columns));
  let weights = initial.map(upload);
  let copies = initial.map(upload);
  try {
    for (const [step, batch] of batches.entries()) {
      // Before the third step the copies are brought up to date.
      if (step === 2) copies = runSync(sync, weights, copies, donate);
      const fed = upload(batch);
      const results = learn.execute([...weights, ...copies, fed]);
      fed.free();
      weights = results.slice(0, weights.length);
      const [loss] = results.at(-1)!.readSync();
      results.at(-1)!.free();
      const wanted = expected[step]!;
      if (!(Math.abs(loss! - wanted) <= TOLERANCE * Math.max(1, Math.abs(wanted)))) {
        const when =
          step >= 2 ? `after a copy of the network ${donate ? 'into donated memory' : ''}`.trim() : 'at the start';
        throw new PluginError(
          `${client.api.path} (platform ${client.platform}) computes wrong numbers: in the known step ${step + 1}, ${when}, the loss is ${loss}; expected ${wanted.toFixed(6)}. It is not used; take another plugin`,
        );
      }
    }
  } finally {
    for (const buffer of [...weights, ...copies]) buffer.free();
    learn.free();
    sync.free();
  }
}

function runSync(
  sync: Executable,
  weights: readonly DeviceBuffer[],
  copies: readonly DeviceBuffer[],
  donate: boolean,
): DeviceBuffer[] {
  const made = sync.execute(donate ? [...weights, ...copies] : weights);
  for (const copy of copies) copy.free();
  return made;
}

/** The losses in double precision, in plain JavaScript. */
function referenceLosses(initial: readonly Matrix[], batches: readonly Matrix[]): number[] {
  let weights = [...initial];
  let copies = [...initial];
  return batches.map((batch, step) => {
    if (step === 2) copies = [...weights];
    const forward = (layers: readonly Matrix[]): Matrix[] => {
      const states = [batch];
      for (const layer of layers) states.push(map(product(states.at(-1)!, layer), Math.tanh));
      return states;
    };
    const states = forward(weights);
    const target = forward(copies).at(-1)!;
    const output = states.at(-1)!;
    const difference = map(output, (value, index) => value - target.data[index]! - 1);
    const count = difference.data.length;
    const loss = difference.data.reduce((sum, value) => sum + value * value, 0) / count;
    let gradient = map(difference, (value) => (2 * value) / count);
    const updated = [...weights];
    for (let layer = weights.length - 1; layer >= 0; layer--) {
      const state = states[layer + 1]!;
      const inner = map(gradient, (value, index) => value * (1 - state.data[index]! ** 2));
      const change = product(transposed(states[layer]!), inner);
      gradient = product(inner, transposed(weights[layer]!));
      updated[layer] = map(weights[layer]!, (value, index) => value - RATE * change.data[index]!);
    }
    weights = updated;
    return loss;
  });
}

/** Numbers between -0.5 and 0.5 that depend on `seed`. */
function known(rows: number, columns: number, seed: number): Matrix {
  let state = (seed * 2654435761) >>> 0;
  const data = Float64Array.from({ length: rows * columns }, () => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    // As float32 holds it: what is uploaded.
    return Math.fround(state / 2 ** 32 - 0.5);
  });
  return { rows, columns, data };
}

function product(a: Matrix, b: Matrix): Matrix {
  if (a.columns !== b.rows) throw new InvalidArgumentError('matrices that do not fit');
  const data = new Float64Array(a.rows * b.columns);
  for (let row = 0; row < a.rows; row++) {
    for (let inner = 0; inner < a.columns; inner++) {
      const factor = a.data[row * a.columns + inner]!;
      for (let column = 0; column < b.columns; column++) {
        data[row * b.columns + column]! += factor * b.data[inner * b.columns + column]!;
      }
    }
  }
  return { rows: a.rows, columns: b.columns, data };
}

function transposed({ rows, columns, data }: Matrix): Matrix {
  const turned = Float64Array.from(data, (_, index) => data[(index % rows) * columns + Math.floor(index / rows)]!);
  return { rows: columns, columns: rows, data: turned };
}

function map(matrix: Matrix, change: (value: number, index: number) => number): Matrix {
  return { ...matrix, data: matrix.data.map(change) };
}
