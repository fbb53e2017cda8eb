// The one error of this package. It has the form of every moe-rl error (a stable `code`), without importing them: this is the lowest layer.

/** A tensor operation got arguments it can't work on. The message names the operation, what it got and what it expected. */
export class TensorOpsError extends Error {
  readonly code: 'SHAPE' | 'INVALID_ARGUMENT';
  readonly isMoeRlError = true;

  constructor(code: 'SHAPE' | 'INVALID_ARGUMENT', message: string) {
    super(message);
    this.name = 'TensorOpsError';
    this.code = code;
  }
}
