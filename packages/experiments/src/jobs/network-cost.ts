// What one forward pass of a network costs, block by block: the honest companion of a comparison by parameters, because an expert's weights are used for some tokens
// only and a convolution's for every position. Counted, not derived: the pass is run once and its matrix products and convolutions are added up.
import type { Network } from '@moe-rl/agents';
import { createRng } from '@moe-rl/core';
import type { RunConfig } from '@moe-rl/runs';
import { openBackend } from '@moe-rl/training';

/** Floating-point operations of one forward pass for one observation; a multiplication and an addition are two. */
export interface FlopBlock {
  readonly block: 'encoder' | 'dense' | 'router' | 'experts' | 'head';
  readonly flops: number;
}

type Shape = readonly number[];

const counted = new Map<string, Promise<readonly FlopBlock[]>>();

/**
 * Counts the pass on the run's backend. Additions, activations and softmaxes, a percent or two, are left out. Runs of one configuration in one process are counted
 * once.
 */
export function networkFlops(
  network: Network,
  config: Pick<RunConfig, 'backend' | 'threads'> = { backend: 'auto', threads: null },
): Promise<readonly FlopBlock[]> {
  const key = JSON.stringify([network.config, network.input]);
  let count = counted.get(key);
  if (count === undefined) {
    count = countFlops(network, config);
    counted.set(key, count);
    // A backend that failed once may do better the next time.
    count.catch(() => counted.delete(key));
  }
  return count;
}

async function countFlops(
  network: Network,
  config: Pick<RunConfig, 'backend' | 'threads'>,
): Promise<readonly FlopBlock[]> {
  const { tf } = await openBackend(config, () => {});
  const { frameShape, stackSize, dtype } = network.input.observationSpec;
  const created = Object.entries(network.initialize(createRng(0, 'network-cost'))).map(
    ([name, { shape, data }]) => [name, tf.tensor(data as Float32Array, [...shape])] as const,
  );
  const observation = tf.zeros([1, stackSize, ...frameShape], dtype === 'uint8' ? 'int32' : 'float32');
  try {
    const { kernels } = await tf.profile(() =>
      inKernelsOfTfjs(tf, () =>
        tf.tidy(() => tf.clone(network.apply(Object.fromEntries(created), observation).values)),
      ),
    );
    const sums = new Map<FlopBlock['block'], number>();
    for (const { name, inputShapes, outputShapes } of kernels) {
      const [input, weights] = inputShapes as (Shape | undefined)[];
      const [output] = outputShapes as (Shape | undefined)[];
      if (input === undefined || weights === undefined || output === undefined) continue;
      const flops = flopsOf(name, input, weights, output);
      if (flops === 0) continue;
      const block = blockOf(network, weights, output);
      sums.set(block, (sums.get(block) ?? 0) + flops);
    }
    return (['encoder', 'dense', 'router', 'experts', 'head'] as const).flatMap((block) =>
      sums.has(block) ? [{ block, flops: sums.get(block)! }] : [],
    );
  } finally {
    observation.dispose();
    for (const [, tensor] of created) tensor.dispose();
  }
}

/** Runs without the operations that were added to TensorFlow's: tfjs sees into none of them, so the profile would lack the experts and the dispatch. */
function inKernelsOfTfjs<Result>({ backend }: { backend(): unknown }, run: () => Result): Result {
  const native = backend() as { addedOperations?: ReadonlySet<string> };
  const added = native.addedOperations;
  if (added === undefined) return run();
  native.addedOperations = new Set();
  try {
    return run();
  } finally {
    native.addedOperations = added;
  }
}

const sizeOf = (shape: Shape): number => shape.reduce((product, size) => product * size, 1);

function flopsOf(kernel: string, input: Shape, weights: Shape, output: Shape): number {
  if (/Conv2D/.test(kernel) && weights.length === 4) {
    return 2 * sizeOf(output) * weights[0]! * weights[1]! * weights[2]!;
  }
  if (!/MatMul/.test(kernel)) return 0;
  // (b m k)(b k n) / (b m n) = b k^2: holds whichever of the two is transposed.
  const batch = sizeOf(output.slice(0, -2));
  const inner = Math.sqrt((sizeOf(input) * sizeOf(weights)) / sizeOf(output) / batch);
  return 2 * sizeOf(output) * inner;
}

/** Which block a product belongs to, by the parameter of its shape; a product without parameters is the mixture's dispatch or combine. */
function blockOf(network: Network, weights: Shape, output: Shape): FlopBlock['block'] {
  const text = weights.join();
  const name = Object.entries(network.parameterShapes).find(([, { shape }]) => shape.join() === text)?.[0];
  if (name === undefined || network.routerParameters.includes(name)) return weights.length === 4 ? 'encoder' : 'router';
  if (name.startsWith('encoder/') || /^Conv/.test(name)) return 'encoder';
  if (/Expert/.test(name)) return 'experts';
  const { actionCount, atoms = 1 } = network.input;
  return [actionCount * atoms, atoms].includes(output.at(-1)!) ? 'head' : 'dense';
}
