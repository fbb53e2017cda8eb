// What can go wrong while a step is recorded, or traced for an engine that compiles it.

import { MoeRlError } from '@moe-rl/core';

/** A step can't be recorded as a graph: it reads data back, draws random numbers in JavaScript, or changes what the program doesn't hold. */
export class RecordingError extends MoeRlError {
  constructor(message: string, options?: ErrorOptions) {
    super('RECORDING', message, options);
  }
}

/** A step can't be traced: it reads a tensor back, uses an operation that the engine lacks, or draws random numbers in JavaScript. */
export class TracingError extends MoeRlError {
  constructor(message: string, options?: ErrorOptions) {
    super('TRACING', message, options);
  }
}
