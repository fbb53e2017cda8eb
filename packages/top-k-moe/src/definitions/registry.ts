// Routers by name: what configurations, layers and saved models use. `registerRouter` (../mixture.ts) adds one of your own.
import { createRegistry, didYouMean, InvalidArgumentError, type Registry } from '@moe-rl/core';
import { type Router, requireOptions } from '@moe-rl/moe-core';
import type { RouterDefinition } from './definition.ts';
import { definitions } from './definitions.ts';

type Definitions = typeof definitions;

/** A router of this package and its options as plain data: `{ type: 'deepseek', k: 4 }`. */
export type RouterConfig = {
  [Type in keyof Definitions]: { readonly type: Type } & (Parameters<Definitions[Type]['create']>[0] & object);
}[keyof Definitions];

/** A router of your own, made known with `registerRouter`. */
export interface OpenRouterConfig {
  readonly type: string;
}

const known: Registry<RouterDefinition> = createRegistry(
  'router',
  definitions as unknown as Record<string, RouterDefinition>,
);

/** Names of this package's routers. */
export const routerTypes: readonly RouterConfig['type'][] = Object.keys(definitions) as RouterConfig['type'][];

/** @throws InvalidArgumentError when another definition has its type */
export function requireNewType(definition: RouterDefinition): void {
  if (known.has(definition.type)) addRouter(definition);
}

/** Adds a definition. @throws InvalidArgumentError when another one has its type */
export function addRouter(definition: RouterDefinition): void {
  known.register(definition.type, definition);
}

/**
 * The definition of a router.
 * @throws InvalidArgumentError for an unknown type, naming the known ones
 */
export function routerDefinition(type: string): RouterDefinition {
  if (known.has(type)) return known.get(type);
  const types = known.names();
  throw new InvalidArgumentError(
    `router type is ${JSON.stringify(type)}; expected one of ${types.join(', ')}${didYouMean(String(type), types)}`,
  );
}

/**
 * Makes a router from plain data.
 * @throws InvalidArgumentError for an unknown type or option, naming the known ones, or a bad value
 */
export function createRouter(config: RouterConfig | OpenRouterConfig): Router {
  const { type, ...options } = config;
  const definition = routerDefinition(type);
  return definition.create(requireOptions(`router "${type}"`, options, definition.options));
}
