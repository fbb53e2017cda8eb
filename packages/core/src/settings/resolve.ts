// Settings from defaults and changes: nested as a file has them, or by dotted path as a command line does. Types are set first, whatever the order of the
// changes, because what else may be set depends on them; a type that changes brings the defaults of its own settings and drops those of the one before.
import { InvalidArgumentError, NotFoundError } from '../errors.ts';
import {
  discriminatorOf,
  doesApply,
  type FieldSetting,
  fieldsOf,
  type GroupSetting,
  isField,
  joinPath,
  type Setting,
  type SettingsTree,
  type SettingValue,
  type UnionSetting,
} from './schema.ts';
import { inapplicable, refusal, show, unknownSetting, validateField, validateSettings } from './validate.ts';

type MutableTree = Record<string, SettingValue>;

/** Changes by dotted path: `{ 'agent.batchSize': '64' }`. Texts are read as the setting's kind. */
export type SettingOverrides = Readonly<Record<string, SettingValue>>;

export interface SettingChanges {
  /** Nested changes, as in a file; everything optional. Later ones win. */
  readonly nested?: readonly object[];
  /** Changes by path, after the nested ones. */
  readonly paths?: SettingOverrides;
}

/** What every setting is where nothing is said. */
export function defaultSettings(schema: GroupSetting | UnionSetting): SettingsTree {
  const tree = defaultsOf(schema) as MutableTree;
  applyConditions(schema, tree, new Set());
  return tree;
}

/**
 * Lays changes over whole settings (the defaults, a preset, those of a stored run) and returns new ones.
 * @throws NotFoundError for a path that no type has; InvalidArgumentError for a value out of range or a setting that does not apply; both name the path
 */
export function resolveSettings(
  schema: GroupSetting | UnionSetting,
  base: SettingsTree,
  { nested = [], paths = {} }: SettingChanges,
): SettingsTree {
  const tree = structuredClone(base) as MutableTree;
  const assignments: Assignment[] = [];
  for (const changes of nested) flatten(schema, changes, [], false, assignments);
  for (const [path, value] of Object.entries(paths)) flatten(schema, value, path.split('.'), true, assignments);
  // Outer types before inner ones: an inner union may only exist under one of the outer's variants.
  const byDepth = [...assignments].sort((left, right) => left.keys.length - right.keys.length);
  const done = new Set<Assignment>();
  for (const assignment of byDepth) if (assignType(schema, tree, assignment)) done.add(assignment);
  const named = new Set<string>();
  for (const assignment of assignments) {
    named.add(assignment.keys.join('.'));
    if (!done.has(assignment)) assign(schema, tree, assignment);
  }
  applyConditions(schema, tree, named);
  return validateSettings(schema, tree);
}

interface Assignment {
  readonly keys: readonly string[];
  readonly value: SettingValue;
  /** True: it was given by path; a text then becomes what the setting is. */
  readonly isByPath: boolean;
}

/** Takes nested changes apart into single values. */
function flatten(
  schema: GroupSetting | UnionSetting,
  value: unknown,
  keys: readonly string[],
  isByPath: boolean,
  into: Assignment[],
): void {
  if (value === undefined) return;
  if (isByPath && typeof value === 'string' && value.trimStart().startsWith('{')) {
    flatten(schema, parseObject(value, keys.join('.')), keys, false, into);
  } else if (typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value)) {
    // Checked, though it changes nothing.
    if (keys.length > 0 && Object.keys(value).length === 0) into.push({ keys, value: {}, isByPath });
    for (const [key, child] of Object.entries(value)) {
      if (key === '__proto__') throw unknownSetting(schema, [...keys, key].join('.'));
      // Joined, its path would look like one that exists.
      if (key.includes('.')) throw dottedKey([...keys, key].join('.'), key);
      flatten(schema, child, [...keys, key], false, into);
    }
  } else if (keys.length === 0) throw new InvalidArgumentError(`settings are ${show(value)}; expected an object`);
  else into.push({ keys, value: value as SettingValue, isByPath });
}

/** A path where settings are nested: `{"agent.batchSize": 4}`. */
function dottedKey(path: string, key: string): Error {
  const nested = key.split('.').reduceRight((inner, name) => `{ ${name}: ${inner} }`, '...');
  return new InvalidArgumentError(`${path}: the key ${show(key)} has dots; expected nested settings, ${nested}`);
}

function parseObject(text: string, path: string): object {
  try {
    return JSON.parse(text) as object;
  } catch (cause) {
    throw new InvalidArgumentError(`${path} is ${text}; expected JSON (${(cause as Error).message})`, { cause });
  }
}

