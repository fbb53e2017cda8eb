// Public entry of @moe-rl/tensor-ops: the interface that layers are written against. Adapters are separate entries.
export { TensorOpsError } from './errors.ts';
export type { NumberArray, RowGroups, SegmentMlpLayers, Shape, TensorData, TensorOps } from './tensor-ops.ts';
export { sizeOf } from './tensor-ops.ts';
