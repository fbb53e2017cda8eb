// The kernels' WebAssembly module. It has no memory and no data of its own: it is instantiated on the memory of TensorFlow.js' wasm
// backend and works on tensors where they lie; scratch comes from that backend's malloc, on the JavaScript side.
// Functions whose last parameters are (first, last, scratch) do a range of their work: threads take ranges, each with its own scratch.

export { DESCRIPTOR_BYTES } from './micro';
export { gemm, gemmScratchBytes, packPanels, vectorTimesMatrix } from './gemm';
export { convolve, filterGradient, padColumns, padImages, transposeMatrix, turnFilter } from './conv';
export { adam, addBias, reluGradient, segmentSum, sumMiddle } from './elementwise';
export { averagePoolGradient, maxPoolGradient } from './pool';
