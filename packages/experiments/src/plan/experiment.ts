// From a plan to an experiment: every name looked up, every configuration whole, every job listed. Nothing is written here, so that a bad plan leaves no trace.
import { createHash } from 'node:crypto';
import { createNetwork, mixtureOf, requireLearnable } from '@moe-rl/agents';
import { EMBEDDED_GAME_NAME, findGame } from '@moe-rl/ale-env';
import { findRoms } from '@moe-rl/ale-env/node';
import { InvalidArgumentError, NotFoundError } from '@moe-rl/core';
import { environmentOf } from '@moe-rl/runs';
import { explainBackends } from '@moe-rl/tfjs-native';
import {
  agentConfigOf,
  makeEnvironment,
  newRunConfig,
  type ValueAgentRunConfig as RunConfig,
  registry,
} from '@moe-rl/training';
import { getProtocol, type Protocol, protocolSettings } from '../suites/protocols.ts';
import type { Settings } from '../suites/settings.ts';
import { getSuite, type Suite } from '../suites/suites.ts';
import { expandVariants, type VariantSpec, variantSettings } from '../suites/variants.ts';
import { datasetFolder, requireDatasets } from './datasets.ts';
import type { Plan } from './plan.ts';

/** A run's configuration without what differs between the jobs of a variant. */
export type VariantConfig = Omit<RunConfig, 'game' | 'seed'>;

export interface Variant {
  readonly name: string;
  readonly config: VariantConfig;
}

/** One run of the experiment. */
export interface Job {
  /** Name of its folder: `<game>--<variant>--s<seed>`. */
  readonly id: string;
  readonly game: string;
  readonly variant: string;
  readonly seed: number;
}

export interface Experiment {
  readonly title: string;
  readonly plan: Plan;
  readonly protocol: Protocol;
  readonly games: readonly string[];
  readonly seeds: readonly number[];
  readonly variants: readonly Variant[];
  /** Name of the variant that the others are compared with. */
  readonly baseline: string;
}

/**
 * Looks everything up that a plan names.
 * @throws NotFoundError for an unknown suite, protocol, preset, variant or game, or for ROMs that are not here; InvalidArgumentError for two variants of one name,
 *   or one whose runs are too short to learn
 */
export function resolvePlan(plan: Plan): Experiment {
  const suite = getSuite(plan.suite);
  const base = getProtocol(plan.protocol ?? suite.protocol);
  const protocol: Protocol = plan.iterations === null ? base : { ...base, iterations: plan.iterations };
  const games = resolveGames(plan, suite);
  const datasets = resolveDatasets(plan, protocol, games);
  const backend = plan.backend === 'auto' ? chosenBackend() : plan.backend;
  const specs = expandVariants(plan.variants);
  const twice = specs.find(({ name }, index) => specs.findIndex((other) => other.name === name) !== index);
  if (twice !== undefined)
    throw new InvalidArgumentError(`two variants are called "${twice.name}"; expected each name once`);
  requireCommonEnvironment(plan, specs, games);
  const resolved = { ...plan, datasets, backend };
  // What a protocol says of the environment is about Atari games, wherever they stand in the list.
  const game = games.find((name) => kindOf(name) === 'atari') ?? games[0]!;
  const variants = specs.map((spec) => ({
    name: spec.name,
    config: variantConfig(spec, resolved, suite, protocol, game),
  }));
  const baseline = plan.baseline ?? (specs.some(({ name }) => name === 'baseline') ? 'baseline' : specs[0]!.name);
  if (!specs.some(({ name }) => name === baseline)) {
    throw new InvalidArgumentError(
      `baseline is "${baseline}"; expected one of the variants ${specs.map(({ name }) => name).join(', ')}`,
    );
  }
  const title = plan.name ?? `${plan.suite}: ${specs.map(({ name }) => name).join(', ')}`;
  return { title, plan: resolved, protocol, games, seeds: plan.seeds, variants, baseline };
}

/** All jobs, seed by seed, so that a first answer over all games and variants comes early. */
export function listJobs({ games, seeds, variants }: Pick<Experiment, 'games' | 'seeds' | 'variants'>): readonly Job[] {
  return seeds.flatMap((seed) =>
    games.flatMap((game) =>
      variants.map(({ name }) => ({
        id: `${game.replace(/[^\w.-]/g, '_')}--${name}--s${seed}`,
        game,
        variant: name,
        seed,
      })),
    ),
  );
}

