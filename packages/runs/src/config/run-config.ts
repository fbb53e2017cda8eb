// A run's configuration: what `config.json` holds, whole, so that a run can be repeated even when a preset changes. Made of the preset, a file, `--set`
// and the named options, in this order. A setting that does not exist, or does not apply, is refused by its path.
import {
  defaultSettings,
  describeSettings,
  type GroupSetting,
  InvalidArgumentError,
  type JsonSchema,
  resolveSettings,
  type Setting,
  type SettingEntry,
  type SettingsTree,
  type SettingValue,
  setting,
  settingsJsonSchema,
  type UnionSetting,
} from '@moe-rl/core';
import type { SinkKind } from '../registry/kinds.ts';
import { environmentOf, type RunRegistry } from '../registry/run-registry.ts';
import { checkEvaluationSettings, impliedLength } from './evaluation-settings.ts';
import {
  CHANGEABLE_ON_RESUME,
  CONFIG_FORMAT_VERSION,
  DEFAULT_RUN_SETTINGS,
  type ModuleReference,
  ORIGINAL_REWARD,
  RUN_FIELDS,
  RUN_SETTINGS,
  type RunConfig,
  type RunSettings,
} from './run-settings.ts';

/** Changes to a configuration, from a file and from the command line. */
export interface RequestedSettings {
  /** As in config.json, everything optional. */
  readonly file?: Readonly<Record<string, unknown>>;
  /** Dotted paths, as given to `--set`: `agent.batchSize`, `seed`, `environment.stackSize`. Later ones win. */
  readonly set?: readonly (readonly [path: string, text: string])[];
  /** Values by path that win over both; undefined ones are left out. */
  readonly options?: Readonly<Record<string, SettingValue | undefined>>;
}

/**
 * The configuration of a new run. Without a registry only the run's own settings are known.
 * @throws NotFoundError for an unknown game, preset or setting, InvalidArgumentError for a bad value or one that does not apply; all name it
 */
export function newRunConfig(
  requested: RequestedSettings,
  registry?: RunRegistry,
  defaults: Partial<RunSettings> = {},
): RunConfig {
  const names = namesOf(requested, { ...DEFAULT_RUN_SETTINGS, ...defaults });
  const { schema, base } = startingPoint(names, registry, defaults);
  return withChanges(schema, base, requested, names, registry);
}

/**
 * Checks a configuration read from a run folder. A setting that came with a later version is what the preset says: what it was, unnamed, before.
 * @throws as `newRunConfig`; InvalidArgumentError for a name or the seed that is missing
 */
export function checkRunConfig(value: Readonly<Record<string, unknown>>, registry?: RunRegistry): RunConfig {
  for (const key of ['game', 'preset', 'seed', 'trainingAgentSteps']) {
    if (!(key in value)) throw new InvalidArgumentError(`${key} is missing`);
  }
  return newRunConfig({ file: value }, registry);
}

/**
 * Lays changes over the configuration of a run that goes on.
 * @throws InvalidArgumentError, with the path and both values, when a change would make the second half of the run another experiment than the first
 */
export function changeOnResume(stored: RunConfig, requested: RequestedSettings, registry?: RunRegistry): RunConfig {
  const names = namesOf(requested, stored);
  for (const key of ['game', 'preset'] as const)
    if (names[key] !== stored[key]) throw cantChange(key, stored[key], names[key]);
  const { schema } = startingPoint(names, registry);
  const { modules, ...base } = stored;
  const changed = withChanges(schema, base as unknown as SettingsTree, requested, names, registry);
  const kind = registry === undefined ? undefined : environmentOf(registry, stored.game).kind;
  const design = stored.reward?.type;
  const reward =
    registry === undefined || design === undefined || design === ORIGINAL_REWARD
      ? undefined
      : registry.rewards.get(String(design));
  const isChangeable = (path: string): boolean =>
    CHANGEABLE_ON_RESUME.has(path) ||
    path.startsWith('sinks.') ||
    (kind?.changeableOnResume ?? []).some((name) => path === `environment.${name}`) ||
    (reward?.changeableOnResume ?? []).some((name) => path === `reward.${name}`);
  for (const { path, left, right } of settingDifferences(stored, changed)) {
    // A dataset may lie elsewhere now; learning from the environment or from a dataset are two experiments.
    const isOtherSource = path === 'dataset.folder' && (left === null || right === null);
    if (!isChangeable(path) || isOtherSource) throw cantChange(path, left, right);
  }
  return { ...changed, modules };
}

