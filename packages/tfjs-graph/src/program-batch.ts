// Programs that look alike (one configuration with several seeds) run as one: each member keeps variables and results of its own, and what the members ask for at the
// same time is computed together. Only engines that compile whole steps can do that.
import { InvalidArgumentError, requireInteger, requireOneOf } from '@moe-rl/core';
import * as tf from '@tensorflow/tfjs-core';
import { programBatchEngine } from './engine.ts';
import { batchConvolutions, type ProgramBatch, type ProgramBatchConfig } from './program-interface.ts';

/**
 * Opens a batch on the current backend; it is gone when all its members were disposed.
 * @throws InvalidArgumentError for a size below 1, and on a backend whose steps can't be batched
 */
export async function createProgramBatch(config: ProgramBatchConfig): Promise<ProgramBatch> {
  requireInteger('size', config.size, 1, 4096);
  if (config.convolutions !== undefined) requireOneOf('convolutions', config.convolutions, batchConvolutions);
  await tf.ready();
  const engine = programBatchEngine(tf.getBackend());
  if (engine === undefined) {
    throw new InvalidArgumentError(
      `programs are batched on the backend ${tf.getBackend()}, which runs one program at a time; expected an engine that compiles whole steps (@moe-rl/pjrt)`,
    );
  }
  return engine(config);
}
