// EvoMoE's first step: many experts out of one.
import { InvalidArgumentError, type Rng, requireInteger } from '@moe-rl/core';
import { type InitialParameters, lecunNormal } from '@moe-rl/moe-core';

type Trained = Readonly<Record<string, { readonly shape: readonly number[]; readonly data: Float32Array }>>;

/**
 * EvoMoE's expert-diversify: E experts out of one trained MLP, each with a random share of the weights set to zero. Takes the parameters of one expert or
 * the whole tree of a layer with `numExperts: 1`: the gate, which had nothing to choose from, is drawn anew; shared experts stay.
 * @param maskedShare share of the kernels' weights that each expert loses, from 0 (all equal) to 1
 * @throws InvalidArgumentError for a share out of range or parameters of more than one expert
 */
export function spawnExperts(rng: Rng, trained: Trained, numExperts: number, maskedShare: number): InitialParameters {
  requireInteger('numExperts', numExperts, 1);
  requireShare(maskedShare);
  return Object.fromEntries(
    Object.entries(trained).map(([name, { shape, data }]) => {
      if (name.includes('SharedExpertModel_')) return [name, { shape, data: data.slice() }];
      if (name.includes('/router/') || name.startsWith('router/')) return [name, gateOf(rng, name, shape, numExperts)];
      if (shape[0] !== 1) throw new InvalidArgumentError(`${name} has shape [${shape}]; expected one expert, [1, ...]`);
      return [name, copies(rng, name, shape, data, numExperts, maskedShare)];
    }),
  );
}

/**
 * The same within a tree that has room for all experts: the others become copies of the first.
 * @param names parameters of experts, [E, ...]
 */
export function spawnFromFirst(
  rng: Rng,
  parameters: InitialParameters,
  names: readonly string[],
  maskedShare: number,
): InitialParameters {
  requireShare(maskedShare);
  return Object.fromEntries(
    names.map((name) => {
      const { shape, data } = parameters[name]!;
      const first = data.subarray(0, data.length / shape[0]!);
      return [name, copies(rng, name, shape, first, shape[0]!, maskedShare)];
    }),
  );
}

function requireShare(maskedShare: number): void {
  if (!(maskedShare >= 0 && maskedShare <= 1)) {
    throw new InvalidArgumentError(`maskedShare is ${maskedShare}; expected a number from 0 to 1`);
  }
}

function copies(
  rng: Rng,
  name: string,
  shape: readonly number[],
  data: Float32Array,
  numExperts: number,
  maskedShare: number,
): { shape: number[]; data: Float32Array<ArrayBuffer> } {
  const isKernel = /kernel(_mu|_sigma)?$/.test(name);
  const all = Float32Array.from({ length: numExperts * data.length }, (_, index) => {
    const isMasked = isKernel && rng.nextFloat() < maskedShare;
    return isMasked ? 0 : data[index % data.length]!;
  });
  return { shape: [numExperts, ...shape.slice(1)], data: all };
}

/** A gate [D, E] or [E]: kernels LeCun normal, the rest zeros, as in a new layer. */
function gateOf(
  rng: Rng,
  name: string,
  shape: readonly number[],
  numExperts: number,
): { shape: number[]; data: Float32Array } {
  const whole = [...shape.slice(0, -1), numExperts];
  const size = whole.reduce((a, b) => a * b, 1);
  const isDrawn = name.endsWith('Dense_0/kernel');
  return { shape: whole, data: isDrawn ? lecunNormal(rng, size, whole[0]!) : new Float32Array(size) };
}