/** Every setting of a configuration by path: exactly what `--set` takes there. */
export function describeRunConfig(config: RunConfig, registry: RunRegistry): readonly SettingEntry[] {
  const { schema } = startingPoint(config, registry);
  return describeSettings(schema, config as unknown as SettingsTree);
}

/** JSON Schema of the files that `--config` takes for this game and preset. */
export function runConfigJsonSchema(config: RunConfig, registry: RunRegistry, head: JsonSchema = {}): JsonSchema {
  const { properties, ...schema } = settingsJsonSchema(startingPoint(config, registry).schema, head);
  return { ...schema, properties: { ...(properties as JsonSchema), ...FILE_FIELDS } };
}

const TEXT = { type: 'string' } as const;

/** What a file may hold beside settings: an editor's own key, and what a run's config.json says of itself. */
const FILE_FIELDS: JsonSchema = {
  $schema: TEXT,
  formatVersion: { const: CONFIG_FORMAT_VERSION },
  modules: {
    type: 'array',
    description: 'Files of your own that register what is used here, relative to this file',
    items: { type: 'object', properties: { path: TEXT, sha256: TEXT }, required: ['path', 'sha256'] },
  },
};

/** Where two configurations differ, by path; modules aside. A setting that one of them does not have is undefined there. */
export function settingDifferences(
  left: object,
  right: object,
): readonly { readonly path: string; readonly left: unknown; readonly right: unknown }[] {
  const [from, to] = [leaves(left), leaves(right)];
  const paths = new Set([...from.keys(), ...to.keys()]);
  return [...paths]
    .filter((path) => JSON.stringify(from.get(path)) !== JSON.stringify(to.get(path)))
    .map((path) => ({ path, left: from.get(path), right: to.get(path) }));
}

/**
 * Reads a `--set path=value` option.
 * @throws InvalidArgumentError without a `=` or with an empty part in the path.
 */
export function parseSetOption(option: string): readonly [path: string, text: string] {
  const equals = option.indexOf('=');
  const path = option.slice(0, Math.max(0, equals));
  if (equals < 1 || path.split('.').some((part) => part === '' || part === '__proto__')) {
    throw new InvalidArgumentError(
      `--set ${option}: expected path=value, for instance agent.minReplayHistoryAgentSteps=1000`,
    );
  }
  return [path, option.slice(equals + 1)];
}

interface Names {
  readonly game: string;
  readonly preset: string;
}

/** The two names decide which settings there are, so they are looked up first. */
function namesOf({ file = {}, set = [], options = {} }: RequestedSettings, fallback: Names): Names {
  const name = (key: keyof Names): string => {
    const value = options[key] ?? set.findLast(([path]) => path === key)?.[1] ?? file[key] ?? fallback[key];
    if (typeof value !== 'string' || value === '') {
      throw new InvalidArgumentError(`${key} is ${JSON.stringify(value)}; expected a name`);
    }
    return value;
  };
  return { game: name('game'), preset: name('preset') };
}

/** The form of all settings of a game and a preset, and their values where nothing else is said. */
function startingPoint(
  { game, preset }: Names,
  registry: RunRegistry | undefined,
  defaults: Partial<RunSettings> = {},
): { readonly schema: GroupSetting; readonly base: SettingsTree } {
  const run = { ...DEFAULT_RUN_SETTINGS, ...defaults, game, preset };
  if (registry === undefined) return { schema: RUN_SETTINGS, base: run as unknown as SettingsTree };
  const { agent, settings = {}, trainingAgentSteps, protocol = {} } = registry.presets.get(preset);
  const agentFields = registry.agents.get(agent).settings ?? {};
  const { type, kind } = environmentOf(registry, game);
  const { environments } = registry;
  const variants = environments.names().map((name) => {
    const { description, settings: fields = {} } = environments.get(name);
    return [name, { doc: description, fields }];
  });
  const schema = setting.group({
    ...RUN_FIELDS,
    sinks: setting.group(sinkFields(registry)),
    environment: {
      kind: 'union',
      doc: 'Kind of environment: follows from the game',
      discriminator: 'type',
      default: type,
      variants: Object.fromEntries(variants),
    },
    reward: {
      kind: 'union',
      doc: 'Reward to learn from; what is reported stays the original',
      discriminator: 'type',
      default: ORIGINAL_REWARD,
      variants: rewardVariants(registry),
    },
    ...agentFields,
  });
  const base = {
    ...defaultSettings(schema),
    ...run,
    ...(trainingAgentSteps === undefined || defaults.trainingAgentSteps !== undefined ? {} : { trainingAgentSteps }),
  };
  const adopted = kind.adopt?.(protocol) ?? {};
  return {
    schema,
    base: resolveSettings(schema, base as unknown as SettingsTree, { nested: [{ environment: adopted }, settings] }),
  };
}

