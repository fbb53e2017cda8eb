// What counts as a sample: missing values and texts are no numbers, rows of weight 0 are no samples, and a start has to be one of these covariates.
import { createRng, InvalidArgumentError, NonFiniteError, ShapeError } from '@moe-rl/core';
import { expect, test } from 'vitest';
import { polynomialMixture, sharedRoutedMixture } from '../index.ts';
import { checkSamples, type Samples } from './samples.ts';

const rng = createRng(3, 'samples');
const x = Array.from({ length: 60 }, () => rng.nextFloat());
const y = x.map((value) => 5 + value + 0.1 * rng.nextNormal());

test('a missing value, a text and a flag are refused by row, and never taken for 0', () => {
  for (const value of [null, '', '3', true, undefined]) {
    const replaced = (values: readonly number[]) =>
      values.map((own, row) => (row === 7 ? value : own)) as unknown as number[];
    const wrong = (samples: Samples) => () => checkSamples(samples);
    const ones = x.map(() => 1);
    expect(wrong({ x, y: replaced(y) })).toThrow(NonFiniteError);
    expect(wrong({ x, y: replaced(y) })).toThrow(`y[7] is ${JSON.stringify(value)}; expected a finite number`);
    expect(wrong({ x, y, weights: replaced(ones) })).toThrow(/^weights\[7\] is /);
    expect(
      wrong({ x: x.map((own) => [own]).map((row, at) => (at === 7 ? [value as unknown as number] : row)), y }),
    ).toThrow(/^x\[7\], column x, is /);
  }
  expect(checkSamples({ x, y }).y).toEqual(Float64Array.from(y));
});

test('a missing row of x is refused by its place', () => {
  for (const missing of [null, undefined] as unknown as number[]) {
    expect(() => checkSamples({ x: [missing, ...x.slice(1)], y })).toThrow(ShapeError);
    expect(() => checkSamples({ x: [...x.slice(1), missing], y })).toThrow(
      new ShapeError(`x[59] is ${missing}; expected what x[0] is`),
    );
  }
});

test('a row of weight 0 changes nothing of the fit, however far away it lies', () => {
  const options = { experts: 1, degree: 3 };
  const whole = polynomialMixture.fit({ x, y }, options);
  const weights = [...x.map(() => 1), 0];
  const more = polynomialMixture.fit({ x: [...x, 1e6], y: [...y, 5], weights }, options);
  expect(more.model).toEqual(whole.model);
  expect(more.logLikelihood).toBe(whole.logLikelihood);
});

test('flags of a fit are true or false', () => {
  for (const name of ['accelerate', 'standardize'])
    expect(() => polynomialMixture.fit({ x, y }, { experts: 1, [name]: 'no' })).toThrow(
      new InvalidArgumentError(`${name} is "no"; expected true or false`),
    );
});

test('shared and routed experts start from a model of as many covariates only', () => {
  const { model } = sharedRoutedMixture.fit({ x, y }, { shared: 1, routed: 2, maxIterations: 3 });
  const wider = { x: x.map((value) => [value, rng.nextFloat()]), y };
  expect(() => sharedRoutedMixture.fit(wider, { shared: 1, routed: 2, initial: model })).toThrow(
    /initial has .* 1 covariates, softmax; expected .* 2 covariates, softmax/,
  );
});
