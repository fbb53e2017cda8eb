// The public surface of @moe-rl/core: types and small pure functions that every other package shares. No tensor library, no Node API.
export type { ActMode, Agent, AgentMetrics } from './agent.ts';
export type { Checkpointable, StateTree, StateValue } from './checkpointable.ts';
export type {
  AutoresetMode,
  Environment,
  ObservationSpec,
  ResetOutput,
  StepOutput,
  VectorEnvironment,
  VectorResetOptions,
  VectorStepOutput,
} from './environment.ts';
export {
  AlreadyInUseError,
  CheckpointError,
  CorruptDataError,
  InvalidArgumentError,
  isMoeRlError,
  MissingDependencyError,
  MoeRlError,
  missingPeerError,
  NonFiniteError,
  NotFoundError,
  requireBoolean,
  requireFinite,
  requireInteger,
  requireKnownOptions,
  requireOneOf,
  ShapeError,
  StorageError,
} from './errors.ts';
export type { MetricRow, MetricSink } from './metric-row.ts';
export { didYouMean, nearMatches } from './near-names.ts';
export { createRandomAgent } from './random-agent.ts';
export { recordedBy, type TransitionSink } from './recorded-agent.ts';
export { createRegistry, type Registry, requireFunctions } from './registry.ts';
export { type RewardDesign, rewardedBy } from './reward-design.ts';
export { createRng, type Rng, type RngState } from './rng.ts';
export { type RunLoopOptions, type RunStep, runLoop } from './run-loop.ts';
export { decodeSafetensors, encodeSafetensors } from './safetensors.ts';
export { constantSchedule, linearlyDecayingEpsilon, linearSchedule, type Schedule } from './schedule.ts';
export * from './settings/index.ts';
export { decodeState, encodeState } from './state-codec.ts';
export {
  elementCount,
  type NamedTensors,
  type TensorData,
  type TensorDtype,
  type TypedArray,
  tensorData,
} from './tensor-data.ts';
export type { EnvironmentInfo, Observation, Transition } from './transition.ts';
