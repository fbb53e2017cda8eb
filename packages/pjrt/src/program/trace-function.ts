// Traces one entry point into a StableHLO function. A variable that the step reads and assigns gives its memory to its new value. For a batch of programs the step is
// written once for all members, each with variables and inputs of its own, and one more argument says who takes part: the others' variables stay as they are.
import type { BatchConvolutions, EntryPoint } from '@moe-rl/tfjs-graph';
import { type TracedStep, type TracingBackend, traceEntryPoint, variableType } from '@moe-rl/tfjs-graph/tracing';
import type * as tf from '@tensorflow/tfjs-core';
import type { FunctionSpec } from '../client/executable.ts';
import type { Precision } from '../stablehlo/builder.ts';
import { StableHloStepBuilder } from '../stablehlo/step-builder.ts';

/** A traced entry point: the function and what its arguments and results are. */
export interface TracedEntryPoint extends Pick<TracedStep, 'reads' | 'writes' | 'outputs'> {
  readonly function: FunctionSpec;
  /** StableHLO operations. */
  readonly operationCount: number;
  /** Of a batch: the last argument is a boolean for each member, whether it takes part. Only where variables are assigned. */
  readonly isMasked: boolean;
}

/** A batch of programs that are traced as one. */
export interface TracedBatch {
  readonly members?: number;
  readonly convolutions?: BatchConvolutions;
}

/**
 * Traces an entry point; the variables keep their values.
 * @param batch of programs that all look like this one; default: it stands alone
 * @throws TracingError when the step does what a compiled one can't
 */
export function traceFunction(
  backend: TracingBackend,
  entryName: string,
  entryPoint: EntryPoint,
  variables: Readonly<Record<string, tf.Variable>>,
  precision: Precision,
  batch: TracedBatch = {},
): TracedEntryPoint {
  const builder = new StableHloStepBuilder({ precision, ...batch });
  const traced = traceEntryPoint(backend, entryName, entryPoint, variables, builder);
  const { writes, outputs } = traced;
  // A variable that is assigned without being read (a target network's) is not donated: alone it is no argument, and in a batch, where it is, one plugin got copies
  // into donated memory wrong.
  const donated = new Map<number, number>();
  for (const [index, name] of writes.entries()) {
    const argument = traced.reads.indexOf(name);
    if (argument >= 0) donated.set(index, argument);
  }
  const isMasked = batch.members !== undefined && writes.length > 0;
  const { reads, order, results } = isMasked
    ? maskWrites(traced, variables, builder)
    : { reads: traced.reads, order: traced.arguments, results: traced.results };
  const lifted = results.map((value) => builder.lift(value, batch.members));
  const { operationCount } = builder;
  return {
    function: builder.finish(entryName, lifted, { order, donated }),
    reads,
    writes,
    outputs,
    operationCount,
    isMasked,
  };
}

/** Keeps what members had who take no part. Variables that are assigned without being read become arguments behind those that are. */
function maskWrites(
  { reads, writes, arguments: given, results }: TracedStep,
  variables: Readonly<Record<string, tf.Variable>>,
  builder: StableHloStepBuilder,
) {
  const unread = writes.filter((name) => !reads.includes(name));
  const added = unread.map((name) => {
    const { shape } = variables[name]!;
    return builder.argument({ shape, type: variableType(variables[name]!) });
  });
  const mask = builder.argument({ shape: [], type: 'i1' });
  const all = [...reads, ...unread];
  const before = [...given.slice(0, reads.length), ...added];
  return {
    reads: all,
    order: [...before, ...given.slice(reads.length), mask],
    results: results.map((value, index) =>
      index < writes.length ? builder.select(mask, value, before[all.indexOf(writes[index]!)]!) : value,
    ),
  };
}