function rewardVariants({ rewards }: RunRegistry): UnionSetting['variants'] {
  const variants = rewards.names().map((name) => {
    const { description, settings: fields = {} } = rewards.get(name);
    return [name, { doc: description, fields }] as const;
  });
  return { [ORIGINAL_REWARD]: { doc: "The environment's own", fields: {} }, ...Object.fromEntries(variants) };
}

function sinkFields({ sinks }: RunRegistry): Readonly<Record<string, Setting>> {
  const fieldsOf = (name: string, { description, isOn = false, settings = {} }: SinkKind): Setting => {
    const applies = { path: `sinks.${name}.isOn`, in: [true] };
    const own = Object.entries(settings).map(([key, field]) => [key, { applies, ...field }]);
    return setting.group({ isOn: setting.boolean(description, isOn), ...Object.fromEntries(own) });
  };
  return Object.fromEntries(sinks.names().map((name) => [name, fieldsOf(name, sinks.get(name))]));
}

function withChanges(
  schema: GroupSetting,
  base: SettingsTree,
  { file = {}, set = [], options = {} }: RequestedSettings,
  names: Names,
  registry: RunRegistry | undefined,
): RunConfig {
  const { modules = [], ...own } = file;
  // Without a registry nobody can judge the groups of agent and environment: they stay as they are.
  const isKnown = (key: string): boolean => registry !== undefined || Object.hasOwn(RUN_FIELDS, key);
  const others =
    registry === undefined
      ? {
          environment: {},
          reward: { type: ORIGINAL_REWARD },
          sinks: {},
          ...filterKeys(base, isUnknown),
          ...filterKeys(own, isUnknown),
        }
      : {};
  function isUnknown(key: string): boolean {
    return !isKnown(key);
  }
  const known = filterKeys(own, isKnown);
  // The design that an option names decides which of its settings `set` may have.
  const design = options['reward.type'];
  const paths = { ...Object.fromEntries(set), ...(design === undefined ? {} : { 'reward.type': design as string }) };
  const evaluation = { ...(known.evaluation as object | undefined), ...evaluationPaths(paths) };
  const nested = [known, { evaluation: impliedLength(evaluation) }];
  const first = resolveSettings(schema, filterKeys(base, isKnown) as SettingsTree, { nested, paths });
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const byPath = given.map(([path, value]) =>
    path.split('.').reduceRight<unknown>((inner, key) => ({ [key]: inner }), value),
  );
  const last = resolveSettings(schema, first, { nested: byPath as object[] });
  const config = {
    ...last,
    ...others,
    ...names,
    modules: modules as readonly ModuleReference[],
  } as unknown as RunConfig;
  checkEvaluationSettings(config.evaluation);
  if (registry !== undefined) checkKinds(config, registry);
  return config;
}

function evaluationPaths(paths: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const entries = Object.entries(paths).filter(([path]) => path.startsWith('evaluation.'));
  return Object.fromEntries(entries.map(([path, text]) => [path.slice('evaluation.'.length), text]));
}

function checkKinds(config: RunConfig, registry: RunRegistry): void {
  const { type, kind } = environmentOf(registry, config.game);
  if (config.environment.type !== type) {
    throw new InvalidArgumentError(
      `environment.type is "${String(config.environment.type)}", but the game ${config.game} belongs to "${type}"`,
    );
  }
  kind.check?.(config.environment, config.game);
  registry.agents.get(registry.presets.get(config.preset).agent).check?.(config);
  const { type: design, ...settings } = config.reward;
  if (design !== ORIGINAL_REWARD) registry.rewards.get(String(design)).check?.(settings, config);
}

function cantChange(path: string, before: unknown, after: unknown): InvalidArgumentError {
  const show = (value: unknown): string => (value === undefined ? 'none' : JSON.stringify(value));
  return new InvalidArgumentError(
    `${path} can't change on resume: the run has ${show(before)}, now asked for ${show(after)}; start a new run for that`,
  );
}

function filterKeys(tree: object, keep: (key: string) => boolean): Record<string, unknown> {
  return Object.fromEntries(Object.entries(tree).filter(([key]) => keep(key)));
}

/** Single values by path; lists are values. */
function leaves(tree: object): ReadonlyMap<string, unknown> {
  const found = new Map<string, unknown>();
  const visit = (node: object, prefix: string): void => {
    for (const [key, value] of Object.entries(node)) {
      if (prefix === '' && key === 'modules') continue;
      const path = `${prefix}${key}`;
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) visit(value, `${path}.`);
      else found.set(path, value);
    }
  };
  visit(tree, '');
  return found;
}
