// What settings say of a mixture's defaults is what it does by itself: the configuration of an agent names all defaults, code that makes a mixture names none.
import { createRng, doesApply, type SettingsTree } from '@moe-rl/core';
import {
  createMixture,
  type Mixture,
  type MixtureConfig,
  type MixtureInputs,
  mixtureDefinition,
  mixtureTypes,
  toTensors,
} from '@moe-rl/moe-core';
import { createTypedArrayOps, type TypedArrayTensor } from '@moe-rl/tensor-ops/typed-array';
import { describe, expect, it } from 'vitest';
import './routers.ts';

const ops = createTypedArrayOps({ precision: 'float64' });
// More experts than any router takes for a token, and a number of tokens whose capacities round.
const [B, T, D] = [2, 13, 5];
const sizes = { numExperts: 12, numTokens: T, tokenSize: D, hiddenSize: 3 };

/** All options that apply with their defaults; those that are null are off. */
function writtenOut(type: string): MixtureConfig {
  const { options } = mixtureDefinition(type);
  const tree = Object.fromEntries(Object.entries(options).map(([name, spec]) => [name, spec.default])) as SettingsTree;
  const given = Object.entries(tree).filter(
    ([name, value]) => value !== null && doesApply(options[name]!.applies, name, tree),
  );
  expect(given.length).toBeGreaterThan(1);
  return { type, ...Object.fromEntries(given) } as MixtureConfig;
}

/** Most tokens alike, so that they want the same experts and capacities tell. */
function tokens(): TypedArrayTensor {
  const rng = createRng(5, 'tokens');
  const common = Array.from({ length: D }, () => 2 * rng.nextNormal());
  const data = Array.from({ length: B * T * D }, (_, index) => {
    const isCommon = Math.floor(index / D) % T < 8;
    return (isCommon ? common[index % D]! : 0) + (isCommon ? 0.1 : 2) * rng.nextNormal();
  });
  return ops.tensor(data, [B, T, D]);
}

function inputsOf(mixture: Mixture, isTraining: boolean): MixtureInputs<TypedArrayTensor> {
  const rng = createRng(6, 'inputs');
  const drawn = mixture.inputs.map(({ name, distribution, shape }) => {
    const size = shape(B).reduce((product, one) => product * one, 1);
    const draw = { normal: () => rng.nextNormal(), uniform: () => rng.nextFloat(), given: () => rng.nextInteger(12) };
    return [name, ops.tensor(Array.from({ length: size }, draw[distribution]), shape(B))];
  });
  return { ...Object.fromEntries(drawn), temperature: 0.5, isTraining };
}

/** Everything that a mixture is and does on fixed numbers. */
function behaviour(config: MixtureConfig): unknown {
  const mixture = createMixture(config, sizes);
  const parameters = toTensors(ops, mixture.initialize(createRng(2, 'parameters')));
  const { schedule } = mixture;
  const read = (tensor: TypedArrayTensor): number[] => Array.from(ops.read(tensor));
  const passes = [true, false].map((isTraining) => {
    const output = mixture.apply(ops, parameters, tokens(), inputsOf(mixture, isTraining));
    const losses = Object.entries(mixture.auxiliaryLosses).map(([name, { loss, refused }]) => [
      name,
      loss && isTraining ? read(loss(ops, output)) : refused,
    ]);
    const states = Object.entries(mixture.updateState?.(ops, parameters, output) ?? {});
    return {
      output: read(output.output),
      experts: read(output.topExperts),
      load: read(output.expertLoad),
      dropped: read(output.droppedFraction),
      losses,
      states: states.map(([name, tensor]) => [name, read(tensor)]),
    };
  });
  return {
    passes,
    parameters: mixture.parameters,
    inputs: mixture.inputs.map(({ shape, ...input }) => ({ ...input, shape: shape(B) })),
    runsOnHost: mixture.runsOnHost,
    warnings: mixture.warnings,
    course: schedule && {
      stages: schedule.stages,
      totalUpdates: schedule.totalUpdates,
      // Decays and stages of all defaults lie within these.
      at: [0, 1, 9999, 10_000, 50_000, 100_000, 1_000_000].map((update) => schedule.advance(update)),
    },
  };
}

describe('the defaults of settings are those of the mixture', () => {
  it.each(mixtureTypes())('%s', (type) => {
    expect(behaviour(writtenOut(type))).toEqual(behaviour({ type }));
  });
});
