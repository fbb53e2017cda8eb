// Options of a mixture, described as settings are (@moe-rl/core): one description checks values, names what is accepted, and gives command lines and editors
// their form.
import {
  describeApplicability,
  doesApply,
  type FieldSetting,
  InvalidArgumentError,
  requireKnownOptions,
  type SettingsTree,
  validateField,
} from '@moe-rl/core';

/** Options by name. An option whose default is null is off unless set. */
export type OptionSpecs = Readonly<Record<string, FieldSetting>>;

/**
 * Checks options against their descriptions, and leaves out those that are null: they are off.
 * @param where put before names in messages, for instance `router "deepseek"`
 * @throws InvalidArgumentError naming an unknown option and its near names, or an option, its value and what was expected, or one that does not apply beside
 *   the others
 */
export function requireOptions(where: string, options: object, specs: OptionSpecs): Record<string, unknown> {
  requireKnownOptions(where, options, Object.keys(specs));
  const given: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    validateField(specs[name]!, value, `${where}: ${name}`);
    if (value !== null) given[name] = value;
  }
  const defaults = Object.entries(specs).map(([name, spec]) => [name, spec.default]);
  const tree = { ...Object.fromEntries(defaults), ...options } as SettingsTree;
  for (const name of Object.keys(given)) {
    const { applies } = specs[name]!;
    if (doesApply(applies, name, tree)) continue;
    throw new InvalidArgumentError(
      `${where}: ${name} is ${JSON.stringify(given[name])}, but it applies only where ${describeApplicability(applies!).replaceAll('./', '')}`,
    );
  }
  return given;
}
