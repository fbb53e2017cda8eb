// Whether settings have the form that their schema describes. Every error names the path, the value and what was expected.
import { InvalidArgumentError, NotFoundError } from '../errors.ts';
import { didYouMean, nearMatches } from '../near-names.ts';
import { describeSettings } from './describe.ts';
import {
  absoluteCondition,
  decidingPaths,
  describeApplicability,
  doesApply,
  type FieldSetting,
  fieldsOf,
  type GroupSetting,
  isField,
  joinPath,
  readSetting,
  type Setting,
  type SettingsTree,
  type UnionSetting,
} from './schema.ts';

/**
 * Checks whole settings, for instance read from a file, and returns them.
 * @throws InvalidArgumentError or NotFoundError naming the path of the first value that is missing, unknown, out of range or does not apply
 */
export function validateSettings(schema: GroupSetting | UnionSetting, value: unknown, path = ''): SettingsTree {
  validateNode(schema, value, path, { schema, tree: value as SettingsTree });
  return value as SettingsTree;
}

interface Whole {
  readonly schema: GroupSetting | UnionSetting;
  readonly tree: SettingsTree;
}

function validateNode(node: Setting, value: unknown, path: string, whole: Whole): void {
  if (isField(node)) {
    validateField(node, value, path);
    return;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InvalidArgumentError(`${path || 'settings'} is ${show(value)}; expected an object`);
  }
  if (node.kind === 'union') requireVariant(node, (value as SettingsTree)[node.discriminator], path);
  const fields = fieldsOf(node, value);
  for (const key of Object.keys(value)) {
    if (!Object.hasOwn(fields, key)) throw refusal(whole.schema, node, value as SettingsTree, joinPath(path, key), key);
  }
  for (const [key, child] of Object.entries(fields)) {
    const at = joinPath(path, key);
    const isThere = Object.hasOwn(value, key);
    if (!doesApply(child.applies, at, whole.tree)) {
      if (isThere) throw inapplicable(child, at, whole.tree);
      continue;
    }
    if (!isThere) throw new InvalidArgumentError(`${at} is missing`);
    validateNode(child, (value as SettingsTree)[key], at, whole);
  }
}

function requireVariant(union: UnionSetting, type: unknown, path: string): void {
  const names = Object.keys(union.variants);
  const at = joinPath(path, union.discriminator);
  if (type === undefined) throw new InvalidArgumentError(`${at} is missing; expected one of ${names.join(', ')}`);
  if (!names.includes(type as string)) {
    throw new InvalidArgumentError(
      `${at} is ${show(type)}; expected one of ${names.join(', ')}${didYouMean(String(type), names)}`,
    );
  }
}

/** Checks one value. @throws InvalidArgumentError naming the path, the value and what was expected */
export function validateField(field: FieldSetting, value: unknown, path: string): void {
  const refuse = (expected: string): never => {
    throw new InvalidArgumentError(`${path} is ${show(value)}; expected ${expected}`);
  };
  switch (field.kind) {
    case 'boolean':
      if (typeof value !== 'boolean') refuse('true or false');
      return;
    case 'choice':
      if (!field.choices.includes(value as string)) {
        refuse(`one of ${field.choices.join(', ')}${didYouMean(String(value), field.choices)}`);
      }
      return;
    case 'text':
      if (value === null && field.isNullable) return;
      if (typeof value !== 'string' || value === '') refuse('a text');
      return;
    case 'numbers': {
      const { isInteger = false, maximumLength = Number.POSITIVE_INFINITY } = field;
      const kind = isInteger ? 'integers' : 'numbers';
      if (!Array.isArray(value) || !value.every((entry) => isWithin(field, entry, isInteger))) {
        refuse(`a list of ${kind}${bounds(field)}`);
      }
      if ((value as number[]).length > maximumLength) refuse(`at most ${maximumLength} ${kind}`);
      return;
    }
    case 'integer':
    case 'number': {
      if (value === null && field.isNullable) return;
      const kind = field.kind === 'integer' ? 'an integer' : 'a number';
      if (!isWithin(field, value, field.kind === 'integer')) {
        refuse(`${kind}${bounds(field)}${field.isNullable ? ', or null' : ''}`);
      }
    }
  }
}

interface Bounds {
  readonly minimum?: number;
  readonly maximum?: number;
  readonly isMinimumOpen?: boolean;
  readonly isMaximumOpen?: boolean;
}

function isWithin(limits: Bounds, value: unknown, isInteger: boolean): boolean {
  if (isInteger ? !Number.isSafeInteger(value) : !Number.isFinite(value)) return false;
  const number = value as number;
  const { minimum = Number.NEGATIVE_INFINITY, maximum = Number.POSITIVE_INFINITY } = limits;
  if (number < minimum || (limits.isMinimumOpen && number === minimum)) return false;
  return !(number > maximum || (limits.isMaximumOpen && number === maximum));
}

