// General names of a program to the simulator's, longest first (Text2Reward, step 5).
import { type EnvironmentDescription, namedFields } from '../description/environment-description.ts';

/** From general names to the simulator's: `fruit.x` to `fruitX`. */
export type NameMapping = Readonly<Record<string, string>>;

/** The mapping of a description: fields of objects only, as the environment's own are called the same on both sides or have a view. */
export function nameMapping(description: EnvironmentDescription): NameMapping {
  return Object.fromEntries(
    namedFields(description)
      .filter(({ generalName, simulatorName }) => generalName !== simulatorName)
      .map(({ generalName, simulatorName }) => [generalName, simulatorName]),
  );
}

/**
 * Replaces every member of a mapping that follows a dot, so that whatever holds the environment (`env`, `previous`, a parameter of any name) keeps its name:
 * `env.fruit.x` becomes `env.fruitX`. The longest names are replaced first, and a name is replaced only where it ends: `ball.x` leaves `ball.xSpeed` alone.
 */
export function mapNames(source: string, mapping: NameMapping): string {
  const names = Object.keys(mapping).sort((a, b) => b.length - a.length || (a < b ? -1 : 1));
  return names.reduce((text, name) => {
    const pattern = new RegExp(`\\.${name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?![\\w$])`, 'g');
    return text.replaceAll(pattern, () => `.${mapping[name]}`);
  }, source);
}
