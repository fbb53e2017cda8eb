// Options of a mixture, described as data: one description checks values, names what is accepted, and gives editors a schema.
import { didYouMean, InvalidArgumentError, requireFinite, requireInteger, requireOneOf } from '@moe-rl/core';

/** One option: its kind, bounds, default and a sentence. An option without a default is off unless set. */
export type OptionSpec = { readonly description: string } & (
  | { readonly type: 'integer'; readonly minimum?: number; readonly maximum?: number; readonly default?: number }
  | { readonly type: 'number'; readonly minimum?: number; readonly maximum?: number; readonly default?: number }
  | { readonly type: 'boolean'; readonly default?: boolean }
  | { readonly type: 'choice'; readonly values: readonly string[]; readonly default?: string }
  | { readonly type: 'integers'; readonly minimum?: number; readonly maximum?: number }
);

/** Options by name. */
export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

/**
 * Checks options against their descriptions.
 * @param where put before names in messages, for instance `router "deepseek"`
 * @throws InvalidArgumentError naming an unknown option and its near names, or an option, its value and what was expected
 */
export function requireOptions(where: string, options: Readonly<Record<string, unknown>>, specs: OptionSpecs): void {
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(specs, name)) {
      const known = Object.keys(specs);
      const accepted = known.length === 0 ? 'it has none' : `expected one of ${known.join(', ')}`;
      throw new InvalidArgumentError(
        `${where} has no option ${JSON.stringify(name)}; ${accepted}${didYouMean(name, known)}`,
      );
    }
    if (value !== undefined) requireOption(`${where}: ${name}`, value, specs[name]!);
  }
}

function requireOption(name: string, value: unknown, spec: OptionSpec): void {
  switch (spec.type) {
    case 'integer':
      requireInteger(name, value, spec.minimum, spec.maximum);
      return;
    case 'number':
      requireFinite(name, value, spec.minimum, spec.maximum);
      return;
    case 'choice':
      requireOneOf(name, value as string, spec.values);
      return;
    case 'boolean':
      if (typeof value === 'boolean') return;
      break;
    case 'integers':
      if (Array.isArray(value)) {
        value.forEach((each, index) => {
          requireInteger(`${name}[${index}]`, each, spec.minimum, spec.maximum);
        });
        return;
      }
  }
  const expected = spec.type === 'boolean' ? 'true or false' : 'a list of integers';
  throw new InvalidArgumentError(`${name} is ${JSON.stringify(value)}; expected ${expected}`);
}
