// The tensor backends that a run may ask for: those of @moe-rl/tfjs-native, WebGPU by @moe-rl/webgpu, and XLA by a plugin of @moe-rl/pjrt.
export const BACKENDS = ['auto', 'tensorflow', 'webgpu', 'wasm', 'cpu', 'pjrt-cpu', 'pjrt-cuda', 'pjrt-rocm'] as const;
export type BackendOption = (typeof BACKENDS)[number];
