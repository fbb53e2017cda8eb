// Routers by name: what configurations, layers and saved models use. `registerRouter` (../mixture.ts) adds one of your own.
import { didYouMean, InvalidArgumentError } from '@moe-rl/core';
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

const known = new Map<string, RouterDefinition>(Object.entries(definitions) as unknown as [string, RouterDefinition][]);

/** Names of this package's routers. */
export const routerTypes: readonly RouterConfig['type'][] = Object.keys(definitions) as RouterConfig['type'][];

/** Adds a definition. @throws InvalidArgumentError when another one has its type */
export function addRouter(definition: RouterDefinition): void {
  const present = known.get(definition.type);
  if (present !== undefined && present !== definition) {
    throw new InvalidArgumentError(
      `router type ${JSON.stringify(definition.type)} is known already; expected a new name`,
    );
  }
  known.set(definition.type, definition);
}

/**
 * The definition of a router.
 * @throws InvalidArgumentError for an unknown type, naming the known ones
 */
export function routerDefinition(type: string): RouterDefinition {
  const definition = known.get(type);
  if (definition !== undefined) return definition;
  const types = [...known.keys()];
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
  requireOptions(`router "${type}"`, options, definition.options);
  return definition.create(options);
}
