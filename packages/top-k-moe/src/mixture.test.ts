// Sparse routers as mixtures: every type by name, what it says about itself, and a router of one's own.
import { createRng, setting } from '@moe-rl/core';
import {
  assignTokens,
  auxiliaryLossOf,
  createMixture,
  type MixtureSizes,
  mixtureDefinition,
  mixtureTypes,
  registerMixture,
  toTensors,
} from '@moe-rl/moe-core';
import { createTypedArrayOps } from '@moe-rl/tensor-ops/typed-array';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { createRouter, initTopKMoe, registerRouter, routerTypes, topKMixtures } from './index.ts';

const ops = createTypedArrayOps({ precision: 'float64' });
const sizes: MixtureSizes = { numExperts: 4, numTokens: 8, tokenSize: 5, hiddenSize: 6 };
const values = (size: number) => Array.from({ length: size }, (_, index) => Math.sin(index * 12.9898) * 2);
const tokens = ops.tensor(values(2 * 8 * 5), [2, 8, 5]);

beforeAll(() => registerMixture(...topKMixtures));

describe.each(routerTypes)('%s', (type) => {
  const own = type === 'deepseek' ? { k: 2 } : {};
  const create = (options: object = own) => createMixture({ type, ...options }, sizes);
  const run = (mixture = create()) => {
    const parameters = toTensors(ops, mixture.initialize(createRng(1)));
    const inputs = Object.fromEntries(
      mixture.inputs.map(({ name, distribution, shape }) => {
        const size = shape(2).reduce((a, b) => a * b, 1);
        const data = Array.from({ length: size }, (_, index) =>
          distribution === 'given' ? index % 4 : ((index * 37) % 101) / 102 + 0.001,
        );
        return [name, ops.tensor(data, shape(2))];
      }),
    );
    const temperature = 1;
    return { mixture, parameters, output: mixture.apply(ops, parameters, tokens, { ...inputs, temperature }) };
  };

  test('describes its parameters, and initializes exactly those', () => {
    const mixture = create();
    const initial = mixture.initialize(createRng(1));
    expect(mixture.parameters.map(({ name }) => name).sort()).toEqual(Object.keys(initial).sort());
    for (const { name, shape } of mixture.parameters) expect(initial[name]!.shape).toEqual(shape);
    expect(mixture.parameters.some(({ role }) => role === 'router')).toBe(true);
  });

  test('has the defaults that its options state', () => {
    const { options } = mixtureDefinition(type);
    const defaults = Object.fromEntries(Object.entries(options).map(([name, option]) => [name, option.default]));
    expect(run(create({ ...defaults, ...own })).output.output).toEqual(run().output.output);
  });

  test('returns shares, loads and drops that are shares', () => {
    const { output } = run();
    expect(ops.shape(output.output)).toEqual([2, 8, 5]);
    expect(ops.read(output.expertLoad).reduce((a, b) => a + b, 0)).toBeCloseTo(1, 9);
    for (const row of Array.from({ length: 16 }, (_, index) => index))
      expect(
        ops
          .read(output.expertShares)
          .slice(row * 4, row * 4 + 4)
          .reduce((a, b) => a + b, 0),
      ).toBeCloseTo(1, 9);
    for (const share of [output.droppedFraction, output.unroutedFraction]) {
      expect(ops.shape(share)).toEqual([]);
      expect(share.data[0]).toBeGreaterThanOrEqual(0);
      expect(share.data[0]).toBeLessThanOrEqual(1);
    }
    expect(ops.shape(output.slotsUsed)).toEqual(ops.shape(output.expertsHidden).slice(0, 3));
  });

  test('offers each auxiliary loss or says why not', () => {
    const { mixture, output } = run();
    for (const [name, { loss, refused }] of Object.entries(mixture.auxiliaryLosses)) {
      if (refused !== undefined) {
        expect(() => auxiliaryLossOf(mixture, name)).toThrow(refused);
      } else {
        expect(ops.shape(loss(ops, output))).toEqual([2]);
        expect(ops.read(loss(ops, output)).every(Number.isFinite)).toBe(true);
      }
    }
    expect(() => auxiliaryLossOf(mixture, 'balance')).toThrow(
      `auxiliary loss "balance" is unknown; for router "${type}"`,
    );
  });
});

test('expert load is the share of tokens by their first choice, and the dropped fraction counts what found no slot', () => {
  const mixture = createMixture({ type: 'switch', capacity: 2 }, sizes);
  const parameters = toTensors(ops, mixture.initialize(createRng(3)));
  const { expertLoad, droppedFraction, topExperts, output } = mixture.apply(ops, parameters, tokens);
  const counts = [0, 0, 0, 0];
  for (const expert of ops.read(topExperts)) counts[expert]! += 1 / 16;
  expect(Array.from(ops.read(expertLoad))).toEqual(counts);
  const zeros = Array.from({ length: 16 }, (_, row) => ops.read(output).slice(row * 5, row * 5 + 5)).filter((row) =>
    row.every((x) => x === 0),
  );
  expect(zeros.length).toBeGreaterThan(0);
  expect(droppedFraction.data[0]).toBeCloseTo(zeros.length / 16, 12);
});

