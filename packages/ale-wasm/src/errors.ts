// The typed errors of this package. `code` is stable; `message` names the value, the place and what was expected.

/** Base class of everything this package throws on purpose. */
export class AleError extends Error {
  readonly code: string;
  /** What `isMoeRlError` of @moe-rl/core, on which this package does not depend, knows its errors by. */
  readonly isMoeRlError = true;

  constructor(code: string, message: string) {
    super(message);
    this.name = new.target.name;
    this.code = code;
  }
}

/** A setting, action, mode, difficulty or index is out of range or unknown. */
export class AleArgumentError extends AleError {
  constructor(message: string) {
    super('ALE_ARGUMENT', message);
  }
}

/** The bytes are no ROM that this machine can run, or not the ROM that was asked for. */
export class AleRomError extends AleError {
  constructor(message: string) {
    super('ALE_ROM', message);
  }
}

/** The bytes are no saved state, or one of another ROM or version. */
export class AleStateError extends AleError {
  constructor(message: string) {
    super('ALE_STATE', message);
  }
}

/** The game's mode procedure found no way to the requested mode: its RAM holds what no game writes there. */
export class AleModeError extends AleError {
  constructor(message: string) {
    super('ALE_MODE', message);
  }
}

/** No memory, or no WebAssembly with SIMD. */
export class AlePlatformError extends AleError {
  constructor(message: string) {
    super('ALE_PLATFORM', message);
  }
}
