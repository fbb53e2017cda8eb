// Checks configurations and applies overrides by dotted path. Unknown keys are refused; every error names the path and the value.
import { InvalidArgumentError, NotFoundError } from '@moe-rl/core';
import type { AgentConfig } from './agent-config.ts';
import { AGENT_CONFIG_SCHEMA, type Field, type SchemaNode } from './schema.ts';

/** A tree with every value optional, for changing a few. */
export type DeepPartial<T> = T extends readonly unknown[] | string | number | boolean
  ? T
  : { readonly [K in keyof T]?: DeepPartial<T[K]> };

/** Values by dotted path, as `--set` gives them: `{ 'agent.batchSize': '64' }`. Texts are read as the field's kind. */
export type ConfigOverrides = Readonly<Record<string, number | string | boolean | readonly number[]>>;

/** One value of the configuration, for help texts. */
export interface ConfigEntry {
  readonly path: string;
  readonly doc: string;
  readonly kind: Field['kind'];
  readonly choices?: readonly string[];
}

/**
 * Checks a whole configuration (for instance read from a run folder) and returns it.
 * @throws InvalidArgumentError naming the path of the first value that is missing, unknown or out of range
 */
export function validateAgentConfig(value: unknown): AgentConfig {
  validateNode(AGENT_CONFIG_SCHEMA, value, '');
  const config = value as AgentConfig;
  const { agent, sparsity } = config;
  if (agent.atoms > 1 && agent.minimumValue >= agent.maximumValue) {
    throw new InvalidArgumentError(
      `agent.minimumValue is ${agent.minimumValue}; expected less than agent.maximumValue, ${agent.maximumValue}`,
    );
  }
  if (config.network.moe.selectedExperts > config.network.moe.experts) {
    throw new InvalidArgumentError(
      `network.moe.selectedExperts is ${config.network.moe.selectedExperts}; expected at most network.moe.experts, ${config.network.moe.experts}`,
    );
  }
  if (sparsity.method === 'pruning' && sparsity.startUpdates >= sparsity.endUpdates) {
    throw new InvalidArgumentError(
      `sparsity.startUpdates is ${sparsity.startUpdates}; expected less than sparsity.endUpdates, ${sparsity.endUpdates}`,
    );
  }
  return config;
}

/**
 * A copy of `config` with values replaced by a nested object.
 * @throws InvalidArgumentError naming the path of a value that is unknown or out of range
 */
export function mergeConfig(config: AgentConfig, changes: DeepPartial<AgentConfig>): AgentConfig {
  return validateAgentConfig(mergeNode(AGENT_CONFIG_SCHEMA, config, changes, ''));
}

/**
 * A copy of `config` with values replaced by dotted path. Texts become what the field is: `'64'` a number, `'true'` a boolean, `'1,2'` numbers.
 * @throws NotFoundError for an unknown path, with the nearest that exist; InvalidArgumentError for a bad value
 */
export function applyOverrides(config: AgentConfig, overrides: ConfigOverrides): AgentConfig {
  const copy = structuredClone(config) as unknown as Record<string, unknown>;
  for (const [path, value] of Object.entries(overrides)) {
    const keys = path.split('.');
    let node: SchemaNode = AGENT_CONFIG_SCHEMA;
    let target = copy;
    for (const [index, key] of keys.entries()) {
      const next: SchemaNode | undefined = isField(node) || !Object.hasOwn(node, key) ? undefined : node[key];
      if (next === undefined) throw unknownPath(path);
      node = next;
      if (index < keys.length - 1) target = target[key] as Record<string, unknown>;
    }
    if (!isField(node))
      throw new NotFoundError(
        `"${path}" is a group of settings; expected one of ${Object.keys(node)
          .map((key) => `${path}.${key}`)
          .join(', ')}`,
      );
    target[keys.at(-1)!] = typeof value === 'string' ? parseText(node, value, path) : value;
  }
  return validateAgentConfig(copy);
}

/** All values by path, in order. */
export function describeAgentConfig(): readonly ConfigEntry[] {
  const entries: ConfigEntry[] = [];
  const visit = (node: SchemaNode, path: string): void => {
    if (isField(node)) {
      entries.push({
        path,
        doc: node.doc,
        kind: node.kind,
        ...(node.kind === 'choice' ? { choices: node.choices } : {}),
      });
    } else {
      for (const [key, child] of Object.entries(node)) visit(child, path === '' ? key : `${path}.${key}`);
    }
  };
  visit(AGENT_CONFIG_SCHEMA, '');
  return entries;
}

