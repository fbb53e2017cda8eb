// Plans: what is taken, what is refused and with which words, and what a plan resolves to.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getPreset } from '@moe-rl/agents';
import { ATARI_100K_GAMES, canonicalGameName, PAPER_GAMES } from '@moe-rl/evaluation';
import { afterAll, describe, expect, it } from 'vitest';
import { PROTOCOL_NAMES } from '../suites/protocols.ts';
import { getSuite, listSuites, SUITE_NAMES } from '../suites/suites.ts';
import { VARIANT_NAMES } from '../suites/variants.ts';
import { TINY_PLAN, temporaryFolder } from '../testing/toy-experiment.ts';
import { datasetFolder } from './datasets.ts';
import { jobConfig, listJobs, resolvePlan } from './experiment.ts';
import { createExperimentFolder, foreignJobs, openExperimentFolder } from './experiment-folder.ts';
import { makePlan, PLAN_KEYS, type PlanInput, readPlanFile, VARIANT_KEYS } from './plan.ts';

const root = temporaryFolder('plan');
afterAll(() => rmSync(root, { recursive: true, force: true }));

const DEMO: PlanInput = { suite: 'demo', variants: ['baseline', 'soft'], seeds: 2, backend: 'cpu' };

const ENCODER = { 'network.encoder.type': 'minatar' };
const MIXED: PlanInput = { ...DEMO, suite: 'classic', games: ['bsuite/catch', 'minatar/breakout'], set: ENCODER };

function planFile(text: string): string {
  const file = join(root, 'plan.yaml');
  writeFileSync(file, text);
  return file;
}

describe('a plan file', () => {
  it('is YAML or JSON', () => {
    const yaml =
      'suite: demo\nvariants:\n  - baseline\n  - {name: mine, from: soft, set: {agent.batchSize: 64}}\nseeds: [3, 5]\n';
    const plan = makePlan(readPlanFile(planFile(yaml)));
    expect(plan.seeds).toEqual([3, 5]);
    expect(plan.variants[1]).toEqual({ name: 'mine', from: 'soft', set: { 'agent.batchSize': 64 } });
    expect(makePlan(readPlanFile(planFile(JSON.stringify({ $schema: 'x', ...DEMO })))).suite).toBe('demo');
  });

  it.each([
    ['suite: [', /plan\.yaml is not valid YAML: /],
    ['- demo', /plan\.yaml: expected an object/],
    ['suite: demo\nvariant: [soft]', /plan\.yaml: there is no key "variant"; did you mean variants\?/],
    ['suite: demo\nvariants: [{name: a, sets: {}}]', /there is no key "variants\[0\]\.sets"; did you mean/],
    ['suite: demo', /variants is missing; expected a list/],
    ['suite: demoo', /^[^:]*plan\.yaml: there is no suite "demoo"; did you mean demo\?$/],
    ['variants: []\nsuite: demoo', /variants is \[\]/],
    ['seeds: 0\nsuite: demoo\nvariant: [soft]', /seeds is 0/],
    ['protocol: nothing\nseeds: 0', /there is no protocol "nothing"/],
    ['suite: demo\nvariants: []', /variants is \[\]; expected a list/],
    ['variants: [soft]', /suite is null; expected a name/],
    ['suite: demo\nvariants: [soft]\nseeds: 0', /seeds is 0; expected an integer from 1/],
    ['suite: demo\nvariants: [soft]\nseeds: [1, 1]', /seeds has 1 twice/],
    ['suite: demo\nvariants: [soft]\nscale: -1', /scale is -1; expected a finite number from/],
    [
      'suite: demo\nvariants: [soft]\nset: {agent: {batchSize: 3}}',
      /set\.agent is {"batchSize":3}; expected one value per dotted path/,
    ],
    ['suite: demo\nvariants: [{name: "a/b", set: {}}]', /variants\[0\]\.name is "a\/b"; expected letters, digits/],
    ['suite: demo\nvariants: [{name: a, from: soft, preset: dqn}]', /variants\[0\] has both from and preset/],
    ['suite: demo\nvariants: [soft]\nbackend: gpu', /backend is "gpu"; expected one of auto/],
  ])('refuses %j', (text, message) => {
    expect(() => readPlanFile(planFile(text))).toThrow(message);
  });

  it('may leave out what is laid over it, and nothing else', () => {
    const file = planFile('suite: demo\nseeds: [3]');
    expect(readPlanFile(file, { variants: ['soft'] })).toEqual({ suite: 'demo', seeds: [3] });
    expect(() => readPlanFile(file, { games: ['windfall'] })).toThrow(/plan\.yaml: variants is missing/);
    expect(() => readPlanFile(planFile('seeds: 0'), DEMO)).toThrow(/plan\.yaml: seeds is 0/);
  });

  it('has a JSON schema with exactly the keys and names that are taken', () => {
    const schema = JSON.parse(readFileSync(new URL('../../plan.schema.json', import.meta.url), 'utf8'));
    expect(Object.keys(schema.properties).filter((key) => key !== '$schema')).toEqual([...PLAN_KEYS]);
    expect(schema.properties.suite.enum).toEqual(SUITE_NAMES);
    expect(schema.properties.protocol.enum).toEqual(PROTOCOL_NAMES);
    const [names, object] = schema.properties.variants.items.anyOf;
    expect(names.enum).toEqual(VARIANT_NAMES);
    expect(Object.keys(object.properties)).toEqual([...VARIANT_KEYS]);
  });
});

