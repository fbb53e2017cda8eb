// Everything that a run can name, in one open place.
import {
  createRegistry,
  didYouMean,
  InvalidArgumentError,
  NotFoundError,
  type Registry,
  requireDescribed,
  requireFunctions,
  type Setting,
} from '@moe-rl/core';
import { ORIGINAL_REWARD, RUN_FIELDS } from '../config/run-settings.ts';
import { type MetricDefinition, registerMetric } from '../metrics/metric-registry.ts';
import type { AgentKind, EnvironmentKind, Preset, RewardKind, SinkKind } from './kinds.ts';

export interface RunRegistry {
  readonly environments: Registry<EnvironmentKind>;
  readonly agents: Registry<AgentKind>;
  readonly presets: Registry<Preset>;
  /** Designs of `reward.type`: other rewards to learn from. */
  readonly rewards: Registry<RewardKind>;
  readonly sinks: Registry<SinkKind>;
  readonly metrics: { register(tag: string, definition: MetricDefinition): void };
}

/** An empty registry. */
export function createRunRegistry(): RunRegistry {
  const environments = checked(createRegistry<EnvironmentKind>('environment'), (name, kind) => {
    requireKind(`environment "${name}"`, kind, ['type']);
    const games = gamesOf(kind);
    if (
      !Array.isArray(games) ||
      games.length === 0 ||
      !games.every((game) => typeof game === 'string' && game !== '')
    ) {
      throw new InvalidArgumentError(`environment "${name}": games is ${JSON.stringify(games)}; expected names`);
    }
    for (const other of environments.names()) {
      const taken = other === name ? undefined : gamesOf(environments.get(other)).find((game) => games.includes(game));
      if (taken !== undefined) {
        throw new InvalidArgumentError(
          `the game "${taken}" of environment "${name}" is taken by environment "${other}"`,
        );
      }
    }
  });
  const agents = checked(createRegistry<AgentKind>('agent'), (name, kind) => {
    const taken = Object.keys(kind?.settings ?? {}).find(
      (group) => Object.hasOwn(RUN_FIELDS, group) || RESERVED.has(group),
    );
    if (taken !== undefined) {
      throw new InvalidArgumentError(`agent "${name}": the name "${taken}" of its settings is one of the run's own`);
    }
    requireKind(`agent "${name}"`, kind);
  });
  const presets = checked(createRegistry<Preset>('preset'), (name, preset) => {
    const known = agents.names();
    if (preset?.agent === undefined) {
      throw new InvalidArgumentError(
        `preset "${name}": agent is missing; expected the name of the kind of agent that it sets up: ${known.join(', ')}`,
      );
    }
    if (!agents.has(preset.agent)) {
      throw new InvalidArgumentError(
        `preset "${name}": there is no agent ${JSON.stringify(preset.agent)}; expected one of ${known.join(', ')}${didYouMean(String(preset.agent), known)}`,
      );
    }
  });
  const rewards = checked(createRegistry<RewardKind>('reward design'), (name, kind) => {
    requireKind(`reward design "${name}"`, kind, ['type']);
    if (name === ORIGINAL_REWARD) {
      throw new InvalidArgumentError(`reward design "${name}": that name is the environment's own reward`);
    }
  });
  const sinks = checked(createRegistry<SinkKind>('sink'), (name, kind) =>
    requireKind(`sink "${name}"`, kind, ['isOn']),
  );
  return { environments, agents, presets, rewards, sinks, metrics: { register: registerMetric } };
}

const RESERVED: ReadonlySet<string> = new Set(['environment', 'reward', 'sinks', 'modules', 'formatVersion']);

/** Names of a kind's games. */
export function gamesOf({ games }: EnvironmentKind): readonly string[] {
  return typeof games === 'function' ? games() : games;
}

/**
 * The kind of environment that a game belongs to.
 * @throws NotFoundError for a game that no kind has, with near names
 */
export function environmentOf(
  registry: RunRegistry,
  game: string,
): { readonly type: string; readonly kind: EnvironmentKind } {
  const kinds = registry.environments.names().map((type) => ({ type, kind: registry.environments.get(type) }));
  const found = kinds.find(({ kind }) => kind.plays?.(game) ?? gamesOf(kind).includes(game));
  if (found !== undefined) return found;
  const choices = kinds.flatMap(({ kind }) => gamesOf(kind));
  throw new NotFoundError(
    `there is no game "${game}"${didYouMean(game, choices) || '; see `moe-rl roms`, and --module for games of your own'}`,
  );
}

function checked<T>(registry: Registry<T>, check: (name: string, value: T) => void): Registry<T> {
  return {
    ...registry,
    register(name, value) {
      check(name, value);
      registry.register(name, value);
    },
  };
}

/** @param taken names under which its settings would stand beside one of the run's own */
function requireKind(
  what: string,
  kind: { readonly settings?: Readonly<Record<string, Setting>> } | undefined,
  taken: readonly string[] = [],
): void {
  requireFunctions(what, kind, ['create']);
  requireDescribed(`${what}: settings`, kind?.settings ?? {}, taken);
}
