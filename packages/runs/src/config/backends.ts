// The tensor backends that a run may ask for.
export const BACKENDS = ['auto', 'tensorflow', 'webgpu', 'wasm', 'cpu'] as const;
export type BackendOption = (typeof BACKENDS)[number];