/** The whole configuration of a job's run. */
export function jobConfig(experiment: Pick<Experiment, 'plan' | 'variants'>, job: Job): RunConfig {
  const variant = experiment.variants.find(({ name }) => name === job.variant);
  if (variant === undefined) throw new NotFoundError(`there is no variant "${job.variant}" in this experiment`);
  const { environment, ...shared } = variant.config;
  // Experiments of earlier versions have no such key.
  const datasets = experiment.plan.datasets ?? undefined;
  const folder = datasets && datasetFolder(datasets, job.game, job.seed);
  const dataset = folder === undefined ? shared.dataset : { ...shared.dataset, folder };
  const own = { ...shared, dataset, game: job.game, seed: job.seed };
  // Games of one suite may be of several kinds, each with settings of its own.
  return newRunConfig({ file: kindOf(job.game) === environment.type ? { ...own, environment } : own });
}

/** What two folders must share to hold the same experiment. */
export function fingerprintOf(experiment: Experiment): string {
  const { protocol, games, seeds, variants, baseline } = experiment;
  // What was read from a file may be anything.
  const datasets = (experiment.plan as Plan | undefined)?.datasets ?? undefined;
  const shared = { protocol, games, seeds, variants, baseline, ...(datasets && { datasets }) };
  return createHash('sha256').update(JSON.stringify(shared)).digest('hex');
}

function resolveGames(plan: Plan, suite: Suite): readonly string[] {
  const names = plan.games ?? suite.games;
  const games = names.map((name) => {
    // Throws with near names for a game that is none.
    if (name.includes('/') && !name.startsWith('ALE/')) {
      makeEnvironment(newRunConfig({ options: { game: name } })).close?.();
      return name;
    }
    return findGame(name).id;
  });
  const twice = games.find((game, index) => games.indexOf(game) !== index);
  if (twice !== undefined) throw new InvalidArgumentError(`games has ${twice} twice; expected each once`);
  requireRoms(plan, games);
  return games;
}

/** Kind of environment that a game belongs to. */
function kindOf(game: string): string {
  return environmentOf(registry, game).type;
}

/**
 * Settings of the environment belong to games of one kind.
 * @throws InvalidArgumentError naming such a setting where the games are of several
 */
function requireCommonEnvironment(plan: Plan, variants: readonly VariantSpec[], games: readonly string[]): void {
  const kinds = [...new Set(games.map(kindOf))];
  if (kinds.length === 1) return;
  const groups = [
    { where: '', set: plan.set },
    ...variants.map(({ name, set }) => ({ where: `variant ${name}: `, set })),
  ];
  for (const { where, set = {} } of groups) {
    const path = Object.keys(set).find((key) => key.startsWith('environment.'));
    if (path === undefined) continue;
    throw new InvalidArgumentError(
      `${where}set.${path} is ${JSON.stringify(set[path])}, but the games are of several kinds (${kinds.join(', ')}), each with settings of its own; expected games of one kind with it`,
    );
  }
}

/** Datasets where the protocol learns from some, and only there. */
function resolveDatasets(plan: Plan, protocol: Protocol, games: readonly string[]): string | null {
  if (plan.datasets !== null && !protocol.isOffline) {
    throw new InvalidArgumentError(
      `datasets is ${plan.datasets}, but the protocol ${protocol.name} trains in the games; expected the protocol offline with it`,
    );
  }
  if (plan.datasets === null && protocol.isOffline) {
    throw new InvalidArgumentError(
      `datasets is missing: the protocol ${protocol.name} learns from datasets; expected a folder with a dataset for each game`,
    );
  }
  return plan.datasets === null ? null : requireDatasets(plan.datasets, games);
}

/** One message for all ROMs that are missing, instead of one failed job each. */
function requireRoms(plan: Plan, games: readonly string[]): void {
  const cartridges = games.filter((game) => !game.includes('/') && game !== EMBEDDED_GAME_NAME);
  if (cartridges.length === 0) return;
  const { found, missing } = findRoms();
  const absent = cartridges.filter((game) => !found.has(game));
  if (absent.length === 0) return;
  const list = absent.map((game) => `${game} (MD5 ${missing.find((rom) => rom.game === game)?.md5 ?? 'unknown'})`);
  throw new NotFoundError(
    `the ROMs of ${absent.length} of ${plan.suite}'s ${games.length} games are not on this machine: ${list.join(', ')}; \`moe-rl roms --fetch\` gets the ROMs that the ale-py wheel ships, the variable MOE_RL_ROMS names a folder of your own, and the suites demo, minatar and classic need none`,
  );
}