function bounds({ minimum, maximum, isMinimumOpen, isMaximumOpen }: Bounds): string {
  const low = minimum === undefined ? '' : isMinimumOpen ? ` above ${minimum}` : ` of at least ${minimum}`;
  const high = maximum === undefined ? '' : isMaximumOpen ? ` below ${maximum}` : ` of at most ${maximum}`;
  return low !== '' && high !== '' ? `${low} and${high.replace(/^ of/, '')}` : low + high;
}

/** Why a setting is not taken although others of its name are: its group has another type. Or it exists nowhere. */
export function refusal(
  schema: GroupSetting | UnionSetting,
  node: GroupSetting | UnionSetting,
  value: SettingsTree,
  path: string,
  key: string,
): Error {
  if (node.kind === 'union') {
    const owners = Object.entries(node.variants).filter(([, { fields }]) => Object.hasOwn(fields, key));
    if (owners.length > 0) {
      const group = path.split('.').slice(0, -1).join('.');
      return new InvalidArgumentError(
        `${path} does not apply to ${joinPath(group, node.discriminator)} ${String(value[node.discriminator])}; it belongs to ${owners.map(([name]) => name).join(', ')}`,
      );
    }
  }
  return unknownSetting(schema, path);
}

/** A setting that applies only where others have certain values. */
export function inapplicable(node: Setting, path: string, tree: SettingsTree): Error {
  const applies = absoluteCondition(node.applies!, path);
  const values = [...new Set(decidingPaths(applies))].flatMap((decider) => {
    const value = readSetting(tree, decider);
    return value === undefined ? [] : [`${decider} is ${show(value)}`];
  });
  return new InvalidArgumentError(
    `${path} does not apply: it belongs to settings where ${describeApplicability(applies)}${values.length === 0 ? '' : `; here ${values.join(', ')}`}`,
  );
}

/** An error for a path that no variant has, with the nearest that exist. */
export function unknownSetting(schema: GroupSetting | UnionSetting, path: string): NotFoundError {
  const last = path.split('.').at(-1)!.toLowerCase();
  const paths = describeSettings(schema).map((entry) => entry.path);
  const near = paths.filter((candidate) => {
    const leaf = candidate.split('.').at(-1)!.toLowerCase();
    return leaf === last || (last.length > 2 && (leaf.includes(last) || last.includes(leaf)));
  });
  const group = `${path.split('.')[0]!}.`;
  const isInGroup = (candidate: string): boolean => candidate.startsWith(group);
  // The same word in the group that was named, then anywhere; then what is spelled alike; then what the group has.
  const likely = [near.filter(isInGroup), near, nearMatches(path, paths)].find((found) => found.length > 0);
  if (likely !== undefined) {
    const names = [...new Set(likely)].slice(0, 8).join(' or ');
    return new NotFoundError(`there is no setting "${path}"; did you mean ${names}?`);
  }
  const own = [...new Set(paths.filter(isInGroup))];
  const groups = Object.keys(fieldsOf(schema, undefined)).join(', ');
  return new NotFoundError(
    `there is no setting "${path}"; ${own.length > 0 ? `there are ${own.join(', ')}` : `settings are grouped under ${groups}`}`,
  );
}

export function show(value: unknown): string {
  // JSON has no NaN and no infinity.
  return typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value));
}

const KINDS: ReadonlySet<unknown> = new Set<Setting['kind']>([
  'number',
  'integer',
  'choice',
  'boolean',
  'numbers',
  'text',
  'group',
  'union',
]);

/**
 * Checks that every member of `fields` describes a setting, as what `setting` makes does. For registries, whose members bring settings.
 * @param where put before names in messages: `environment "corridor": settings`
 * @param taken names that are somebody else's there
 * @throws InvalidArgumentError naming the member and what it is
 */
export function requireDescribed(where: string, fields: unknown, taken: readonly string[] = []): void {
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) {
    throw new InvalidArgumentError(`${where} is ${show(fields)}; expected an object of settings by name`);
  }
  for (const [name, field] of Object.entries(fields)) {
    if (taken.includes(name)) throw new InvalidArgumentError(`${where}: the name ${name} is taken; expected another`);
    const kind = typeof field === 'object' && field !== null ? (field as { kind?: unknown }).kind : undefined;
    if (!KINDS.has(kind)) {
      throw new InvalidArgumentError(
        `${joinPath(where, name)} is ${show(field)}; expected what \`setting\` makes, for instance setting.integer('Cells', 5)`,
      );
    }
    if (kind === 'group') requireDescribed(joinPath(where, name), (field as { fields?: unknown }).fields);
  }
}
