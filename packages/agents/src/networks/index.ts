// Value networks: encoder + tokens + mixture + head, as configuration.
export type { EncoderConfig, MoeConfig, NetworkConfig, TokensConfig } from './config.ts';
export type { ExpertsNoise, MoeRecord } from './moe.ts';
export {
  createNetwork,
  formatParameterBlocks,
  type Network,
  type NetworkInput,
  type NetworkNoise,
  type NetworkOutput,
  type NoiseSizes,
  type ParameterBlock,
} from './network.ts';
