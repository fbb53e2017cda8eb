// @moe-rl/tfjs-graph: training steps written in TensorFlow.js, run as recorded TensorFlow graphs.

export { type AdamUpdateConfig, adamUpdate } from './adam.ts';
export { RecordingError } from './errors.ts';
export { type LossAndGradients, lossAndGradients } from './gradients.ts';
export { registerNativeGradients } from './native-gradients.ts';
export { globalNorm } from './norms.ts';
export { createProgram } from './program.ts';
export { createProgramBatch } from './program-batch.ts';
export {
  type BatchConvolutions,
  batchConvolutions,
  type CompiledChoice,
  type CompiledEntryPoints,
  compiledChoices,
  type EntryPoint,
  type InputDtype,
  type InputSpec,
  inputDtypes,
  type Program,
  type ProgramBatch,
  type ProgramBatchConfig,
  type ProgramConfig,
  type ProgramInputs,
  type ProgramMode,
  type ProgramOutputs,
  programModes,
} from './program-interface.ts';
export { randomNormal, randomUniform } from './random.ts';
