// Everything an agent learns or remembers in tensors, by name: online and target parameters, optimizer slots, masks. What a checkpoint holds.
import type { Rng } from '@moe-rl/core';
import type { Variable } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import type { AgentConfig } from '../config/agent-config.ts';
import type { Network } from '../networks/network-interface.ts';
import { createOptimizer } from '../optimizers/index.ts';
import { createSparseTraining, type SparseTraining } from './sparse-training.ts';
import type { UpdateStepConfig } from './update-step.ts';

type Variables = Readonly<Record<string, Variable>>;

export interface AgentVariables extends Pick<UpdateStepConfig, 'online' | 'target' | 'optimizers' | 'masks'> {
  /** All of them: `params/...`, `target/...`, `optimizer/...`, `routerOptimizer/...`, `mask/...`. */
  readonly all: Variables;
  readonly sparseTraining: SparseTraining | undefined;
}

/** The parameter that an optimizer's slot belongs to (`optimizer/firstMoment/Dense_0/kernel`: `Dense_0/kernel`); undefined for other variables. */
export function slotOwner(variable: string): string | undefined {
  return /^(?:optimizer|routerOptimizer)\/[^/]+\/(.+)$/.exec(variable)?.[1];
}

/** Makes the variables; `rng` draws the parameters, and the target network starts as a copy. */
export function createVariables(config: AgentConfig, network: Network, rng: Rng): AgentVariables {
  const initial = network.initialize(rng);
  const sparseTraining = createSparseTraining(config.sparsity, network, rng.fork('masks'));
  const masks: Record<string, Variable> = {};
  for (const [name, mask] of Object.entries(sparseTraining?.initialMasks ?? {})) {
    masks[name] = tf.tidy(() => tf.variable(tf.tensor(mask, [...network.parameterShapes[name]!.shape]), false));
    const values = initial[name]!.data;
    for (let index = 0; index < values.length; index++) values[index]! *= mask[index]!;
  }
  const online: Record<string, Variable> = {};
  const target: Record<string, Variable> = {};
  for (const [name, { shape, data }] of Object.entries(initial)) {
    // Copies: tfjs keeps the array it is given, and the two networks must not share one.
    online[name] = tf.tidy(() => tf.variable(tf.tensor(data.slice(), [...shape]), true));
    target[name] = tf.tidy(() => tf.variable(tf.tensor(data.slice(), [...shape]), false));
  }
  const optimizers = optimizerGroups(config, network).map((group) => ({
    ...group,
    optimizer: createOptimizer(group.config, Object.fromEntries(group.names.map((name) => [name, online[name]!]))),
  }));
  const all: Record<string, Variable> = {};
  const addAll = (prefix: string, group: Variables): void => {
    for (const [name, variable] of Object.entries(group)) all[`${prefix}/${name}`] = variable;
  };
  addAll('params', online);
  addAll('target', target);
  for (const { prefix, optimizer } of optimizers) addAll(prefix, optimizer.variables);
  addAll('mask', masks);
  return { all, online, target, optimizers, masks, sparseTraining };
}

/** Which optimizer moves which parameters: one for all, or routers by their own. */
function optimizerGroups(config: AgentConfig, network: Network) {
  const { optimizer, routerOptimizer = { type: 'shared' } } = config;
  const all = network.trainableParameters;
  if (routerOptimizer.type === 'shared') return [{ prefix: 'optimizer', config: optimizer, names: all }];
  const routers = new Set(network.routerParameters);
  return [
    { prefix: 'optimizer', config: optimizer, names: all.filter((name) => !routers.has(name)) },
    { prefix: 'routerOptimizer', config: routerOptimizer, names: all.filter((name) => routers.has(name)) },
  ].filter(({ names }) => names.length > 0);
}