function isField(node: SchemaNode): node is Field {
  return typeof (node as { kind?: unknown }).kind === 'string';
}

function validateNode(node: SchemaNode, value: unknown, path: string): void {
  if (isField(node)) {
    validateField(node, value, path);
    return;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InvalidArgumentError(`${path || 'configuration'} is ${show(value)}; expected an object`);
  }
  for (const key of Object.keys(value)) if (!Object.hasOwn(node, key)) throw unknownPath(join(path, key));
  for (const [key, child] of Object.entries(node)) {
    if (!Object.hasOwn(value, key)) throw new InvalidArgumentError(`${join(path, key)} is missing`);
    validateNode(child, (value as Record<string, unknown>)[key], join(path, key));
  }
}

function validateField(field: Field, value: unknown, path: string): void {
  const refuse = (expected: string): never => {
    throw new InvalidArgumentError(`${path} is ${show(value)}; expected ${expected}`);
  };
  switch (field.kind) {
    case 'boolean':
      if (typeof value !== 'boolean') refuse('true or false');
      return;
    case 'choice':
      if (!field.choices.includes(value as string)) refuse(`one of ${field.choices.join(', ')}`);
      return;
    case 'numbers':
      if (!Array.isArray(value) || !value.every((entry) => Number.isFinite(entry))) refuse('a list of numbers');
      return;
    case 'integer':
    case 'number': {
      const { minimum = Number.NEGATIVE_INFINITY, maximum = Number.POSITIVE_INFINITY, isOpen = false } = field;
      const kind = field.kind === 'integer' ? 'an integer' : 'a number';
      const low = minimum > Number.NEGATIVE_INFINITY ? (isOpen ? ` above ${minimum}` : ` of at least ${minimum}`) : '';
      const high = maximum < Number.POSITIVE_INFINITY ? ` of at most ${maximum}` : '';
      const bounds = low && high ? `${low} and${high.slice(3)}` : low + high;
      const isRightKind = field.kind === 'integer' ? Number.isSafeInteger(value) : Number.isFinite(value);
      const number = value as number;
      if (!isRightKind || number < minimum || number > maximum || (isOpen && number === minimum))
        refuse(`${kind}${bounds}`);
    }
  }
}

function mergeNode(node: SchemaNode, base: unknown, changes: unknown, path: string): unknown {
  if (changes === undefined) return structuredClone(base);
  if (isField(node)) return structuredClone(changes);
  if (typeof changes !== 'object' || changes === null)
    throw new InvalidArgumentError(`${path} is ${show(changes)}; expected an object`);
  for (const key of Object.keys(changes)) if (!Object.hasOwn(node, key)) throw unknownPath(join(path, key));
  return Object.fromEntries(
    Object.entries(node).map(([key, child]) => [
      key,
      mergeNode(
        child,
        (base as Record<string, unknown>)[key],
        (changes as Record<string, unknown>)[key],
        join(path, key),
      ),
    ]),
  );
}

function parseText(field: Field, text: string, path: string): unknown {
  switch (field.kind) {
    case 'choice':
      return text;
    case 'boolean':
      if (text === 'true' || text === 'false') return text === 'true';
      throw new InvalidArgumentError(`${path} is "${text}"; expected true or false`);
    case 'numbers':
      return text.trim() === '' ? [] : text.split(',').map((part) => parseNumber(part, path));
    default:
      return parseNumber(text, path);
  }
}

function parseNumber(text: string, path: string): number {
  const value = Number(text.replaceAll('_', ''));
  if (text.trim() === '' || Number.isNaN(value))
    throw new InvalidArgumentError(`${path} is "${text}"; expected a number`);
  return value;
}

function unknownPath(path: string): NotFoundError {
  const last = path.split('.').at(-1)!.toLowerCase();
  const paths = describeAgentConfig().map((entry) => entry.path);
  const near = paths.filter((candidate) => {
    const leaf = candidate.split('.').at(-1)!.toLowerCase();
    return leaf === last || leaf.includes(last) || last.includes(leaf);
  });
  const group = path.split('.')[0]!;
  const hint = near.length > 0 ? near : paths.filter((candidate) => candidate.startsWith(`${group}.`));
  const groups = Object.keys(AGENT_CONFIG_SCHEMA).join(', ');
  return new NotFoundError(
    `there is no setting "${path}"; ${hint.length > 0 ? `did you mean ${hint.slice(0, 8).join(', ')}` : `settings are grouped under ${groups}`}`,
  );
}

function join(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

function show(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}
