// The agents as records: read a column to see what two of them differ by. Rainbow's and DER's other parts are configuration (prioritized replay, dueling
// and noisy networks), as are DrQ's (augmented images); presets.ts has those.
import { createRegistry, InvalidArgumentError, requireFunctions, requireOneOf } from '@moe-rl/core';
import type { AgentConfig, LearningConfig } from '../config/agent-config.ts';
import { COADAPTATION, CONSERVATIVE, crossEntropyLoss, valueError } from './losses.ts';
import { categoricalDoubleTarget, categoricalGreedyTarget, doubleTarget, greedyTarget } from './targets.ts';
import type { AgentVariant, Penalty } from './variant.ts';

/** Mnih et al. 2015. */
export const DQN: AgentVariant = {
  name: 'dqn',
  description: 'DQN: the target network’s largest value (Mnih et al. 2015)',
  values: 'plain',
  target: greedyTarget,
  loss: valueError,
  penalties: [],
};

/** van Hasselt et al. 2016; DrQ(eps) learns by it. */
export const DOUBLE_DQN: AgentVariant = {
  ...DQN,
  name: 'double-dqn',
  description: 'Double DQN: the online network chooses, the target network values (van Hasselt et al. 2016)',
  target: doubleTarget,
};

/** Bellemare et al. 2017. */
export const C51: AgentVariant = {
  name: 'c51',
  description: 'C51: distributions instead of values (Bellemare et al. 2017)',
  values: 'categorical',
  target: categoricalGreedyTarget,
  loss: crossEntropyLoss,
  penalties: [],
};

/** Hessel et al. 2018; DER learns by it. */
export const RAINBOW: AgentVariant = {
  ...C51,
  name: 'rainbow',
  description: 'Rainbow: C51 with the choice of Double DQN (Hessel et al. 2018)',
  target: categoricalDoubleTarget,
};

/** Kumar et al. 2020: values of actions that are not in the data are held down. */
export const CQL: AgentVariant = {
  ...DQN,
  name: 'cql',
  description: 'CQL: DQN with values of actions that are not in the data held down (Kumar et al. 2020)',
  penalties: [CONSERVATIVE],
};

/** The same on distributions. */
export const CQL_C51: AgentVariant = {
  ...RAINBOW,
  name: 'cql-c51',
  description: 'CQL + C51: distributions, with expected values held down (Kumar et al. 2020)',
  penalties: [CONSERVATIVE],
};

const SWITCHED_PENALTIES: readonly Penalty[] = [CONSERVATIVE, COADAPTATION];

/** The variant that the switches of a configuration make up, as in the official code: `atoms`, `doubleQ` and a coefficient for each penalty. */
function switchedVariant(config: LearningConfig): AgentVariant {
  const variant = config.atoms === 1 ? (config.doubleQ ? DOUBLE_DQN : DQN) : config.doubleQ ? RAINBOW : C51;
  return { ...variant, penalties: SWITCHED_PENALTIES.filter(({ coefficient }) => coefficient(config) > 0) };
}

const variants = createRegistry<AgentVariant | 'switches'>('agent variant', {
  switches: 'switches',
  ...Object.fromEntries([DQN, DOUBLE_DQN, C51, RAINBOW, CQL, CQL_C51].map((variant) => [variant.name, variant])),
});

/**
 * Adds a variant, which `agent.variant` can name from then on.
 * @throws InvalidArgumentError when its name is taken by another, or naming the member that it lacks
 */
export function registerAgentVariant(variant: AgentVariant): void {
  const what = `agent variant "${variant?.name}"`;
  requireFunctions(what, variant, ['target', 'loss']);
  requireOneOf(`${what}: values`, variant.values, ['plain', 'categorical']);
  if (!Array.isArray(variant.penalties)) {
    throw new InvalidArgumentError(
      `${what}: penalties is ${JSON.stringify(variant.penalties)}; expected a list, [] where there are none`,
    );
  }
  for (const penalty of variant.penalties) requireFunctions(`${what}: a penalty`, penalty, ['coefficient', 'value']);
  variants.register(variant.name, variant);
}

/** Names that `agent.variant` takes: `switches`, the built-in variants, and what was registered. */
export function listAgentVariants(): readonly string[] {
  return variants.names();
}

/**
 * The variant of a configuration.
 * @throws InvalidArgumentError where a switch is set that the variant does not read, or the network gives the other kind of values
 */
export function variantOf({ agent }: Pick<AgentConfig, 'agent'>): AgentVariant {
  const variant = variants.get(agent.variant);
  if (variant === 'switches') return switchedVariant(agent);
  const refuse = (setting: string, value: unknown, expected: string): never => {
    throw new InvalidArgumentError(
      `agent.${setting} is ${value}, but agent.variant is "${agent.variant}"; expected ${expected}`,
    );
  };
  if (agent.doubleQ) refuse('doubleQ', true, 'false: the variant says which network chooses');
  if (variant.values === 'plain' && agent.atoms !== 1)
    refuse('atoms', agent.atoms, '1: the variant learns plain values');
  if (variant.values === 'categorical' && agent.atoms === 1)
    refuse('atoms', 1, 'more: the variant learns distributions');
  for (const { name, coefficient } of SWITCHED_PENALTIES) {
    const isListed = variant.penalties.some((penalty) => penalty.name === name);
    if (isListed !== coefficient(agent) > 0) {
      refuse(`${name}Coefficient`, coefficient(agent), isListed ? 'more than 0' : '0: the variant has no such penalty');
    }
  }
  return variant;
}
