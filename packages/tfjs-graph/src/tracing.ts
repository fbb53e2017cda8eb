// For engines that compile whole steps: the tracer, which runs an entry point once over symbolic values and tells the engine's builder what it computes.
export { TracingError } from './errors.ts';
export { broadcastShapes } from './tracing/broadcast.ts';
export {
  type OperationCase,
  operationCases,
  operationInputs,
  operationValues,
  referenceCases,
} from './tracing/conformance.ts';
export type { Attributes, Rule, RuleCall, RuleInputs, RuleTable } from './tracing/kernels/rule.ts';
export { rules } from './tracing/kernels/table.ts';
export type {
  BinaryOperation,
  Comparison,
  ConstantValues,
  Padding2d,
  Reduction,
  StepBuilder,
  UnaryOperation,
  Window,
  WindowConfig,
} from './tracing/step-builder.ts';
export { inputTypes, type TracedStep, traceEntryPoint, variableType } from './tracing/trace-entry-point.ts';
export { registerTracingBackend, type Trace, type TracingBackend } from './tracing/tracing-backend.ts';
export { type ElementType, type HostType, sameShape, type Value, type ValueSpec } from './tracing/value.ts';
