// Learning rules: target, loss and penalties of each agent, open to others.
export { COADAPTATION, CONSERVATIVE, crossEntropyLoss, valueError } from './losses.ts';
export { categoricalDoubleTarget, categoricalGreedyTarget, doubleTarget, greedyTarget } from './targets.ts';
export type { AgentVariant, LossContext, LossRule, Penalty, TargetContext, TargetRule } from './variant.ts';
export {
  C51,
  CQL,
  CQL_C51,
  DOUBLE_DQN,
  DQN,
  listAgentVariants,
  RAINBOW,
  registerAgentVariant,
  variantOf,
} from './variants.ts';