describe('what a plan resolves to', () => {
  it.each<[string, PlanInput, RegExp]>([
    ['unknown suite', { ...DEMO, suite: 'atari21' }, /there is no suite "atari21"; did you mean atari2/],
    ['unknown protocol', { ...DEMO, protocol: 'dopamin' }, /there is no protocol "dopamin"; did you mean dopamine\?/],
    ['no datasets', { ...DEMO, protocol: 'offline' }, /datasets is missing: the protocol offline learns from datasets/],
    [
      'datasets without use',
      { ...DEMO, datasets: '/tmp' },
      /datasets is \/tmp, but the protocol demo trains in the games; expected the protocol offline/,
    ],
    [
      'no such folder',
      { ...DEMO, protocol: 'offline', datasets: '/nowhere' },
      /cannot read \/nowhere: there is no such/,
    ],
    [
      'unknown variant',
      { ...DEMO, variants: ['softt'] },
      /there is no variant "softt" \(one of your own .*\); did you mean soft/,
    ],
    ['unknown variant to start from', { ...DEMO, variants: [{ name: 'a', from: 'sof' }] }, /there is no variant "sof"/],
    [
      'unknown game',
      { ...DEMO, games: ['bsuite/cach'] },
      /there is no game "bsuite\/cach"; did you mean bsuite\/catch/,
    ],
    [
      'unknown Atari game',
      { ...DEMO, games: ['breakuot'] },
      /there is no Atari game "breakuot"; did you mean breakout/,
    ],
    ['unknown preset', { ...DEMO, preset: 'dqm' }, /variant baseline: there is no preset "dqm"/],
    [
      'unknown setting',
      { ...DEMO, set: { 'agent.batchsize': 3 } },
      /variant baseline: .*did you mean agent\.batchSize/,
    ],
    ['the seed as a setting', { ...DEMO, set: { seed: 3 } }, /set\.seed is 3, .* expected it in seeds/],
    [
      'the game as a variant’s setting',
      { ...DEMO, variants: [{ name: 'mine', set: { game: 'pong' } }] },
      /variants\[0\]\.set\.game is "pong", .* expected it in games/,
    ],
    ['setting out of range', { ...DEMO, set: { 'agent.batchSize': 0 } }, /variant baseline: agent\.batchSize is 0/],
    ['two of one name', { ...DEMO, variants: ['soft', 'soft'] }, /two variants are called "soft"/],
    ['a group and its member', { ...DEMO, variants: ['explain', 'gap'] }, /two variants are called "gap"/],
    [
      'baseline that is none',
      { ...DEMO, baseline: 'top1' },
      /baseline is "top1"; expected one of the variants baseline, soft/,
    ],
    [
      'agents of another kind',
      { ...DEMO, variants: [{ name: 'q', preset: 'tabular-q-learning' }] },
      /^variant q: preset is tabular-q-learning, whose agents are of the kind tabular; experiments .* of the kind value only/,
    ],
    [
      'a setting of the environment with games of several kinds',
      { ...MIXED, set: { 'environment.maxEpisodeAgentSteps': 100 } },
      /^set\.environment\.maxEpisodeAgentSteps is 100, but the games are of several kinds \(small, minatar\)/,
    ],
    [
      'a variant’s setting of the environment with games of several kinds',
      { ...MIXED, variants: [{ name: 'short', set: { 'environment.maxEpisodeAgentSteps': 100 } }] },
      /^variant short: set\.environment\.maxEpisodeAgentSteps is 100, but the games are of several kinds/,
    ],
    ['game twice', { ...DEMO, games: ['windfall', 'Windfall'] }, /games has windfall twice/],
  ])('refuses: %s', (_, input, message) => {
    expect(() => resolvePlan(makePlan(input))).toThrow(message);
  });

  it('takes settings of a mixture that only the variants have', () => {
    const set = { 'network.moe.router.isNormalized': true, 'network.moe.expertHiddenUnits': 48 };
    // The first has none in its own preset, the other one has.
    const short = { ...set, 'agent.minReplayHistoryAgentSteps': 100 };
    for (const preset of ['dqn', 'dqn-soft-moe'])
      expect(resolvePlan(makePlan({ ...DEMO, preset, variants: ['soft-4'], set: short })).variants).toHaveLength(1);
    const { variants } = resolvePlan(makePlan({ ...DEMO, variants: ['soft-4', 'soft-1'], set }));
    for (const { config } of variants)
      expect(config.network.moe).toMatchObject({ expertHiddenUnits: 48, router: { type: 'soft', isNormalized: true } });
    expect(() => resolvePlan(makePlan({ ...DEMO, set }))).toThrow(/variant baseline: .*network\.moe/);
    expect(() => resolvePlan(makePlan({ ...DEMO, variants: ['top1'], set }))).toThrow(
      /variant top1: .*network\.moe\.router.*isNormalized/,
    );
  });

  it('keeps built-in variants what their names say, whatever the plan sets for all', () => {
    const set = { 'network.moe.experts': 2, 'network.moe.expertHiddenUnits': 48 };
    const { variants } = resolvePlan(makePlan({ ...DEMO, variants: ['soft', 'one-scaled'], set }));
    expect(variants.map(({ config }) => config.network.moe)).toMatchObject([
      { experts: 2, expertHiddenUnits: 48 },
      { experts: 1, expertHiddenUnits: 96 },
    ]);
    const own = { name: 'mine', from: 'soft-4', set: { 'network.moe.experts': 3 } };
    expect(resolvePlan(makePlan({ ...DEMO, variants: [own], set })).variants[0]!.config.network.moe.experts).toBe(3);
    expect(() => resolvePlan(makePlan({ ...DEMO, variants: ['soft', 'soft-4'], set }))).toThrow(
      /^variant soft-4: set\.network\.moe\.experts is 2, but soft-4 is the variant with 4; expected it in a variant of your own/,
    );
    const router = { 'network.moe.router.type': 'soft' };
    expect(() => resolvePlan(makePlan({ ...DEMO, set: router }))).toThrow(
      /^variant baseline: set\.network\.moe\.router/,
    );
  });

  it('names all ROMs that are missing at once, and how to get them', () => {
    const before = { cache: process.env.MOE_RL_CACHE, roms: process.env.MOE_RL_ROMS, path: process.env.PATH };
    Object.assign(process.env, { MOE_RL_CACHE: join(root, 'none'), MOE_RL_ROMS: '', PATH: '' });
    try {
      expect(() => resolvePlan(makePlan({ ...DEMO, suite: 'atari5' }))).toThrow(
        /ROMs of 5 of atari5's 5 games are not on this machine: battle_zone \(MD5 [0-9a-f]{32}\), .*qbert .*roms --fetch/,
      );
    } finally {
      process.env.PATH = before.path;
      if (before.cache === undefined) delete process.env.MOE_RL_CACHE;
      else process.env.MOE_RL_CACHE = before.cache;
      if (before.roms === undefined) delete process.env.MOE_RL_ROMS;
      else process.env.MOE_RL_ROMS = before.roms;
    }
  });

  it('is every job once, seed by seed', () => {
    const experiment = resolvePlan(makePlan(DEMO));
    expect(listJobs(experiment).map(({ id }) => id)).toEqual([
      'windfall--baseline--s1',
      'windfall--soft--s1',
      'windfall--baseline--s2',
      'windfall--soft--s2',
    ]);
    expect(jobConfig(experiment, listJobs(experiment)[3]!)).toMatchObject({
      game: 'windfall',
      seed: 2,
      preset: 'quickstart',
    });
  });

  it('takes each job to the dataset of its game, and of its seed where there are several', () => {
    const datasets = mkdtempSync(join(tmpdir(), 'moe-rl-datasets-'));
    for (const folder of ['Pong/1', 'Pong/2', 'windfall']) mkdirSync(join(datasets, folder), { recursive: true });
    symlinkSync(join(root, 'gone'), join(datasets, 'A-dangling-link'));
    const plan = { ...DEMO, protocol: 'offline', datasets, variants: ['soft'] };
    const experiment = resolvePlan(makePlan(plan));
    const jobs = listJobs(experiment);
    expect(jobs.map((job) => jobConfig(experiment, job).dataset.folder)).toEqual(
      jobs.map(() => join(datasets, 'windfall')),
    );
    expect(jobConfig(experiment, jobs[0]!)).toMatchObject({ preset: 'cql', trainingAgentSteps: 12_500_000 });
    expect([1, 2, 3].map((seed) => datasetFolder(datasets, 'pong', seed))).toEqual([
      join(datasets, 'Pong/1'),
      join(datasets, 'Pong/2'),
      join(datasets, 'Pong'),
    ]);
    // Other data are another experiment.
    const path = join(root, 'offline');
    const elsewhere = mkdtempSync(join(tmpdir(), 'moe-rl-datasets-'));
    mkdirSync(join(elsewhere, 'windfall'));
    createExperimentFolder(path, experiment);
    const other = resolvePlan(makePlan({ ...plan, datasets: elsewhere }));
    expect(() => createExperimentFolder(path, other)).toThrow(/another plan: datasets is \S+ there and \S+ now/);
    expect(() => createExperimentFolder(path, other, { extend: true })).toThrow(
      /can only be extended by games, variants or seeds, keeping those it has: datasets is \S+ there/,
    );
    rmSync(join(datasets, 'windfall'), { recursive: true });
    expect(() => resolvePlan(makePlan(plan))).toThrow(/has no dataset of windfall; expected a folder for each game/);
    rmSync(datasets, { recursive: true });
    rmSync(elsewhere, { recursive: true });
  });

  it('leaves the environment settings of a protocol to the Atari games that they are about', () => {
    const environments = ['windfall', 'bsuite/catch'].map((game) => {
      const plan = { ...DEMO, preset: 'dqn', games: [game], protocol: 'dopamine', variants: ['baseline'] };
      return resolvePlan(makePlan({ ...plan, set: game === 'windfall' ? {} : ENCODER })).variants[0]!.config
        .environment;
    });
    expect(environments[0]).toMatchObject({ type: 'atari', repeatActionProbability: 0.25, terminalOnLifeLoss: false });
    expect(environments[1]).not.toHaveProperty('repeatActionProbability');
  });

  it('takes games of several kinds, each with settings of its own, in any order', () => {
    const games = ['bsuite/catch', 'minatar/breakout', 'windfall'];
    for (const order of [games, games.toReversed()]) {
      const plan = { ...MIXED, preset: 'dqn', protocol: 'atari-100k', variants: ['baseline'], seeds: 1, games: order };
      const experiment = resolvePlan(makePlan(plan));
      const jobs = listJobs(experiment).toSorted((left, right) => left.game.localeCompare(right.game));
      expect(jobs.map((job) => jobConfig(experiment, job).environment)).toMatchObject([
        { type: 'small' },
        { type: 'minatar' },
        { type: 'atari', repeatActionProbability: 0 },
      ]);
    }
  });

  it('cuts all lengths of the protocol alike', () => {
    const [full, tenth] = [1, 0.1].map((scale) => {
      const experiment = resolvePlan(makePlan({ ...DEMO, scale }));
      return jobConfig(experiment, listJobs(experiment)[0]!);
    });
    expect(full).toMatchObject({ trainingAgentSteps: 12_000, evaluation: { periodAgentSteps: 1000, episodes: 10 } });
    expect(full!.agent.minReplayHistoryAgentSteps).toBe(getPreset('quickstart').agent.minReplayHistoryAgentSteps);
    expect(tenth).toMatchObject({ trainingAgentSteps: 1200, evaluation: { periodAgentSteps: 100, episodes: 5 } });
    expect(tenth!.agent.minReplayHistoryAgentSteps).toBe(full!.agent.minReplayHistoryAgentSteps / 10);
    expect(tenth!.agent.epsilonDecayPeriodAgentSteps).toBe(full!.agent.epsilonDecayPeriodAgentSteps! / 10);
    expect(tenth!.agent.targetUpdatePeriodAgentSteps).toBe(full!.agent.targetUpdatePeriodAgentSteps);
  });

  it('makes the dense network of equal parameters as large as that of Soft MoE', async () => {
    const { createNetwork } = await import('@moe-rl/agents');
    const experiment = resolvePlan(makePlan({ ...DEMO, variants: ['dense-matched', 'soft'] }));
    const [dense, soft] = experiment.variants.map(
      ({ config }) =>
        createNetwork(config.network, {
          observationSpec: { frameShape: [84, 84], stackSize: 4, dtype: 'uint8' },
          actionCount: 3,
        }).parameterCount,
    );
    expect(Math.abs(dense! / soft! - 1)).toBeLessThan(0.02);
  });
});

