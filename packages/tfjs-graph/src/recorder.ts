// Records one entry point of a program: runs it once on zeros under a recording, and refuses what a graph can't hold.

import * as tf from '@tensorflow/tfjs-core';
import { handleOf, type TensorFlowBackend } from './binding.ts';
import { RecordingError } from './errors.ts';
import type { GraphRecorder, GraphVariable } from './graph-recorder.ts';
import type { EntryPoint } from './program-interface.ts';
import { type RecordedEntryPoint, StepRecording } from './step-recording.ts';

/**
 * Records one entry point: runs it once on zeros, then puts the variables back.
 * @throws RecordingError when the step does what a graph can't.
 */
export function recordEntryPoint(
  recorder: GraphRecorder,
  backend: TensorFlowBackend,
  entryName: string,
  scope: string,
  entryPoint: EntryPoint,
  variables: readonly GraphVariable[],
): RecordedEntryPoint {
  const recording = new StepRecording(recorder, backend, entryName, scope, variables);
  const registered = new Map(Object.entries(tf.engine().registeredVariables));
  const strangers = [...registered.values()].filter((variable) => !variables.some((own) => own.variable === variable));
  const strangerData = strangers.map((variable) => variable.dataId);
  // Gives each a handle, so that it is recognized when the step uses it.
  for (const stranger of strangers) handleOf(backend, stranger);
  try {
    const recorded = recording.record(entryPoint);
    for (const [name, variable] of Object.entries(tf.engine().registeredVariables)) {
      if (registered.has(name)) continue;
      variable.dispose();
      throw new RecordingError(
        `entry point "${entryName}" creates the variable ${name} while it runs (an optimizer's slots?); create it before and list it in the program's variables`,
      );
    }
    const changed = strangers.find((variable, index) => variable.dataId !== strangerData[index]);
    if (changed) {
      throw new RecordingError(
        `entry point "${entryName}" assigns the variable ${changed.name}, which is not in the program's variables`,
      );
    }
    return recorded;
  } finally {
    recording.restoreVariables();
  }
}
