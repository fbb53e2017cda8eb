// What a configuration is made of, what is refused and in which words, and that the list of settings is exactly what is taken.
import { setting } from '@moe-rl/core';
import { describe, expect, it } from 'vitest';
import { makeEnvironment, openSession, openSinks } from '../session/session.ts';
import { createToyRegistry } from '../testing/toy-registry.ts';
import {
  changeOnResume,
  checkRunConfig,
  describeRunConfig,
  newRunConfig,
  parseSetOption,
  runConfigJsonSchema,
} from './run-config.ts';

const registry = createToyRegistry();
const names = { game: 'toy/line', preset: 'toy' };

describe('run configuration', () => {
  it('is the preset, then the file, then --set, then the named options', () => {
    const config = newRunConfig(
      {
        file: { preset: 'slow', game: 'toy/line', seed: 3, learner: { rate: 0.2 }, environment: { size: 4 } },
        set: [
          ['learner.weight', '2'],
          ['environment.size', '5'],
          ['seed', '4'],
        ],
        options: { seed: 5, game: undefined },
      },
      registry,
    );
    expect(config).toMatchObject({ preset: 'slow', seed: 5, game: 'toy/line', trainingAgentSteps: 7000, modules: [] });
    expect(config).toMatchObject({ learner: { rate: 0.2, rule: 'mean', weight: 2 } });
    // The kind of environment follows from the game; the preset's protocol means something to it.
    expect(config.environment).toEqual({ type: 'line', size: 5, file: null, isCut: true });
    expect(config.sinks).toEqual({ tensorboard: { isOn: true } });
    expect(checkRunConfig(JSON.parse(JSON.stringify(config)), registry)).toEqual(config);
    // A setting that came with a later version is what the preset says.
    const { evaluation: _, ...older } = config;
    expect(checkRunConfig({ ...older, learner: { rate: 0.2, rule: 'mean' } }, registry)).toMatchObject({
      learner: { rate: 0.2, rule: 'mean', weight: 1 },
    });
    expect(newRunConfig({ options: names }, registry, { trainingAgentSteps: 9 }).trainingAgentSteps).toBe(9);
  });

  it('says how long an evaluation is in episodes or in agent steps', () => {
    const config = newRunConfig(
      {
        options: names,
        set: [
          ['evaluation.periodAgentSteps', '250000'],
          ['evaluation.agentSteps', '125000'],
        ],
      },
      registry,
    );
    expect(config.evaluation).toEqual({
      periodAgentSteps: 250_000,
      episodes: null,
      agentSteps: 125_000,
      maxEpisodeAgentSteps: null,
    });
    expect(checkRunConfig(JSON.parse(JSON.stringify(config)), registry)).toEqual(config);
  });

  it('lists exactly what --set takes: each listed setting can be set to its value, every other one is refused', () => {
    for (const preset of ['toy', 'slow']) {
      const config = newRunConfig({ options: { ...names, preset } }, registry);
      const listed = describeRunConfig(config, registry);
      for (const { path, value } of listed) {
        const text = typeof value === 'string' ? value : JSON.stringify(value);
        expect(newRunConfig({ options: { preset, game: 'toy/line' }, set: [[path, text]] }, registry)).toEqual(config);
      }
      const paths = listed.map(({ path }) => path);
      expect(paths).toContain('environment.size');
      expect(paths).toContain('sinks.tensorboard.isOn');
      expect(paths.includes('learner.weight')).toBe(preset === 'slow');
    }
    expect(() => newRunConfig({ options: names, set: [['learner.weight', '1']] }, registry)).toThrow(
      'learner.weight does not apply: it belongs to settings where learner.rule is mean',
    );
  });

  it('takes the design of a reward with its settings, and the original one where none is named', () => {
    expect(newRunConfig({ options: names }, registry).reward).toEqual({ type: 'original' });
    expect(newRunConfig({}).reward).toEqual({ type: 'original' });
    const designed = newRunConfig({ options: { ...names, 'reward.type': 'visits' } }, registry);
    expect(designed.reward).toEqual({ type: 'visits', scale: 0.5 });
    expect(
      newRunConfig({ options: { ...names, 'reward.type': 'visits' }, set: [['reward.scale', '3']] }, registry).reward,
    ).toEqual({ type: 'visits', scale: 3 });
    expect(newRunConfig({ options: names, file: { reward: { type: 'visits', scale: 2 } } }, registry).reward).toEqual({
      type: 'visits',
      scale: 2,
    });
    expect(() => changeOnResume(designed, { options: { 'reward.type': 'original' } }, registry)).toThrow(
      `reward.type can't change on resume: the run has "visits", now asked for "original"`,
    );
  });

  it('is described for editors', () => {
    const schema = runConfigJsonSchema(newRunConfig({ options: names }, registry), registry);
    expect(schema).toMatchObject({ properties: { learner: { properties: { rate: { maximum: 1 } } } } });
    // A run's own config.json is a file for --config, and an editor wants a key for the schema.
    const { properties, additionalProperties } = schema as { properties: object; additionalProperties: boolean };
    expect(additionalProperties).toBe(false);
    expect(Object.keys(properties)).toEqual(expect.arrayContaining(['$schema', 'formatVersion', 'modules']));
  });

  it('keeps the groups of agent and environment as they are where nobody can judge them', () => {
    const file = { ...names, seed: 3, trainingAgentSteps: 10, learner: { any: 1 }, environment: { type: 'x' } };
    expect(newRunConfig({ file })).toMatchObject({ learner: { any: 1 }, environment: { type: 'x' }, seed: 3 });
    expect(() => newRunConfig({ file: { seed: -1 } })).toThrow('seed is -1; expected');
  });

  it('splits --set at the first equals sign', () => {
    expect(parseSetOption('rom=/a=b.bin')).toEqual(['rom', '/a=b.bin']);
    for (const bad of ['seed', '=1', 'agent..x=1', 'agent.__proto__.x=1']) {
      expect(() => parseSetOption(bad)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
    }
  });

  it.each([
    [{ options: { preset: 'toi' } }, 'there is no preset "toi"; there are toy, slow; did you mean toy'],
    [{ options: { game: 'toy/lin' } }, 'there is no game "toy/lin"; did you mean toy/line'],
    [{ file: { sede: 3 } }, 'there is no setting "sede"; did you mean seed'],
    [{ set: [['learner.rat', '3']] as const }, 'did you mean learner.rate'],
    [{ set: [['learner.rate', 'many']] as const }, 'learner.rate is "many"; expected a number'],
    [
      { set: [['environment.siez', '3']] as const },
      'there is no setting "environment.siez"; did you mean environment.size',
    ],
    [
      { options: { game: 'plain' }, set: [['environment.size', '3']] as const },
      'environment.size does not apply to environment.type plain; it belongs to line',
    ],
    [
      { set: [['environment.type', 'plain']] as const },
      'environment.type is "plain", but the game toy/line belongs to "line"',
    ],
    [{ options: { 'reward.type': 'visit' } }, 'reward.type is "visit"; expected one of original, visits'],
    [
      { set: [['reward.scale', '3']] as const },
      'reward.scale does not apply to reward.type original; it belongs to visits',
    ],
    [{ file: { reward: { type: 'visits', scale: 0 } } }, 'reward.scale is 0; expected'],
    [{ options: { game: 'plain', 'reward.type': 'visits' } }, 'reward.scale is 0.5: nothing to visit in plain'],
    [{ file: { environment: { size: 101 } } }, 'environment.size is 101; expected'],
    [{ file: { learner: 3 } }, 'learner is 3; expected an object'],
    [{ options: { seed: -1 } }, 'seed is -1'],
    [{ options: { seed: 2 ** 31 } }, 'seed is 2147483648; expected an integer'],
    [{ options: { backend: 'gpu' } }, 'backend is "gpu"; expected one of auto, tensorflow'],
    [{ options: { trainingAgentSteps: 0 } }, 'trainingAgentSteps is 0'],
    [{ set: [['evaluation.periodAgentSteps', '0']] as const }, 'evaluation.periodAgentSteps is 0; expected'],
    [
      { set: [['evaluation.period', '5']] as const },
      'there is no setting "evaluation.period"; did you mean evaluation.periodAgentSteps',
    ],
    [
      { file: { evaluation: { episodes: 5, agentSteps: 100 } } },
      'evaluation.episodes is 5 and evaluation.agentSteps is 100',
    ],
    [{ set: [['evaluation', '5']] as const }, '"evaluation" is a group of settings'],
    [{ options: { evaluationEpisodes: '30' } }, 'evaluationEpisodes is "30"'],
  ])('refuses %j', (requested, message) => {
    const options = { ...names, ...(requested as { options?: object }).options };
    expect(() => newRunConfig({ ...requested, options }, registry)).toThrow(message);
  });
});

describe('the registry', () => {
  it('refuses what is taken or of the wrong form, naming it', () => {
    const create = () => ({}) as never;
    const { environments, agents, presets, rewards, sinks, metrics } = createToyRegistry();
    expect(() => environments.register('line', { description: '', games: ['x'], create })).toThrow(
      'the name "line" is taken',
    );
    expect(() => environments.register('other', { description: '', games: ['toy/line'], create })).toThrow(
      'the game "toy/line" of environment "other" is taken by environment "line"',
    );
    expect(() => environments.register('other', { description: '', games: ['x'] } as never)).toThrow(
      'environment "other": create is undefined; expected a function',
    );
    expect(() => environments.register('other', { description: '', create } as never)).toThrow('games is undefined');
    expect(() => agents.register('mine', { description: '', settings: { seed: {} as never }, create })).toThrow(
      `agent "mine": the name "seed" of its settings is one of the run's own`,
    );
    expect(() => presets.register('mine', { description: '', agent: 'none' })).toThrow(
      'preset "mine": there is no agent "none"; expected one of q',
    );
    expect(() => presets.register('mine', { description: '' } as never)).toThrow(
      'preset "mine": agent is missing; expected the name of the kind of agent that it sets up: q',
    );
    expect(() => sinks.register('csv', {} as never)).toThrow('sink "csv": create is undefined');
    const settings = { length: 5 } as never;
    for (const registry of [environments, agents, rewards, sinks]) {
      const kind = { description: '', games: ['x'], settings, create };
      expect(() => registry.register('mine', kind)).toThrow(
        /"mine": settings.length is 5; expected what `setting` makes/,
      );
    }
    const type = setting.text('Stands where the kind itself is named', 'a');
    expect(() => rewards.register('mine', { description: '', settings: { type }, create })).toThrow(
      'reward design "mine": settings: the name type is taken',
    );
    expect(() => metrics.register('loss', { unit: '', description: '' })).toThrow('expected noun/measure');
    expect(() => metrics.register('train/loss', { unit: 'x', description: 'y' })).toThrow('"train/loss" is taken');
  });

  it('refuses what a kind makes that is no such thing, naming the kind', async () => {
    const registry = createToyRegistry();
    const create = () => undefined as never;
    registry.environments.register('empty', { description: '', games: ['empty'], create });
    expect(() => makeEnvironment({ game: 'empty', environment: {} }, registry)).toThrow(
      'what environment "empty" makes for empty is undefined; expected an object with reset, step',
    );
    registry.agents.register('none', { description: '', create: () => ({ agent: { act() {} } }) as never });
    registry.presets.register('none', { description: '', agent: 'none' });
    registry.rewards.register('none', { description: '', create });
    registry.sinks.register('none', { description: '', create });
    const open = (options: object) => {
      const config = newRunConfig({ options: { ...names, ...options } }, registry);
      return { config, path: '/nowhere', replayFolder: '/nowhere', rewardFolder: '/nowhere' } as never;
    };
    await expect(openSession(open({ preset: 'none' }), registry, () => {})).rejects.toThrow(
      'what agent "none" makes as { agent }: observe is undefined; expected a function',
    );
    await expect(openSession(open({ 'reward.type': 'none' }), registry, () => {})).rejects.toThrow(
      'what reward design "none" makes is undefined; expected an object with reward, getState, setState',
    );
    expect(() => openSinks(open({ 'sinks.none.isOn': true, 'sinks.tensorboard.isOn': false }), registry)).toThrow(
      'what sink "none" makes is undefined; expected an object with write',
    );
  });
});