describe('built-in variants', () => {
  /** The network of a variant of an Atari suite, without asking for ROMs: the suite's preset on the embedded game. */
  const networkOf = (variant: string, preset: string) => {
    const plan = makePlan({ suite: 'atari20', games: ['windfall'], preset, variants: [variant], backend: 'cpu' });
    return resolvePlan(plan).variants[0]!.config;
  };

  it.each([
    ['baseline', 'dqn-impala', 'dqn-impala'],
    ['soft', 'dqn-impala', 'dqn-soft-moe'],
    ['soft-8', 'dqn-impala', 'dqn-soft-moe'],
    ['top1', 'dqn-impala', 'dqn-top1-moe'],
    ['one-scaled', 'dqn-impala', 'dqn-soft-moe-one-scaled'],
    ['token-mean', 'dqn-impala', 'dqn-token-mean'],
    ['soft', 'rainbow-impala', 'rainbow-soft-moe'],
    ['soft-8', 'rainbow-impala', 'rainbow-soft-moe-paper'],
    ['top1', 'rainbow-impala', 'rainbow-top1-moe'],
    ['soft', 'der', 'der-soft-moe'],
  ])('%s of %s is the preset %s', (variant, base, preset) => {
    const config = networkOf(variant, base);
    expect(config.network).toEqual(getPreset(preset).network);
    expect(config.agent.perSampleNoise).toBe(getPreset(preset).agent.perSampleNoise);
  });

  it('have Soft MoE with tokens and slots normalized', () => {
    const { moe, ...others } = getPreset('dqn-soft-moe').network;
    const router = { ...moe.router, isNormalized: true, initialScale: 8 };
    expect(networkOf('soft-normalized', 'dqn-impala').network).toEqual({ ...others, moe: { ...moe, router } });
  });

  it('have all of the question what explains the gain', () => {
    const plan = makePlan({ suite: 'demo', variants: ['explain'], backend: 'cpu' });
    const { variants } = resolvePlan(plan);
    expect(variants).toHaveLength(12);
    const texts = variants.map(({ config }) => JSON.stringify(config));
    expect(new Set(texts).size).toBe(12);
    expect(variants.find(({ name }) => name === 'sparse-90')!.config.sparsity).toMatchObject({
      method: 'static',
      sparsity: 0.9,
    });
  });
});

