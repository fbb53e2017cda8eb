// Every error that moe-rl throws on purpose. A message names the value, the place and what was expected, so that it can be shown as it is:
// the command line prints `message` and exits with code 2, without a stack trace.
import { didYouMean } from './near-names.ts';

/** Base class. `code` is stable across versions; switch on it rather than on the message. */
export class MoeRlError extends Error {
  /** The mark that `isMoeRlError` looks for: a process may hold several copies of this class (ES module and CommonJS, two versions, a project's own). */
  readonly isMoeRlError = true;
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** An argument, option or configuration value is out of range or unknown. */
export class InvalidArgumentError extends MoeRlError {
  constructor(message: string, options?: ErrorOptions) {
    super('INVALID_ARGUMENT', message, options);
  }
}

/** An array or tensor has another shape or dtype than the callee needs. */
export class ShapeError extends MoeRlError {
  constructor(message: string, options?: ErrorOptions) {
    super('SHAPE', message, options);
  }
}

/** A reward, loss, priority or logit is NaN or infinite. */
export class NonFiniteError extends MoeRlError {
  constructor(message: string, options?: ErrorOptions) {
    super('NON_FINITE', message, options);
  }
}

/** Something asked for by name (game, ROM, preset, run folder, checkpoint) does not exist. */
export class NotFoundError extends MoeRlError {
  constructor(message: string, options?: ErrorOptions) {
    super('NOT_FOUND', message, options);
  }
}

/** Bytes do not have the form they claim: a truncated ROM, a foreign file, a failed checksum. */
export class CorruptDataError extends MoeRlError {
  constructor(message: string, options?: ErrorOptions) {
    super('CORRUPT_DATA', message, options);
  }
}

/** A checkpoint can't be restored here: other architecture, other version, missing parts. */
export class CheckpointError extends MoeRlError {
  constructor(message: string, options?: ErrorOptions) {
    super('CHECKPOINT', message, options);
  }
}

/** A run folder, cache or port is held by another process. */
export class AlreadyInUseError extends MoeRlError {
  constructor(message: string, options?: ErrorOptions) {
    super('ALREADY_IN_USE', message, options);
  }
}

/** Reading or writing failed: no permission, disk full. */
export class StorageError extends MoeRlError {
  constructor(message: string, options?: ErrorOptions) {
    super('STORAGE', message, options);
  }
}

/** A library, tool or native part that this call needs is not on this machine. */
export class MissingDependencyError extends MoeRlError {
  constructor(message: string, options?: ErrorOptions) {
    super('MISSING_DEPENDENCY', message, options);
  }
}

/**
 * What an entry that needs optional peers throws when one can't be found: which, and what to run. Any other error is given back as it is.
 * @param entry the import that failed, `@moe-rl/soft-moe/tfjs`
 */
export function missingPeerError(entry: string, peers: readonly string[], error: unknown): unknown {
  const { code, message = '' } = error as { readonly code?: unknown; readonly message?: string };
  if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') return error;
  const missing = peers.find((peer) => message.includes(`'${peer}'`));
  if (missing === undefined) return error;
  return new MissingDependencyError(
    `${entry} needs ${peers.join(' and ')}; ${missing} is not installed. Run: npm install ${peers.join(' ')}`,
    { cause: error },
  );
}

/** True for errors made on purpose by any moe-rl package: also by another copy of this one, and by the dependency-free ones that carry only a `code`. */
export function isMoeRlError(error: unknown): error is Error & { readonly code: string } {
  return (
    error instanceof Error &&
    typeof (error as { code?: unknown }).code === 'string' &&
    (error as { isMoeRlError?: unknown }).isMoeRlError === true
  );
}

/**
 * Checks that `value` is an integer within `[minimum, maximum]` and returns it.
 * @throws InvalidArgumentError naming `name`, the value and the bounds.
 */
export function requireInteger(
  name: string,
  value: unknown,
  minimum = Number.MIN_SAFE_INTEGER,
  maximum = Number.MAX_SAFE_INTEGER,
): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < minimum || value > maximum) {
    throw new InvalidArgumentError(`${name} is ${describe(value)}; expected an integer${bounds(minimum, maximum)}`);
  }
  return value;
}

/**
 * Checks that `value` is a finite number within `[minimum, maximum]` and returns it.
 * @throws InvalidArgumentError naming `name`, the value and the bounds.
 */
export function requireFinite(
  name: string,
  value: unknown,
  minimum = Number.NEGATIVE_INFINITY,
  maximum = Number.POSITIVE_INFINITY,
): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < minimum || value > maximum) {
    throw new InvalidArgumentError(
      `${name} is ${describe(value)}; expected a finite number${bounds(minimum, maximum)}`,
    );
  }
  return value;
}

/**
 * Checks that `value` is true or false and returns it.
 * @throws InvalidArgumentError naming `name` and the value; `'no'` would count as true.
 */
export function requireBoolean(name: string, value: unknown): boolean {
  if (typeof value !== 'boolean') {
    throw new InvalidArgumentError(`${name} is ${describe(value)}; expected true or false`);
  }
  return value;
}

/**
 * Checks that `value` is one of `choices` and returns it.
 * @throws InvalidArgumentError naming `name`, the value and the choices.
 */
export function requireOneOf<const T extends string>(name: string, value: unknown, choices: readonly T[]): T {
  if (!choices.includes(value as T)) {
    throw new InvalidArgumentError(
      `${name} is ${describe(value)}; expected one of ${choices.join(', ')}${didYouMean(String(value), choices)}`,
    );
  }
  return value as T;
}

/**
 * Refuses a name that is none of those known, which JavaScript would take silently.
 * @throws InvalidArgumentError naming it, those that exist, and its near names
 */
export function requireKnownOptions(where: string, options: object, known: readonly string[]): void {
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const accepted = known.length === 0 ? 'it has none' : `expected one of ${known.join(', ')}`;
  throw new InvalidArgumentError(
    `${where} has no option ${JSON.stringify(unknown)}; ${accepted}${didYouMean(unknown, known)}`,
  );
}

function bounds(minimum: number, maximum: number): string {
  const low = minimum > Number.MIN_SAFE_INTEGER;
  const high = maximum < Number.MAX_SAFE_INTEGER;
  if (low && high) return ` from ${minimum} to ${maximum}`;
  if (low) return ` of at least ${minimum}`;
  return high ? ` of at most ${maximum}` : '';
}

function describe(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}
