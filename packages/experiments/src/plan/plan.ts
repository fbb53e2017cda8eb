// A plan: what an experiment compares, as a small YAML or JSON file says it. Every key is checked, and a wrong one is named with its place.
import { readFileSync } from 'node:fs';
import {
  didYouMean,
  InvalidArgumentError,
  isMoeRlError,
  requireFinite,
  requireInteger,
  requireOneOf,
} from '@moe-rl/core';
import { storageError } from '@moe-rl/core/node';
import { BACKENDS, type BackendOption } from '@moe-rl/runs';
import { parse } from 'yaml';
import { getProtocol } from '../suites/protocols.ts';
import type { Settings } from '../suites/settings.ts';
import { getSuite } from '../suites/suites.ts';
import type { VariantSpec } from '../suites/variants.ts';

/** A plan with every key present; null: the suite's choice. */
export interface Plan {
  /** Title of the report; null: made of suite and variants. */
  readonly name: string | null;
  readonly suite: string;
  /** Some of the suite's games, or games of any kind; null: all of the suite's. */
  readonly games: readonly string[] | null;
  readonly protocol: string | null;
  /** Multiplies all lengths of the protocol. */
  readonly scale: number;
  /** Iterations instead of the protocol's; null: the protocol's. */
  readonly iterations: number | null;
  /** Preset that the built-in variants change; null: the suite's. */
  readonly preset: string | null;
  /** Folder with a dataset a game, for protocols that learn from datasets; null: none. */
  readonly datasets: string | null;
  readonly variants: readonly VariantSpec[];
  /** The variant that the others are compared with; null: `baseline` where there is one, else the first. */
  readonly baseline: string | null;
  readonly seeds: readonly number[];
  readonly backend: BackendOption;
  /** Processor threads of one run: part of the plan, because the order of sums may depend on it. */
  readonly threads: number;
  /** Settings of every run. */
  readonly set: Settings;
}

/** What a user writes: everything but the suite and the variants is optional. */
export interface PlanInput {
  readonly name?: string | undefined;
  readonly suite?: string | undefined;
  readonly games?: readonly string[] | undefined;
  readonly protocol?: string | undefined;
  readonly scale?: number | undefined;
  readonly iterations?: number | undefined;
  readonly preset?: string | undefined;
  readonly datasets?: string | undefined;
  readonly variants?: readonly (string | PlanVariantInput)[] | undefined;
  readonly baseline?: string | undefined;
  /** How many (1, 2, ...), or which. */
  readonly seeds?: number | readonly number[] | undefined;
  readonly backend?: string | undefined;
  readonly threads?: number | undefined;
  readonly set?: Settings | undefined;
}

export interface PlanVariantInput {
  readonly name: string;
  readonly from?: string;
  readonly preset?: string;
  readonly set?: Settings;
}

export const PLAN_KEYS = [
  'name',
  'suite',
  'games',
  'protocol',
  'scale',
  'iterations',
  'preset',
  'datasets',
  'variants',
  'baseline',
  'seeds',
  'backend',
  'threads',
  'set',
] as const;
export const VARIANT_KEYS = ['name', 'from', 'preset', 'set'] as const;

/** Names go into file names and tables. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._+-]*$/;

/**
 * Reads a plan file, YAML or JSON (which is YAML too).
 * @param completedBy what the caller lays over the file: the file may leave that out
 * @throws StorageError or NotFoundError when it can't be read; InvalidArgumentError when it is no YAML or a key is wrong, naming the file and the place
 */
export function readPlanFile(path: string, completedBy: PlanInput = {}): PlanInput {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw storageError('read', path, cause);
  }
  let content: unknown;
  try {
    content = parse(text);
  } catch (cause) {
    throw new InvalidArgumentError(`${path} is not valid YAML: ${firstLine((cause as Error).message)}`, { cause });
  }
  if (!isObject(content)) throw new InvalidArgumentError(`${path}: expected an object with the keys of a plan`);
  const { $schema: _, ...input } = content;
  try {
    checkPlan(
      input as PlanInput,
      PLAN_KEYS.filter((key) => completedBy[key] === undefined),
    );
  } catch (error) {
    if (isMoeRlError(error)) error.message = `${path}: ${error.message}`;
    throw error;
  }
  return input as PlanInput;
}

/**
 * Fills in what a plan leaves out. What is there is checked in the order in which it stands, then what is missing.
 * @throws InvalidArgumentError naming the key that is missing, unknown or out of range; NotFoundError for an unknown suite or protocol
 */
export function makePlan(input: PlanInput): Plan {
  const checked = checkPlan(input, PLAN_KEYS);
  return Object.fromEntries(PLAN_KEYS.map((key) => [key, checked.get(key)])) as unknown as Plan;
}

/** The values of the keys that are there and of those that are needed. */
function checkPlan(input: PlanInput, needed: readonly (keyof Plan)[]): ReadonlyMap<string, unknown> {
  const given = Object.keys(input).filter((key) => input[key as keyof PlanInput] !== undefined);
  const checked = new Map<string, unknown>();
  for (const key of new Set([...given, ...needed])) {
    checkKeys({ [key]: undefined }, PLAN_KEYS, '');
    checked.set(key, CHECKS[key as keyof Plan](input));
  }
  return checked;
}

