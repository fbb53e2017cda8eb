// Things by name that others may add to: agent variants, encoders, and whatever else a setting chooses by its name.
import { InvalidArgumentError, NotFoundError } from './errors.ts';
import { didYouMean } from './near-names.ts';

/** An open set of named things. Names are unique; what is registered stays for the life of the process. */
export interface Registry<T> {
  /**
   * Adds one; the same value again under its name is no error, so that a module may be loaded twice.
   * @throws InvalidArgumentError for a name that is taken, or that is no plain word (letters, digits, `.`, `_`, `-`)
   */
  register(name: string, value: T): void;
  /**
   * Looks one up.
   * @throws NotFoundError naming what there is
   */
  get(name: string): T;
  has(name: string): boolean;
  /** All names, in the order in which they were added. */
  names(): readonly string[];
}

/**
 * Makes a registry.
 * @param what what its members are, for messages: `agent variant`
 * @param members what it starts with
 */
export function createRegistry<T>(what: string, members: Readonly<Record<string, T>> = {}): Registry<T> {
  // A map, so that `constructor` and `toString` are names like any other.
  const byName = new Map<string, T>(Object.entries(members));
  return {
    register(name, value) {
      if (typeof name !== 'string' || !/^[\w.-]+$/.test(name)) {
        throw new InvalidArgumentError(`${what} ${quoted(name)}: expected a name of letters, digits, ".", "_" and "-"`);
      }
      if (byName.has(name) && byName.get(name) !== value) {
        throw new InvalidArgumentError(`the name "${name}" is taken by another ${what}; expected another name`);
      }
      byName.set(name, value);
    },
    get(name) {
      const value = byName.get(name);
      if (value === undefined) {
        const names = [...byName.keys()];
        throw new NotFoundError(
          `there is no ${what} "${name}"; there are ${names.join(', ')}${didYouMean(name, names)}`,
        );
      }
      return value;
    },
    has: (name) => byName.has(name),
    names: () => [...byName.keys()],
  };
}

/**
 * Checks that something has the functions that it will be asked for.
 * @param what names it in the message: `environment "corridor"`
 * @throws InvalidArgumentError naming the first that is missing, or what stands in the thing's place
 */
export function requireFunctions(what: string, value: unknown, names: readonly string[]): void {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) {
    throw new InvalidArgumentError(`${what} is ${quoted(value)}; expected an object with ${names.join(', ')}`);
  }
  for (const name of names) {
    const member = (value as Readonly<Record<string, unknown>>)[name];
    if (typeof member !== 'function') {
      throw new InvalidArgumentError(`${what}: ${name} is ${quoted(member)}; expected a function`);
    }
  }
}

/** `"dark red"`, `undefined`, `{"a":1}`. */
function quoted(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}
