// What settings are refused, by name.
import { expect, test } from 'vitest';
import { requireSettings } from './settings.ts';

test.each([
  [{ temperature: 0 }, /^temperature is 0/],
  [{ temperature: -1 }, /^temperature is -1/],
  [{ guidedProposals: 0 }, /^guidedProposals is 0/],
])('%j is refused', (settings, message) => {
  expect(() => requireSettings(settings)).toThrow(message);
});