test('deepseek keeps its balance bias as state: updateState raises it for experts with less than the mean load', () => {
  const mixture = createMixture({ type: 'deepseek', k: 2, balanceBiasRate: 0.5 }, sizes);
  const [state] = mixture.parameters.filter(({ role }) => role === 'state');
  const parameters = toTensors(ops, mixture.initialize(createRng(1)));
  const output = mixture.apply(ops, parameters, tokens);
  const load = ops.read(output.expertLoad);
  const after = mixture.updateState!(ops, parameters, output)[state!.name]!;
  expect(Array.from(after.data)).toEqual(Array.from(load, (share) => 0.5 * Math.sign(0.25 - share)));
  const biased = mixture.apply(ops, { ...parameters, [state!.name]: ops.tensor([9, 0, 0, 9], [4]) }, tokens);
  expect(Array.from(biased.expertLoad.data)).toEqual([0.5, 0, 0, 0.5]);
});

test('says by name where the router gets no gradient', () => {
  expect(createMixture({ type: 'noisy-top-k', k: 1 }, sizes).warnings[0]).toMatch(/router "noisy-top-k" with k = 1/);
  expect(createMixture({ type: 'noisy-top-k' }, sizes).warnings).toEqual([]);
  const ofOne = { type: 'expert-prototyping', numPrototypes: 4 };
  expect(createMixture(ofOne, sizes).warnings[0]).toMatch(
    /numPrototypes = 4 for 4 experts has one expert in each group/,
  );
  for (const numExperts of [1, 2, 3, 4]) {
    expect(createMixture({ type: 'expert-prototyping' }, { ...sizes, numExperts }).warnings).toEqual([]);
  }
});

test('says so where parameters are made, once', () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  const config = { numExperts: 4, tokenSize: 3, hiddenSize: 4 };
  initTopKMoe(createRng(1), { ...config, router: { type: 'token-choice', isRenormalized: true } });
  expect(warn.mock.calls).toEqual([[expect.stringMatching(/^sparse MoE: router "token-choice" with k = 1 divides/)]]);
  warn.mockClear();
  initTopKMoe(createRng(1), { ...config, router: { type: 'token-choice', k: 2, isRenormalized: true } });
  createMixture({ type: 'noisy-top-k', k: 1 }, sizes).initialize(createRng(1));
  expect(warn).not.toHaveBeenCalled();
  warn.mockRestore();
});

test('an option of another router is refused with its owner', () => {
  expect(() => createMixture({ type: 'switch', numPrototypes: 2 }, sizes)).toThrow(
    /router "switch" has no option "numPrototypes", which belongs to expert-prototyping/,
  );
});

test('a router of your own is a router and a mixture', () => {
  registerRouter<{ readonly sharpness?: number }>({
    type: 'sharp',
    description: 'the best expert, of sharpened logits',
    options: { sharpness: setting.positive('Multiplies the logits.', 2) },
    create: ({ sharpness = 2 }) => ({
      type: 'sharp',
      route(ops, logits) {
        const probabilities = ops.softmax(ops.multiply(logits, ops.fill([], sharpness)), -1);
        const { indices, values } = ops.topK(probabilities, 1);
        const numExperts = ops.shape(logits)[2]!;
        return { assignment: assignTokens(ops, indices, values, { numExperts }), logits, probabilities };
      },
    }),
  });
  expect(mixtureTypes()).toContain('sharp');
  expect(createRouter({ type: 'sharp' }).type).toBe('sharp');
  const mixture = createMixture({ type: 'sharp', sharpness: 3, numSharedExperts: 1 }, sizes);
  const output = mixture.apply(ops, toTensors(ops, mixture.initialize(createRng(1))), tokens);
  expect(ops.read(output.droppedFraction)[0]).toBe(0);
  expect(() => createMixture({ type: 'sharp', sharpnes: 3 }, sizes)).toThrow(/did you mean sharpness/);
});

describe('registerRouter', () => {
  const create = () => ({ type: 'twice', route: () => ({}) as never });
  const router = (type: string) => ({ type, description: '', options: {}, create });

  test('takes the same definition again, and no other of its type', () => {
    const twice = router('twice');
    registerRouter(twice);
    registerRouter(twice);
    expect(mixtureTypes().filter((type) => type === 'twice')).toHaveLength(1);
    expect(() => registerRouter(router('twice'))).toThrow('the name "twice" is taken by another router');
  });

  test('leaves nothing of a router whose type a mixture has', () => {
    const taken = { ...mixtureDefinition('switch'), type: 'a-mixture' };
    registerMixture(taken);
    expect(() => registerRouter(router('a-mixture'))).toThrow('the name "a-mixture" is taken');
    expect(() => createRouter({ type: 'a-mixture' })).toThrow('router type is "a-mixture"; expected one of');
  });

  test('refuses what could not be made, naming what it lacks', () => {
    const refused = (change: object) => () => registerRouter({ ...router('half-a-router'), ...change } as never);
    expect(refused({ create: undefined })).toThrow('router "half-a-router": create is undefined; expected a function');
    expect(refused({ options: undefined })).toThrow('router "half-a-router": options is undefined; expected an object');
    expect(refused({ options: { k: 2 } })).toThrow('router "half-a-router": options.k is 2; expected what `setting`');
    expect(refused({ options: { isResidual: setting.boolean('The layer has it', false) } })).toThrow(
      'options: the name isResidual is taken',
    );
    expect(() => registerMixture({ type: 'half-a-router' } as never)).toThrow('create is undefined');
    expect(mixtureTypes()).not.toContain('half-a-router');
  });
});
