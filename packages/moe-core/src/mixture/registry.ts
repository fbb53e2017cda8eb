// Mixtures by name. The packages that implement mixtures export definitions; a program registers those it wants, and its own.
import {
  createRegistry,
  didYouMean,
  InvalidArgumentError,
  type Registry,
  requireDescribed,
  requireFunctions,
  requireInteger,
} from '@moe-rl/core';
import type { Mixture, MixtureSizes } from './mixture.ts';
import { type OptionSpecs, requireOptions } from './options.ts';

/** How to make mixtures of one type from plain data. */
export interface MixtureDefinition {
  /** The `type` of configurations. */
  readonly type: string;
  /** What it is, in a sentence. */
  readonly description: string;
  /** All options it takes besides `type`. */
  readonly options: OptionSpecs;
  /** @param options checked against `options` */
  create(options: Readonly<Record<string, unknown>>, sizes: MixtureSizes): Mixture;
}

/** Plain data that names a mixture and sets its options: `{ type: 'deepseek', k: 2 }`. */
export interface MixtureConfig {
  readonly type: string;
}

const definitions: Registry<MixtureDefinition> = /* @__PURE__ */ createRegistry('router');

/**
 * Makes types known to `createMixture`. Registering the same definition again changes nothing.
 * @throws InvalidArgumentError when another definition has that type, or naming what one lacks
 */
export function registerMixture(...added: readonly MixtureDefinition[]): void {
  for (const definition of added) {
    const what = `router "${definition?.type}"`;
    requireFunctions(what, definition, ['create']);
    requireDescribed(`${what}: options`, definition.options, ['type']);
    definitions.register(definition.type, definition);
  }
}

/** Registered types, in order of registration. */
export function mixtureTypes(): readonly string[] {
  return definitions.names();
}

/**
 * The definition of a type.
 * @throws InvalidArgumentError for an unknown one, naming the known ones
 */
export function mixtureDefinition(type: string): MixtureDefinition {
  if (definitions.has(type)) return definitions.get(type);
  const types = mixtureTypes();
  throw new InvalidArgumentError(
    `router type is ${JSON.stringify(type)}; expected one of ${types.join(', ')}${didYouMean(String(type), types)}`,
  );
}

/**
 * Makes a mixture from plain data.
 * @throws InvalidArgumentError for an unknown type, an option that the type doesn't have (naming a type that has it), or a bad value
 */
export function createMixture<Config extends MixtureConfig>(config: Config, sizes: MixtureSizes): Mixture {
  const { type, ...options } = config as MixtureConfig & Record<string, unknown>;
  const definition = mixtureDefinition(type);
  for (const name of Object.keys(options)) {
    const owners = mixtureTypes().filter((each) => Object.hasOwn(definitions.get(each).options, name));
    if (owners.length > 0 && !owners.includes(type)) {
      throw new InvalidArgumentError(
        `router "${type}" has no option ${JSON.stringify(name)}, which belongs to ${owners.join(', ')}; expected one of ${Object.keys(definition.options).join(', ')}`,
      );
    }
  }
  const given = requireOptions(`router "${type}"`, options, definition.options);
  for (const name of ['numExperts', 'numTokens', 'tokenSize', 'hiddenSize'] as const) {
    requireInteger(name, sizes[name], 1);
  }
  return definition.create(given, sizes);
}