/** Each key's value, checked. */
const CHECKS: { readonly [Key in keyof Plan]: (input: PlanInput) => Plan[Key] } = {
  name: ({ name }) => (name === undefined ? null : requireText('name', name)),
  suite: ({ suite }) => getSuite(requireText('suite', suite)).name,
  games: ({ games }) => (games === undefined ? null : requireTexts('games', games)),
  protocol: ({ protocol }) => (protocol === undefined ? null : getProtocol(requireText('protocol', protocol)).name),
  scale: ({ scale = 1 }) => requireFinite('scale', scale, 1e-6, 1000),
  iterations: ({ iterations }) =>
    iterations === undefined ? null : requireInteger('iterations', iterations, 1, 100_000),
  preset: ({ preset }) => (preset === undefined ? null : requireText('preset', preset)),
  datasets: ({ datasets }) => (datasets === undefined ? null : requireText('datasets', datasets)),
  variants: ({ variants }) => planVariants(variants),
  baseline: ({ baseline }) => (baseline === undefined ? null : requireText('baseline', baseline)),
  seeds: ({ seeds = 5 }) => planSeeds(seeds),
  backend: ({ backend = 'auto' }) => requireOneOf('backend', backend, BACKENDS),
  threads: ({ threads = 1 }) => requireInteger('threads', threads, 1, 1024),
  set: ({ set = {} }) => requireSettings('set', set),
};

function planVariants(value: unknown): VariantSpec[] {
  if (value === undefined)
    throw new InvalidArgumentError('variants is missing; expected a list, for instance [baseline, soft]');
  if (!Array.isArray(value) || value.length === 0) {
    throw new InvalidArgumentError(
      `variants is ${JSON.stringify(value)}; expected a list, for instance [baseline, soft]`,
    );
  }
  const variants = value.map((item: unknown, index): VariantSpec => {
    const place = `variants[${index}]`;
    if (typeof item === 'string') return { name: requireName(place, item) };
    if (!isObject(item)) {
      throw new InvalidArgumentError(
        `${place} is ${JSON.stringify(item)}; expected a name or {name, from or preset, set}`,
      );
    }
    checkKeys(item, VARIANT_KEYS, `${place}.`);
    if (item.from !== undefined && item.preset !== undefined) {
      throw new InvalidArgumentError(`${place} has both from and preset; expected one of them`);
    }
    return {
      name: requireName(`${place}.name`, item.name),
      ...(item.from === undefined ? {} : { from: requireText(`${place}.from`, item.from) }),
      ...(item.preset === undefined ? {} : { preset: requireText(`${place}.preset`, item.preset) }),
      ...(item.set === undefined ? {} : { set: requireSettings(`${place}.set`, item.set) }),
    };
  });
  return variants;
}

function planSeeds(value: unknown): readonly number[] {
  if (typeof value === 'number') {
    return Array.from({ length: requireInteger('seeds', value, 1, 10_000) }, (_, index) => index + 1);
  }
  if (!Array.isArray(value) || value.length === 0) {
    throw new InvalidArgumentError(`seeds is ${JSON.stringify(value)}; expected a count or a list of seeds`);
  }
  value.forEach((seed, index) => {
    requireInteger(`seeds[${index}]`, seed, 0, 2 ** 31 - 1);
    if (value.indexOf(seed) !== index) throw new InvalidArgumentError(`seeds has ${seed} twice; expected each once`);
  });
  return value as number[];
}

/** Settings of a run that the plan decides: by the key that says them. */
const PLANNED = { game: 'games', seed: 'seeds', preset: 'preset', backend: 'backend', threads: 'threads' } as const;

function requireSettings(name: string, value: unknown): Settings {
  if (!isObject(value)) {
    throw new InvalidArgumentError(
      `${name} is ${JSON.stringify(value)}; expected settings by path, for instance {agent.batchSize: 64}`,
    );
  }
  for (const [path, setting] of Object.entries(value)) {
    const key = Object.hasOwn(PLANNED, path) ? PLANNED[path as keyof typeof PLANNED] : undefined;
    if (key !== undefined) {
      throw new InvalidArgumentError(
        `${name}.${path} is ${JSON.stringify(setting)}, but the plan says that itself; expected it in ${key}`,
      );
    }
    if (setting !== null && typeof setting === 'object') {
      throw new InvalidArgumentError(
        `${name}.${path} is ${JSON.stringify(setting)}; expected one value per dotted path, for instance {${path}.${Object.keys(setting)[0] ?? 'x'}: ...}`,
      );
    }
  }
  return value as Settings;
}

function checkKeys(value: Readonly<Record<string, unknown>>, known: readonly string[], place: string): void {
  for (const key of Object.keys(value)) {
    if (!known.includes(key)) {
      throw new InvalidArgumentError(
        `there is no key "${place}${key}"${didYouMean(key, known) || `; expected ${known.join(', ')}`}`,
      );
    }
  }
}

function requireName(name: string, value: unknown): string {
  const text = requireText(name, value);
  if (!NAME.test(text)) {
    throw new InvalidArgumentError(`${name} is ${JSON.stringify(text)}; expected letters, digits, ".", "_", "+", "-"`);
  }
  return text;
}

function requireText(name: string, value: unknown): string {
  if (typeof value !== 'string' || value === '') {
    throw new InvalidArgumentError(`${name} is ${JSON.stringify(value ?? null)}; expected a name`);
  }
  return value;
}

function requireTexts(name: string, value: unknown): readonly string[] {
  if (!Array.isArray(value) || value.length === 0) {
    throw new InvalidArgumentError(`${name} is ${JSON.stringify(value)}; expected a list of names`);
  }
  return value.map((item, index) => requireText(`${name}[${index}]`, item));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function firstLine(text: string): string {
  return text.split('\n')[0]!.replace(/:$/, '');
}
