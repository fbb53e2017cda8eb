// Programs that are traced and never run: what scripts and tests look at, without a plugin and without TensorFlow.
import type { Program } from '@moe-rl/tfjs-graph';
import { registerProgramEngine } from '@moe-rl/tfjs-graph/engine';
import { registerTracingBackend } from '@moe-rl/tfjs-graph/tracing';
import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { BACKEND_NAME } from '../load.ts';
import { type TracedEntryPoint, traceFunction } from '../program/trace-function.ts';

export interface TraceOnly {
  /** Entry points of the newest program, by name. */
  entryPoints: Record<string, TracedEntryPoint>;
  /** Tensors that tracing them left behind. */
  leakedTensors: number;
  /** Frees the newest program's variables. */
  dispose(): void;
}

/** Makes `stablehlo` tfjs' backend, with an engine that only traces. */
export async function traceOnly(): Promise<TraceOnly> {
  const backend = registerTracingBackend(BACKEND_NAME);
  const newest: TraceOnly = { entryPoints: {}, leakedTensors: 0, dispose: () => {} };
  registerProgramEngine(
    BACKEND_NAME,
    async <Name extends string>(config: Parameters<typeof createTraced>[1]) =>
      createTraced(newest, config, (name) =>
        traceFunction(backend, name, config.entryPoints[name]!, config.variables, 'default'),
      ) as unknown as Program<Name>,
  );
  await tf.setBackend(BACKEND_NAME);
  tf.enableProdMode();
  return newest;
}

function createTraced(
  newest: TraceOnly,
  config: {
    readonly variables: Readonly<Record<string, tf.Variable>>;
    readonly entryPoints: Readonly<Record<string, Parameters<typeof traceFunction>[2]>>;
  },
  trace: (name: string) => TracedEntryPoint,
): Pick<Program, 'isRecorded' | 'dispose'> {
  const before = tf.memory().numTensors;
  newest.entryPoints = Object.fromEntries(Object.keys(config.entryPoints).map((name) => [name, trace(name)]));
  newest.leakedTensors = tf.memory().numTensors - before;
  newest.dispose = () => tf.dispose(Object.values(config.variables));
  return { isRecorded: true, dispose: newest.dispose };
}
