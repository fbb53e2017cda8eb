// The form of settings: kind, bounds, default and meaning of every value, and which values belong together. Validation, overrides by path, help texts and the
// JSON Schema for editors all come from one such description, so that they can't drift apart.

/** JSON-like values that a setting may have. */
export type SettingValue = number | string | boolean | null | readonly number[] | SettingsTree;

/** Settings, nested in groups. */
export interface SettingsTree {
  readonly [key: string]: SettingValue;
}

/**
 * A condition on another setting, by its dotted path from the root, or `./name` for one of the same group. A setting that is absent itself fulfils none but
 * `orAbsent`.
 */
export interface SettingCondition {
  readonly path: string;
  /** It has one of these values ... */
  readonly in?: readonly (number | string | boolean | null)[];
  /** ... or none of these ... */
  readonly notIn?: readonly (number | string | boolean | null)[];
  /** ... or is above this number. */
  readonly above?: number;
  /** True: also fulfilled where that setting is absent. */
  readonly orAbsent?: boolean;
}

/** A setting that means something only where others have certain values; elsewhere it is absent, and naming it is refused. */
export type Applicability =
  | SettingCondition
  | { readonly any: readonly Applicability[] }
  | { readonly all: readonly Applicability[] };

interface Common {
  readonly doc: string;
  readonly applies?: Applicability;
}

export interface NumberSetting extends Common {
  readonly kind: 'number' | 'integer';
  readonly default: number | null;
  readonly minimum?: number;
  readonly maximum?: number;
  /** True: the minimum itself is not allowed. */
  readonly isMinimumOpen?: boolean;
  /** True: the maximum itself is not allowed. */
  readonly isMaximumOpen?: boolean;
  /** True: null is a value too. */
  readonly isNullable?: boolean;
}

export interface ChoiceSetting extends Common {
  readonly kind: 'choice';
  readonly default: string;
  readonly choices: readonly string[];
}

export interface BooleanSetting extends Common {
  readonly kind: 'boolean';
  readonly default: boolean;
}

export interface NumbersSetting extends Common {
  readonly kind: 'numbers';
  readonly default: readonly number[];
  /** Bounds of each number. */
  readonly minimum?: number;
  readonly maximum?: number;
  readonly isInteger?: boolean;
  /** Longest list. */
  readonly maximumLength?: number;
}

export interface TextSetting extends Common {
  readonly kind: 'text';
  readonly default: string | null;
  readonly isNullable?: boolean;
}

/** One value. */
export type FieldSetting = NumberSetting | ChoiceSetting | BooleanSetting | NumbersSetting | TextSetting;

/** Named settings. */
export interface GroupSetting {
  readonly kind: 'group';
  readonly fields: Readonly<Record<string, Setting>>;
  readonly applies?: Applicability;
}

/** Alternatives by type: the settings of a group depend on one of them, the discriminator. */
export interface UnionSetting {
  readonly kind: 'union';
  readonly doc: string;
  /** Name of the setting that tells the variants apart: `type`, `method`. */
  readonly discriminator: string;
  /** The variant where none is named. */
  readonly default: string;
  /** Settings that every variant has. */
  readonly common?: Readonly<Record<string, Setting>>;
  /** The settings of each variant. Read at each use, so that a registry may add to them. */
  readonly variants: Readonly<Record<string, UnionVariant>>;
  readonly applies?: Applicability;
}

export interface UnionVariant {
  readonly doc: string;
  readonly fields: Readonly<Record<string, Setting>>;
}

export type Setting = FieldSetting | GroupSetting | UnionSetting;

type Extra = Pick<Common, 'applies'>;
type NumberExtra = Extra & Partial<Pick<NumberSetting, 'minimum' | 'maximum' | 'isNullable'>>;

