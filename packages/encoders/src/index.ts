// Public entry of @moe-rl/encoders: encoders, tokenizers and heads as pure functions over flat parameter trees.
export {
  applyHead,
  atomSupport,
  combineStreams,
  expectedValues,
  type HeadConfig,
  type HeadNames,
  headOutputs,
  headParameters,
} from './heads.ts';
export {
  applyImpalaResnet,
  type ImpalaResnetConfig,
  impalaResnetOutputShape,
  impalaResnetParameters,
  impalaResnetStackShapes,
} from './impala-resnet.ts';
export { addBias, convolution, convolutionParameters, dense, denseParameters, flatten, relu } from './layers.ts';
export {
  type AfterStack,
  applyNatureCnn,
  type NatureCnnConfig,
  natureCnnOutputShape,
  natureCnnParameters,
  natureCnnStackShapes,
} from './nature-cnn.ts';
export { type NoisyDenseNoise, noisyDense, noisyDenseParameters, scaleNoise } from './noisy-dense.ts';
export { type ImageShape, planarToImage, sliceFrames } from './observations.ts';
export {
  checkParameters,
  countParameters,
  type Initializer,
  initializeParameters,
  type ParameterSpec,
  type ParameterSpecs,
  type ParameterTensors,
  parameterOf,
} from './parameters.ts';
export {
  applyMinatarCnn,
  applyPerceptron,
  type MinatarCnnConfig,
  minatarCnnOutputShape,
  minatarCnnParameters,
  type PerceptronConfig,
  perceptronParameters,
} from './small-encoders.ts';
export {
  permuteFeatures,
  TOKENIZER_TYPES,
  type TokenizerConfig,
  type TokenizerType,
  tokenize,
  tokenizerParameters,
  tokenShape,
} from './tokenizers.ts';
