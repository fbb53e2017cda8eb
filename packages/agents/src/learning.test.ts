// The short learning checks: from a fixed seed each agent must come to play well, with a wide margin (random play has -0.6 on Catch, 22 on CartPole).
// scripts/test-learning.mjs runs more seeds, and shows that broken agents fail these thresholds.
import { expect, it } from 'vitest';
import { loadTestBackend } from './testing/fixtures.ts';
import { createLearningCheck, LEARNING_CHECKS } from './testing/learning-checks.ts';

const { canRecord } = await loadTestBackend();
// Without TensorFlow a step takes twenty times as long: one agent stands for all.
const checks = LEARNING_CHECKS.filter(({ name }) => canRecord || name === 'DQN on Catch');

it.each(checks.map((check) => [check.name, check] as const))(
  '%s',
  async (_name, check) => {
    const { meanReturn } = await createLearningCheck(check, { seed: check.seeds[0]! }).run();
    expect(meanReturn).toBeGreaterThanOrEqual(check.threshold);
  },
  360_000,
);