/** Short ways to write settings. */
export const setting = {
  integer: (doc: string, standard: number | null, extra: NumberExtra = {}): NumberSetting => ({
    kind: 'integer',
    doc,
    default: standard,
    minimum: 1,
    ...extra,
  }),
  number: (
    doc: string,
    standard: number | null,
    extra: Partial<Omit<NumberSetting, 'kind' | 'doc' | 'default'>> = {},
  ) => ({ kind: 'number', doc, default: standard, ...extra }) as NumberSetting,
  positive: (doc: string, standard: number, extra: NumberExtra = {}): NumberSetting => ({
    kind: 'number',
    doc,
    default: standard,
    minimum: 0,
    isMinimumOpen: true,
    ...extra,
  }),
  atLeastZero: (doc: string, standard: number, extra: NumberExtra = {}): NumberSetting => ({
    kind: 'number',
    doc,
    default: standard,
    minimum: 0,
    ...extra,
  }),
  share: (doc: string, standard: number, extra: Extra = {}): NumberSetting => ({
    kind: 'number',
    doc,
    default: standard,
    minimum: 0,
    maximum: 1,
    ...extra,
  }),
  boolean: (doc: string, standard: boolean, extra: Extra = {}): BooleanSetting => ({
    kind: 'boolean',
    doc,
    default: standard,
    ...extra,
  }),
  choice: (doc: string, standard: string, choices: readonly string[], extra: Extra = {}): ChoiceSetting => ({
    kind: 'choice',
    doc,
    default: standard,
    choices,
    ...extra,
  }),
  numbers: (doc: string, standard: readonly number[], extra: Partial<Omit<NumbersSetting, 'kind'>> = {}) =>
    ({ kind: 'numbers', doc, default: standard, maximumLength: 10_000, ...extra }) as NumbersSetting,
  text: (doc: string, standard: string | null, extra: Extra & { isNullable?: boolean } = {}): TextSetting => ({
    kind: 'text',
    doc,
    default: standard,
    ...extra,
  }),
  group: (fields: Readonly<Record<string, Setting>>, applies?: Applicability): GroupSetting => ({
    kind: 'group',
    fields,
    ...(applies === undefined ? {} : { applies }),
  }),
} as const;

export function isField(node: Setting): node is FieldSetting {
  return node.kind !== 'group' && node.kind !== 'union';
}

/** The discriminator of a union, as the choice it is. */
export function discriminatorOf(union: UnionSetting): ChoiceSetting {
  return { kind: 'choice', doc: union.doc, default: union.default, choices: Object.keys(union.variants) };
}

/** The settings of a group, or of the variant of a union that `value` is. An unknown variant has the common ones only. */
export function fieldsOf(node: GroupSetting | UnionSetting, value: unknown): Readonly<Record<string, Setting>> {
  if (node.kind === 'group') return node.fields;
  const type = (value as SettingsTree | undefined)?.[node.discriminator];
  const variant = Object.hasOwn(node.variants, String(type)) ? node.variants[String(type)]!.fields : {};
  return { [node.discriminator]: discriminatorOf(node), ...node.common, ...variant };
}

export function joinPath(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

/** The value at a dotted path; undefined where there is none. */
export function readSetting(tree: SettingsTree, path: string): SettingValue | undefined {
  let value: SettingValue | undefined = tree;
  for (const key of path.split('.')) {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, key)) {
      return undefined;
    }
    value = (value as SettingsTree)[key];
  }
  return value;
}

/** The condition of the setting at `path`, with full paths. */
export function absoluteCondition(applies: Applicability, path: string): Applicability {
  if ('any' in applies) return { any: applies.any.map((one) => absoluteCondition(one, path)) };
  if ('all' in applies) return { all: applies.all.map((one) => absoluteCondition(one, path)) };
  if (!applies.path.startsWith('./')) return applies;
  return { ...applies, path: joinPath(path.split('.').slice(0, -1).join('.'), applies.path.slice(2)) };
}

/** Whether the setting at `path` applies in these settings. */
export function doesApply(relative: Applicability | undefined, path: string, tree: SettingsTree): boolean {
  return relative === undefined || isFulfilled(absoluteCondition(relative, path), tree);
}

function isFulfilled(applies: Applicability, tree: SettingsTree): boolean {
  if ('any' in applies) return applies.any.some((one) => isFulfilled(one, tree));
  if ('all' in applies) return applies.all.every((one) => isFulfilled(one, tree));
  const value = readSetting(tree, applies.path);
  if (value === undefined) return applies.orAbsent === true;
  if (applies.in !== undefined && !applies.in.includes(value as never)) return false;
  if (applies.notIn?.includes(value as never)) return false;
  return applies.above === undefined || (typeof value === 'number' && value > applies.above);
}

/** The condition in words: `agent.atoms is 1`, `network.moe.router.type is not none`. */
export function describeApplicability(applies: Applicability): string {
  if ('any' in applies) return applies.any.map(describeApplicability).join(', or ');
  if ('all' in applies) return applies.all.map(describeApplicability).join(' and ');
  const { path, in: inside, notIn, above, orAbsent } = applies;
  const list = (values: readonly unknown[]) => values.map(String).join(' or ');
  const absent = orAbsent ? ' or absent' : '';
  if (inside !== undefined) return `${path} is ${list(inside)}${absent}`;
  if (notIn !== undefined) return `${path} is not ${list(notIn)}${absent}`;
  return `${path} is above ${above}${absent}`;
}

/** The settings that a condition reads. */
export function decidingPaths(applies: Applicability): readonly string[] {
  if ('any' in applies) return applies.any.flatMap(decidingPaths);
  return 'all' in applies ? applies.all.flatMap(decidingPaths) : [applies.path];
}