/** The backend that `auto` means here: a run is only the same anywhere when its backend is. */
function chosenBackend(): RunConfig['backend'] {
  return explainBackends().find(({ state }) => state === 'used')?.name ?? 'cpu';
}

function variantConfig(spec: VariantSpec, plan: Plan, suite: Suite, protocol: Protocol, game: string): VariantConfig {
  const make = (variant: VariantSpec): { readonly config: RunConfig; readonly matchesParametersOfSoft: boolean } => {
    const preset = variant.preset ?? plan.preset ?? protocol.preset ?? suite.preset;
    requireValueAgents(preset);
    // The suite's own network settings fit its preset; another preset brings its own.
    const suiteSettings = preset === suite.preset ? suite.settings : {};
    const options = { game, preset, backend: plan.backend, threads: plan.threads, seed: 0 };
    // Settings of a mixture may fit the variant only. They come after its own below, so that nothing of them is needed here.
    const ofMixture = (path: string): boolean => path === 'network.moe' || path.startsWith('network.moe.');
    const common = Object.fromEntries(Object.entries(plan.set).filter(([path]) => !ofMixture(path)));
    const unscaled = newRunConfig({ options, set: asSet({ ...suiteSettings, ...common }) });
    const { network } = unscaled;
    const planned = (path: string): number | undefined =>
      plan.set[path] === undefined ? undefined : Number(plan.set[path]);
    const experts = planned('network.moe.experts');
    const base = {
      preset,
      isNoisy: network.noisy,
      expertHiddenUnits:
        planned('network.moe.expertHiddenUnits') ?? mixtureOf(network.moe)?.expertHiddenUnits ?? network.hiddenUnits,
      ...(experts === undefined ? {} : { experts }),
    };
    const { settings, matchesParametersOfSoft } = variantSettings(variant, base, plan.set);
    const lengths = protocolSettings(protocol, plan.scale, {
      ...unscaled.agent,
      replayCapacity: unscaled.replay.capacity,
    });
    // What a protocol says of the environment (sticky actions, lost lives) is about Atari games.
    const isAtari = unscaled.environment.type === 'atari';
    const ofProtocol = Object.fromEntries(
      Object.entries(lengths).filter(([path]) => isAtari || !path.startsWith('environment.')),
    );
    const set = asSet({ ...suiteSettings, ...ofProtocol, ...settings });
    return { config: newRunConfig({ options, set }), matchesParametersOfSoft };
  };
  try {
    let { config, matchesParametersOfSoft } = make(spec);
    if (matchesParametersOfSoft) {
      const hiddenUnits = matchingHiddenUnits(config, make({ name: 'soft' }).config);
      config = make({
        ...spec,
        from: spec.from ?? spec.name,
        set: { 'network.hiddenUnits': hiddenUnits, ...spec.set },
      }).config;
    }
    const source = plan.datasets === null && config.dataset.folder === null ? 'environment' : 'dataset';
    requireLearnable(agentConfigOf(config), config.trainingAgentSteps, source);
    const { game: _, seed: __, ...rest } = config;
    return rest;
  } catch (error) {
    if (error instanceof Error) error.message = `variant ${spec.name}: ${error.message}`;
    throw error;
  }
}

/** @throws InvalidArgumentError for agents without the settings that variants and protocols change */
function requireValueAgents(preset: string): void {
  const kind = registry.presets.get(preset).agent;
  const settings = registry.agents.get(kind).settings ?? {};
  if (['agent', 'network', 'replay'].every((group) => Object.hasOwn(settings, group))) return;
  throw new InvalidArgumentError(
    `preset is ${preset}, whose agents are of the kind ${kind}; experiments compare agents of the kind value only`,
  );
}

function asSet(settings: Settings): readonly (readonly [string, string])[] {
  return Object.entries(settings).map(([path, value]) => [path, String(value)]);
}

/** Width of the dense layer with which a network comes nearest to another's number of parameters, which grows evenly with the width. */
function matchingHiddenUnits(dense: RunConfig, other: RunConfig): number {
  const environment = makeEnvironment(dense);
  try {
    const { observationSpec, actionCount } = environment;
    const count = (config: RunConfig, hiddenUnits: number): number =>
      createNetwork(
        { ...config.network, hiddenUnits },
        { observationSpec, actionCount, atoms: agentConfigOf(config).agent.atoms },
      ).parameterCount;
    const wanted = count(other, other.network.hiddenUnits);
    const [one, two] = [count(dense, 1), count(dense, 2)];
    return Math.max(1, Math.round(1 + (wanted - one) / (two - one)));
  } finally {
    environment.close?.();
  }
}
