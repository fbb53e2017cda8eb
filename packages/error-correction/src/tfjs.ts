// Entry @moe-rl/error-correction/tfjs: a small policy in TensorFlow.js that plays all three roles.
export { createNetwork, DEFAULT_NETWORK, type MixtureOfExperts, type NetworkConfig } from './policy/network.ts';
export { createPolicy, type Policy, type PolicyConfig } from './policy/policy.ts';
export { LINE_WORDS, PROMPT_LINES, promptLines, REPLY_WORDS, VOCABULARY } from './policy/vocabulary.ts';
