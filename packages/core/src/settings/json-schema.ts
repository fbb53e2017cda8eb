// Settings as JSON Schema (draft 2020-12), so that editors complete and check the files that people write. A file changes some settings only, so none is required.
import {
  discriminatorOf,
  type FieldSetting,
  type GroupSetting,
  isField,
  type Setting,
  type UnionSetting,
} from './schema.ts';

/** A JSON Schema, as plain data. */
export interface JsonSchema {
  readonly [key: string]: unknown;
}

/** @param head what stands beside the properties: `$schema`, `$id`, `title` */
export function settingsJsonSchema(schema: GroupSetting | UnionSetting, head: JsonSchema = {}): JsonSchema {
  return { ...head, ...nodeSchema(schema) };
}

function nodeSchema(node: Setting): JsonSchema {
  if (isField(node)) return fieldSchema(node);
  if (node.kind === 'group') return objectSchema(node.fields);
  const type = fieldSchema(discriminatorOf(node));
  const common = { [node.discriminator]: type, ...propertiesOf(node.common ?? {}) };
  const isOf = (name: string): JsonSchema => ({
    properties: { [node.discriminator]: { const: name } },
    required: [node.discriminator],
  });
  const all = Object.assign({}, ...Object.values(node.variants).map(({ fields }) => propertiesOf(fields))) as object;
  return {
    type: 'object',
    description: node.doc,
    // Without a type, the settings of all types may stand here: it is the preset's type that decides.
    properties: { ...Object.fromEntries(Object.keys(all).map((key) => [key, true])), ...common },
    additionalProperties: false,
    allOf: Object.entries(node.variants).map(([name, { doc, fields }]) => ({
      if: isOf(name),
      // biome-ignore lint/suspicious/noThenProperty: the keyword of JSON Schema
      then: { description: doc, properties: { ...common, ...propertiesOf(fields) }, additionalProperties: false },
    })),
  };
}

function objectSchema(fields: Readonly<Record<string, Setting>>): JsonSchema {
  return { type: 'object', properties: propertiesOf(fields), additionalProperties: false };
}

function propertiesOf(fields: Readonly<Record<string, Setting>>): JsonSchema {
  return Object.fromEntries(Object.entries(fields).map(([key, child]) => [key, nodeSchema(child)]));
}

function fieldSchema(field: FieldSetting): JsonSchema {
  const about = { description: field.doc, default: field.default };
  const orNull = (type: string): string | string[] =>
    'isNullable' in field && field.isNullable ? [type, 'null'] : type;
  switch (field.kind) {
    case 'boolean':
      return { type: 'boolean', ...about };
    case 'choice':
      return { enum: field.choices, ...about };
    case 'text':
      return { type: orNull('string'), minLength: 1, ...about };
    case 'numbers': {
      const { minimum, maximum, isInteger, maximumLength } = field;
      const items = { type: isInteger ? 'integer' : 'number', ...limits({ minimum, maximum }) };
      return { type: 'array', items, ...(maximumLength === undefined ? {} : { maxItems: maximumLength }), ...about };
    }
    default:
      return { type: orNull(field.kind), ...limits(field), ...about };
  }
}

interface Limits {
  readonly minimum?: number | undefined;
  readonly maximum?: number | undefined;
  readonly isMinimumOpen?: boolean;
  readonly isMaximumOpen?: boolean;
}

function limits({ minimum, maximum, isMinimumOpen, isMaximumOpen }: Limits): JsonSchema {
  return {
    ...(minimum === undefined ? {} : { [isMinimumOpen ? 'exclusiveMinimum' : 'minimum']: minimum }),
    ...(maximum === undefined ? {} : { [isMaximumOpen ? 'exclusiveMaximum' : 'maximum']: maximum }),
  };
}
