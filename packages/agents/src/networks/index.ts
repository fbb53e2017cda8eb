// Value networks: encoder + tokens + mixture + head, as configuration.
export {
  type EncoderConfig,
  type MixtureConfig,
  type MoeConfig,
  mixtureOf,
  type NetworkConfig,
  type RouterSettings,
  type TokensConfig,
} from './config.ts';
export type { Encoder, FeatureShape } from './encoder.ts';
export { type EncoderFactory, encoderTypes, registerEncoder } from './encoders.ts';
export type { ExpertsNoise, MoeRecord } from './moe.ts';
export { createNetwork, formatParameterBlocks } from './network.ts';
export type {
  Network,
  NetworkInput,
  NetworkNoise,
  NetworkOutput,
  NoiseSizes,
  ParameterBlock,
} from './network-interface.ts';
export { type RouterMeasures, softRouterMeasures, sparseRouterMeasures } from './router-measures.ts';
export type { RoutingPass } from './routing.ts';
