// What settings are refused, by name.
import { InvalidArgumentError } from '@moe-rl/core';
import { expect, test } from 'vitest';
import { DEFAULT_SETTINGS, requireSettings, type TrainingSettings } from './settings.ts';

const { network } = DEFAULT_SETTINGS;
const mixture = { type: 'soft', experts: 4, hiddenSize: 32 };

test.each([
  [{ temperature: 0 }, /^temperature is 0/],
  [{ temperature: -1 }, /^temperature is -1/],
  [{ guidedProposals: 0 }, /^guidedProposals is 0/],
  [{ learningRate: 0 }, /^learningRate is 0/],
  [{ plansOnly: 'no' }, /^plansOnly is "no"; expected true or false/],
  [{ tasks: 1285 }, /^tasks is 1285; expected an integer from 1 to 1284/],
  [{ batchSize: 1e9 }, /^batchSize is 1000000000/],
  [{ rounds: 3, correctionUpdates: 2 }, /^rounds is 3; expected at most correctionUpdates, 2/],
  [{ network: null }, /^network is null; expected an object/],
  [{ network: { ...network, sise: 3 } }, /^network has no option "sise".*did you mean size/],
  [{ network: { ...network, wordSize: 1.5 } }, /^network.wordSize is 1.5/],
  [{ network: { ...network, heads: -4 } }, /^network.heads is -4/],
  [{ network: { ...network, heads: 3 } }, /^network.size is 64; expected a multiple of heads, 3/],
  [{ network: { ...network, encoderLayers: 0 } }, /^network.encoderLayers is 0/],
  [{ network: { ...network, mixture: 'soft' } }, /^network.mixture is "soft"; expected an object or null/],
  [{ network: { ...network, mixture: { ...mixture, expert: 2 } } }, /^network.mixture has no option "expert"/],
  [{ network: { ...network, mixture: { ...mixture, experts: 0 } } }, /^network.mixture.experts is 0/],
  [
    { network: { ...network, mixture: { ...mixture, auxiliaryLosses: { loadBalance: Number.NaN } } } },
    /^network.mixture.auxiliaryLosses.loadBalance is NaN/,
  ],
])('%j is refused', (settings, message) => {
  const check = () => requireSettings(settings as Partial<TrainingSettings>);
  expect(check).toThrow(message);
  expect(check).toThrow(InvalidArgumentError);
});

test('a network is the same in whatever order, and with its defaults said or not', () => {
  const { mixture: _, ...others } = network;
  const turned = Object.fromEntries(Object.entries(others).reverse()) as unknown as typeof network;
  expect(JSON.stringify(requireSettings({ network: turned }))).toBe(JSON.stringify(DEFAULT_SETTINGS));
});
