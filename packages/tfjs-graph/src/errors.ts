// What can go wrong while a step is recorded.

import { MoeRlError } from '@moe-rl/core';

/** A step can't be recorded as a graph: it reads data back, draws random numbers in JavaScript, or changes what the program doesn't hold. */
export class RecordingError extends MoeRlError {
  constructor(message: string, options?: ErrorOptions) {
    super('RECORDING', message, options);
  }
}
