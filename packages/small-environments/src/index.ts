// The public surface of @moe-rl/small-environments: one factory per environment, and all of them by name.
import { NotFoundError } from '@moe-rl/core';
import { catchRules } from './catch.ts';
import { acrobotRules } from './classic-control/acrobot.ts';
import { cartPoleRules } from './classic-control/cart-pole.ts';
import { mountainCarRules } from './classic-control/mountain-car.ts';
import {
  environmentOf,
  type GameRules,
  type SmallEnvironment,
  type SmallEnvironmentConfig,
} from './game-environment.ts';
import { minatarAsterixRules } from './minatar/asterix.ts';
import { minatarBreakoutRules } from './minatar/breakout.ts';
import { minatarFreewayRules } from './minatar/freeway.ts';
import { minatarSeaquestRules } from './minatar/seaquest.ts';
import { minatarSpaceInvadersRules } from './minatar/space-invaders.ts';

export {
  environmentOf,
  type GameRules,
  type SmallEnvironment,
  type SmallEnvironmentConfig,
} from './game-environment.ts';

/** MinAtar's games repeat the action before with probability 0.1, as is usual; 0 turns that off. */
export interface MinatarConfig extends SmallEnvironmentConfig {
  readonly stickyActionProbability?: number;
}

type Factory = (config?: SmallEnvironmentConfig) => SmallEnvironment;

const factory =
  <State extends object>(rules: GameRules<State>): Factory =>
  (config) =>
    environmentOf(rules, config);

const minatarFactory =
  <State extends object>(rules: GameRules<State>) =>
  ({ stickyActionProbability = rules.stickyActionProbability, ...config }: MinatarConfig = {}): SmallEnvironment =>
    environmentOf({ ...rules, stickyActionProbability }, config);

/** CartPole-v1: keep a pole upright for up to 500 steps. */
export const cartPole: Factory = factory(cartPoleRules);
/** MountainCar-v0: swing a car up a hill within 200 steps. */
export const mountainCar: Factory = factory(mountainCarRules);
/** Acrobot-v1: swing a two-link pendulum up within 500 steps. */
export const acrobot: Factory = factory(acrobotRules);
/** bsuite's Catch: be under the falling ball. */
export const catchBall: Factory = factory(catchRules);
export const minatarAsterix: (config?: MinatarConfig) => SmallEnvironment = minatarFactory(minatarAsterixRules);
export const minatarBreakout: (config?: MinatarConfig) => SmallEnvironment = minatarFactory(minatarBreakoutRules);
export const minatarFreeway: (config?: MinatarConfig) => SmallEnvironment = minatarFactory(minatarFreewayRules);
export const minatarSeaquest: (config?: MinatarConfig) => SmallEnvironment = minatarFactory(minatarSeaquestRules);
export const minatarSpaceInvaders: (config?: MinatarConfig) => SmallEnvironment =
  minatarFactory(minatarSpaceInvadersRules);

/** All environments by id. */
export const SMALL_ENVIRONMENTS: Readonly<Record<string, Factory>> = {
  'classic-control/cart-pole': cartPole,
  'classic-control/mountain-car': mountainCar,
  'classic-control/acrobot': acrobot,
  'bsuite/catch': catchBall,
  'minatar/asterix': minatarAsterix,
  'minatar/breakout': minatarBreakout,
  'minatar/freeway': minatarFreeway,
  'minatar/seaquest': minatarSeaquest,
  'minatar/space-invaders': minatarSpaceInvaders,
};

/**
 * Makes an environment by its id.
 * @throws NotFoundError naming the ids there are; InvalidArgumentError for a setting that this game has not, `stickyActionProbability` outside MinAtar
 */
export function createSmallEnvironment(id: string, config?: MinatarConfig): SmallEnvironment {
  const make = Object.hasOwn(SMALL_ENVIRONMENTS, id) ? SMALL_ENVIRONMENTS[id] : undefined;
  if (make === undefined) {
    throw new NotFoundError(`no environment "${id}"; there are: ${Object.keys(SMALL_ENVIRONMENTS).join(', ')}`);
  }
  return make(config);
}
