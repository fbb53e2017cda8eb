// @moe-rl/pjrt: training steps of tfjs compiled by XLA, from Node, through a PJRT plugin. Node only.

export { type ElementType, type HostType, TracingError } from '@moe-rl/tfjs-graph/tracing';
export { AheadOfTimeCompiler, gpuDescriptions } from './client/ahead-of-time.ts';
export type { DeviceBuffer } from './client/buffer.ts';
export { type ClientConfig, type DeviceMemory, PjrtClient } from './client/client.ts';
export type { ExecutableMemory } from './client/compile-call.ts';
export type { XlaOptions } from './client/compile-options.ts';
export type { BufferSpec, HostArray } from './client/element-types.ts';
export type { Executable, FunctionSpec } from './client/executable.ts';
export type { NamedValues } from './client/named-values.ts';
export { PjrtError, PluginError } from './errors.ts';
export { BACKEND_NAME, type LoadPjrtConfig, type LoadPjrtOutput, loadPjrt } from './load.ts';
export { explainPlugins, type PluginExplanation } from './plugins/explain.ts';
export { type DeviceChoice, deviceChoices, devicesHere } from './plugins/locate.ts';
export type { PluginName } from './plugins/versions.ts';
export type { ExecutableCache } from './program/executable-cache.ts';
export { FunctionBuilder, type FunctionBuilderConfig, type Precision, precisions } from './stablehlo/builder.ts';
export type { Value, ValueSpec } from './stablehlo/value.ts';
