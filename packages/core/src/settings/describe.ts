// Settings as lists of paths, for help texts: all there are, or exactly those that some settings take.
import {
  type Applicability,
  absoluteCondition,
  describeApplicability,
  discriminatorOf,
  doesApply,
  type FieldSetting,
  fieldsOf,
  type GroupSetting,
  isField,
  joinPath,
  readSetting,
  type Setting,
  type SettingsTree,
  type SettingValue,
  type UnionSetting,
} from './schema.ts';

/** One setting by its path. */
export interface SettingEntry {
  readonly path: string;
  readonly doc: string;
  readonly kind: FieldSetting['kind'];
  readonly choices?: readonly string[];
  readonly default: SettingValue;
  /** Its value in the settings given, if any were. */
  readonly value?: SettingValue;
  /** Where it applies, in words; absent: everywhere. */
  readonly where?: string;
}

/**
 * The settings in order: without `tree` all of every variant (a name that several variants have is listed for each of them), with it those that it has,
 * which are exactly those that may be set there.
 */
export function describeSettings(schema: GroupSetting | UnionSetting, tree?: SettingsTree): readonly SettingEntry[] {
  const entries: SettingEntry[] = [];
  const add = (field: FieldSetting, path: string, where: readonly string[]): void => {
    const value = tree === undefined ? undefined : readSetting(tree, path);
    entries.push({
      path,
      doc: field.doc,
      kind: field.kind,
      default: field.default,
      ...(field.kind === 'choice' ? { choices: field.choices } : {}),
      ...(value === undefined ? {} : { value }),
      ...(where.length === 0 ? {} : { where: where.join(', ') }),
    });
  };
  const words = (applies: Applicability | undefined, path: string): string[] =>
    applies === undefined ? [] : [describeApplicability(absoluteCondition(applies, path))];
  const visitAll = (fields: Readonly<Record<string, Setting>>, path: string, where: readonly string[]): void => {
    for (const [key, child] of Object.entries(fields)) visit(child, joinPath(path, key), where);
  };
  const visit = (node: Setting, path: string, outer: readonly string[]): void => {
    if (tree !== undefined && !doesApply(node.applies, path, tree)) return;
    const where = [...outer, ...words(node.applies, path)];
    if (isField(node)) add(node, path, where);
    else if (tree !== undefined || node.kind === 'group')
      visitAll(fieldsOf(node, path === '' ? tree : readSetting(tree ?? {}, path)), path, where);
    else {
      const type = joinPath(path, node.discriminator);
      add(discriminatorOf(node), type, where);
      visitAll(node.common ?? {}, path, where);
      for (const [name, { fields }] of Object.entries(node.variants))
        visitAll(fields, path, [...where, `${type} is ${name}`]);
    }
  };
  visit(schema, '', []);
  return entries;
}
