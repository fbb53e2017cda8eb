// Routers by name: what configurations, layers and saved models use.
import { InvalidArgumentError } from '@moe-rl/core';
import type { CapacityConfig, Router } from './assignment.ts';
import { baseRouter, type HashConfig, hashRouter, type StableConfig, stableRouter } from './routers/balanced.ts';
import { type DeepSeekConfig, deepSeekRouter } from './routers/deepseek.ts';
import { type ExpertChoiceConfig, expertChoiceRouter } from './routers/expert-choice.ts';
import { type PrototypesConfig, prototypesRouter } from './routers/prototypes.ts';
import {
  type DenseToSparseConfig,
  type DynMoleConfig,
  denseToSparseRouter,
  dynMoleRouter,
} from './routers/threshold.ts';
import {
  type GShardConfig,
  gshardRouter,
  type NoisyTopKConfig,
  noisyTopKRouter,
  type RandomConfig,
  randomRouter,
  switchRouter,
  type TokenChoiceConfig,
  tokenChoiceRouter,
} from './routers/token-choice.ts';

/** Options of every router, by its name. */
interface RouterConfigs {
  'token-choice': TokenChoiceConfig;
  switch: CapacityConfig;
  'gshard-top-2': GShardConfig;
  'noisy-top-k': NoisyTopKConfig;
  random: RandomConfig;
  'expert-prototyping': PrototypesConfig;
  'expert-choice': ExpertChoiceConfig;
  base: object;
  hash: HashConfig;
  stable: StableConfig;
  'dense-to-sparse': DenseToSparseConfig;
  deepseek: DeepSeekConfig;
  dynmole: DynMoleConfig;
}

/** A router and its options as plain data: `{ type: 'deepseek', k: 4 }`. */
export type RouterConfig = {
  [Type in keyof RouterConfigs]: { readonly type: Type } & RouterConfigs[Type];
}[keyof RouterConfigs];

const factories: { readonly [Type in keyof RouterConfigs]: (config: RouterConfigs[Type]) => Router } = {
  'token-choice': tokenChoiceRouter,
  switch: switchRouter,
  'gshard-top-2': gshardRouter,
  'noisy-top-k': noisyTopKRouter,
  random: randomRouter,
  'expert-prototyping': prototypesRouter,
  'expert-choice': expertChoiceRouter,
  base: () => baseRouter(),
  hash: hashRouter,
  stable: stableRouter,
  'dense-to-sparse': denseToSparseRouter,
  deepseek: deepSeekRouter,
  dynmole: dynMoleRouter,
};

/** Names that `createRouter` knows. */
export const routerTypes: readonly RouterConfig['type'][] = Object.keys(factories) as RouterConfig['type'][];

/**
 * Makes a router from plain data.
 * @throws InvalidArgumentError for an unknown type, naming the known ones
 */
export function createRouter(config: RouterConfig): Router {
  const { type, ...options } = config;
  if (!Object.hasOwn(factories, type)) {
    throw new InvalidArgumentError(`router type is ${JSON.stringify(type)}; expected one of ${routerTypes.join(', ')}`);
  }
  return (factories[type] as (options: object) => Router)(options);
}
