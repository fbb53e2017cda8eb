// Traces one entry point into a StableHLO function. A variable that the step reads and assigns gives its memory to its new value.
import type { EntryPoint } from '@moe-rl/tfjs-graph';
import { type TracedStep, type TracingBackend, traceEntryPoint } from '@moe-rl/tfjs-graph/tracing';
import type * as tf from '@tensorflow/tfjs-core';
import type { FunctionSpec } from '../client/executable.ts';
import type { Precision } from '../stablehlo/builder.ts';
import { StableHloStepBuilder } from '../stablehlo/step-builder.ts';

/** A traced entry point: the function and what its arguments and results are. */
export interface TracedEntryPoint extends Pick<TracedStep, 'reads' | 'writes' | 'outputs'> {
  readonly function: FunctionSpec;
  /** StableHLO operations. */
  readonly operationCount: number;
}

/**
 * Traces an entry point; the variables keep their values.
 * @throws TracingError when the step does what a compiled one can't
 */
export function traceFunction(
  backend: TracingBackend,
  entryName: string,
  entryPoint: EntryPoint,
  variables: Readonly<Record<string, tf.Variable>>,
  precision: Precision,
): TracedEntryPoint {
  const builder = new StableHloStepBuilder({ precision });
  const {
    reads,
    writes,
    outputs,
    results,
    arguments: order,
  } = traceEntryPoint(backend, entryName, entryPoint, variables, builder);
  // A variable that is assigned without being read (a target network's) is no argument, so nothing of it can be donated.
  const donated = new Map<number, number>();
  for (const [index, name] of writes.entries()) {
    const argument = reads.indexOf(name);
    if (argument >= 0) donated.set(index, argument);
  }
  const { operationCount } = builder;
  return { function: builder.finish(entryName, results, { order, donated }), reads, writes, outputs, operationCount };
}