/** Sets the type of a union, if that is what the assignment does; settings of another type make room for the new type's defaults. */
function assignType(schema: GroupSetting | UnionSetting, tree: MutableTree, { keys, value }: Assignment): boolean {
  let node: Setting = schema;
  let at: MutableTree = tree;
  for (const [index, key] of keys.entries()) {
    if (isField(node)) return false;
    if (node.kind === 'union' && key === node.discriminator && index === keys.length - 1) {
      validateField(discriminatorOf(node), value, keys.join('.'));
      if (at[key] === value) return true;
      const kept = Object.keys(node.common ?? {});
      for (const name of Object.keys(at)) if (!kept.includes(name)) delete at[name];
      const fresh = defaultsOf(node, value as string) as MutableTree;
      for (const [name, standard] of Object.entries(fresh)) if (!Object.hasOwn(at, name)) at[name] = standard;
      return true;
    }
    const fields: Readonly<Record<string, Setting>> = fieldsOf(node, at);
    if (!Object.hasOwn(fields, key) || index === keys.length - 1) return false;
    node = fields[key]!;
    if (isField(node)) return false;
    // A group that did not apply until now.
    if (!Object.hasOwn(at, key)) at[key] = defaultsOf(node);
    at = at[key] as MutableTree;
  }
  return false;
}

function assign(schema: GroupSetting | UnionSetting, tree: MutableTree, { keys, value, isByPath }: Assignment): void {
  const path = keys.join('.');
  let node: Setting = schema;
  let at: MutableTree = tree;
  for (const [index, key] of keys.entries()) {
    if (isField(node)) throw unknownSetting(schema, path);
    const fields: Readonly<Record<string, Setting>> = fieldsOf(node, at);
    if (!Object.hasOwn(fields, key)) throw refusal(schema, node, at, path, key);
    node = fields[key]!;
    if (index < keys.length - 1) {
      if (isField(node)) throw unknownSetting(schema, path);
      if (!Object.hasOwn(at, key)) at[key] = defaultsOf(node);
      at = at[key] as MutableTree;
    }
  }
  if (!isField(node)) {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return;
    const members = Object.keys(fieldsOf(node, at[keys.at(-1)!])).map((key) => joinPath(path, key));
    throw isByPath
      ? new NotFoundError(`"${path}" is a group of settings; expected one of ${members.join(', ')}`)
      : new InvalidArgumentError(`${path} is ${show(value)}; expected an object with ${members.join(', ')}`);
  }
  at[keys.at(-1)!] = isByPath && typeof value === 'string' ? parseText(node, value, path) : value;
}

/** How often conditions are looked at again, because one may hang on what another one brought. */
const PASSES = 3;

/** Removes what does not apply, brings what applies now and was absent, and refuses what was named and does not apply. */
function applyConditions(schema: GroupSetting | UnionSetting, tree: MutableTree, named: ReadonlySet<string>): void {
  const isNamed = (path: string): boolean => [...named].some((name) => name === path || name.startsWith(`${path}.`));
  const visit = (node: GroupSetting | UnionSetting, at: MutableTree, path: string, isLast: boolean): void => {
    for (const [key, child] of Object.entries(fieldsOf(node, at))) {
      const where = joinPath(path, key);
      if (!doesApply(child.applies, where, tree)) {
        if (!isNamed(where)) delete at[key];
        else if (isLast) throw inapplicable(child, where, tree);
        continue;
      }
      if (child.applies !== undefined && !Object.hasOwn(at, key)) at[key] = defaultsOf(child);
      const value = at[key];
      if (!isField(child) && typeof value === 'object' && value !== null)
        visit(child, value as MutableTree, where, isLast);
    }
  };
  for (let pass = 1; pass <= PASSES; pass++) visit(schema, tree, '', pass === PASSES);
}

function defaultsOf(node: Setting, variant?: string): SettingValue {
  if (isField(node)) return structuredClone(node.default) as SettingValue;
  const type = node.kind === 'union' ? { [node.discriminator]: variant ?? node.default } : {};
  return Object.fromEntries(
    Object.entries(fieldsOf(node, type)).map(([key, child]) => [
      key,
      node.kind === 'union' && key === node.discriminator ? (type[key] as string) : defaultsOf(child),
    ]),
  );
}

/** Reads text from a command line as the setting's kind. */
function parseText(field: FieldSetting, text: string, path: string): SettingValue {
  switch (field.kind) {
    case 'choice':
      return text;
    case 'text':
      return field.isNullable && text === 'null' ? null : text;
    case 'boolean':
      if (text === 'true' || text === 'false') return text === 'true';
      throw new InvalidArgumentError(`${path} is "${text}"; expected true or false`);
    case 'numbers': {
      const inner = text.trim().replace(/^\[(.*)\]$/, '$1');
      return inner.trim() === '' ? [] : inner.split(',').map((part) => parseNumber(part, path));
    }
    default:
      return field.isNullable && text === 'null' ? null : parseNumber(text, path);
  }
}

function parseNumber(text: string, path: string): number {
  const value = Number(text.replaceAll('_', ''));
  if (text.trim() === '' || Number.isNaN(value)) {
    throw new InvalidArgumentError(`${path} is "${text}"; expected a number`);
  }
  return value;
}