describe('suites', () => {
  it('are the lists that people report on', () => {
    const sizes = Object.fromEntries(listSuites().map(({ name, games }) => [name, games.length]));
    expect(sizes).toEqual({
      atari20: 20,
      atari5: 5,
      atari10: 10,
      atari26: 26,
      atari57: 57,
      atari60: 60,
      minatar: 5,
      classic: 3,
      demo: 1,
    });
    const plain = (games: readonly string[]) => games.map(canonicalGameName).sort();
    expect(plain(getSuite('atari20').games)).toEqual(plain(PAPER_GAMES));
    expect(plain(getSuite('atari26').games)).toEqual(plain(ATARI_100K_GAMES));
    for (const name of ['atari5', 'atari10']) {
      for (const game of getSuite(name).games) expect(getSuite('atari57').games).toContain(game);
    }
  });

  it('of small games have networks that fit', () => {
    for (const suite of ['minatar', 'classic']) {
      const { variants } = resolvePlan(makePlan({ suite, variants: ['baseline', 'soft', 'top1'], backend: 'cpu' }));
      expect(variants).toHaveLength(3);
    }
  });
});

describe('the folder of an experiment', () => {
  const make = (more: Partial<PlanInput> = {}) => resolvePlan(makePlan({ ...TINY_PLAN, ...more }));

  it('opens again with the same plan, and refuses another', () => {
    const path = join(root, 'folder');
    createExperimentFolder(path, make());
    expect(createExperimentFolder(path, make()).jobs).toHaveLength(4);
    const refusals: [Partial<PlanInput>, RegExp][] = [
      [{ scale: 0.5 }, /holds the experiment of another plan: scale is 0\.05 there and 0\.5 now/],
      [{ seeds: 3 }, /seeds are \[1,2\] there and \[1,2,3\] now/],
      [{ variants: ['baseline'] }, /variants are baseline, soft there and baseline now/],
      [
        { set: { ...TINY_PLAN.set, 'agent.batchSize': 9 } },
        /variant baseline has other settings \(agent\.batchSize: 8 -> 9\)/,
      ],
    ];
    for (const [more, message] of refusals) expect(() => createExperimentFolder(path, make(more))).toThrow(message);
  });

  it('can be extended by seeds and variants, not changed', () => {
    const path = join(root, 'extended');
    createExperimentFolder(path, make());
    const more = make({ seeds: 3, variants: ['baseline', 'soft', 'token-mean'] });
    expect(createExperimentFolder(path, more, { extend: true }).jobs).toHaveLength(9);
    expect(openExperimentFolder(path).jobs).toHaveLength(9);
    expect(() => createExperimentFolder(path, make({ scale: 0.1, seeds: 3 }), { extend: true })).toThrow(
      /can only be extended by games, variants or seeds/,
    );
  });

  it('refuses what was changed under it, other folders and other versions', () => {
    const path = join(root, 'changed');
    const { experimentFile } = createExperimentFolder(path, make());
    const content = JSON.parse(readFileSync(experimentFile, 'utf8'));
    writeFileSync(experimentFile, JSON.stringify({ ...content, seeds: [1] }));
    expect(() => openExperimentFolder(path)).toThrow(/was changed after the experiment began/);
    writeFileSync(experimentFile, JSON.stringify({ ...content, formatVersion: 9 }));
    expect(() => openExperimentFolder(path)).toThrow(/has format version 9; this program reads version 1/);
    expect(() => openExperimentFolder(join(root, 'nowhere'))).toThrow(/holds no experiment/);
    expect(() => createExperimentFolder(root, make())).toThrow(/is not empty and holds no experiment/);
  });

  it('tells which job folders are none of its own', async () => {
    const folder = createExperimentFolder(join(root, 'foreign'), make());
    const { mkdirSync } = await import('node:fs');
    mkdirSync(join(folder.jobsFolder, 'pong--other--s1'));
    expect(foreignJobs(folder)).toEqual(['pong--other--s1']);
  });
});
