// A registry with the toy environment and agent, for tests.
import { InvalidArgumentError, setting } from '@moe-rl/core';
import type { RunRegistry } from '../registry/run-registry.ts';
import { createRunRegistry } from '../registry/run-registry.ts';
import { registerRunSinks } from '../session/session.ts';
import { createToyAgent, createToyEnvironment, createToyReward } from './toy.ts';

export function createToyRegistry(): RunRegistry {
  const registry = createRunRegistry();
  registry.environments.register('line', {
    description: 'A line of cells',
    games: ['toy/line', 'toy/corridor'],
    settings: {
      size: setting.integer('Cells', 9, { maximum: 100 }),
      file: setting.text('A file', null, { isNullable: true }),
      isCut: setting.boolean('Whether episodes are cut', false),
    },
    adopt: ({ terminalOnLifeLoss }) => (terminalOnLifeLoss === undefined ? {} : { isCut: terminalOnLifeLoss }),
    changeableOnResume: ['file'],
    create: createToyEnvironment,
  });
  registry.environments.register('plain', {
    description: 'No settings',
    games: ['plain'],
    create: createToyEnvironment,
  });
  registry.agents.register('q', {
    description: 'Tabular',
    settings: {
      learner: setting.group({
        rate: setting.share('Learning rate', 0.1),
        rule: setting.choice('Rule', 'max', ['max', 'mean']),
        weight: setting.positive('Weight of the mean', 1, { applies: { path: 'learner.rule', in: ['mean'] } }),
      }),
    },
    create: ({ config }) => ({ agent: createToyAgent(config.seed) }),
  });
  registry.presets.register('toy', { description: 'Its defaults', agent: 'q' });
  registry.presets.register('slow', {
    description: 'A mean, learned slowly',
    agent: 'q',
    settings: { learner: { rate: 0.01, rule: 'mean' } },
    trainingAgentSteps: 7000,
    protocol: { terminalOnLifeLoss: true },
  });
  registry.rewards.register('visits', {
    description: 'Pays for cells seen seldom',
    settings: { scale: setting.positive('Pay of the first visit', 0.5) },
    check({ scale }, { game }) {
      if (game === 'plain')
        throw new InvalidArgumentError(`reward.scale is ${String(scale)}: nothing to visit in plain`);
    },
    create: ({ settings }) => createToyReward(Number(settings.scale)),
  });
  registerRunSinks(registry);
  return registry;
}
