// Entry @moe-rl/error-correction/tfjs: a small policy in TensorFlow.js that plays all three roles.

export type { KeysAndValues, ParameterTensors } from './policy/layers.ts';
export { createNetwork, type DecodedReply, type EncodedPrompt, type Network } from './policy/network.ts';
export { DEFAULT_NETWORK, type MixtureOfExperts, type NetworkConfig } from './policy/network-config.ts';
export { createPolicy, type Policy, type PolicyConfig } from './policy/policy.ts';
export { LINE_WORDS, PROMPT_LINES, promptLines, REPLY_WORDS, VOCABULARY } from './policy/vocabulary.ts';
