// LineK as EXPRD has it: a line without cells. Designs work on an abstraction of it, cells of equal width, over which the process is averaged.
import { InvalidArgumentError, requireFinite, requireInteger, requireKnownOptions, ShapeError } from '@moe-rl/core';
import { environmentOf, type SmallEnvironmentConfig } from '@moe-rl/small-environments';
import { abstractProcess } from '../mdp/abstraction.ts';
import { createMdp, type Mdp } from '../mdp/mdp.ts';
import { lineLayout } from './line-key.ts';
import type { TabularEnvironment } from './tabular-environment.ts';

export interface LineKeyContinuousConfig {
  /** Chance that left and right are exchanged. Default 0.1. */
  readonly slipProbability?: number;
  /** Pay of going right at the goal with the key. Default 10. */
  readonly goalReward?: number;
  /** Default 0.95. */
  readonly discount?: number;
  /** Agent steps of an episode. Default 50. */
  readonly horizon?: number;
  /** Width of the cells of the abstraction; 1 must be a multiple. Default 0.05: 40 states and the end. */
  readonly cellWidth?: number;
}

const STEP = 0.075;
const STEP_SPREAD = 0.01;
/** Points of a cell that its averages are taken over. */
const POINTS_PER_CELL = 10;
/** Lengths of a step that they are taken over. */
const LENGTHS = 5;

const isKeyThere = (x: number): boolean => x >= 0.1 && x <= 0.2;
const isGoal = (x: number): boolean => x >= 0.9;

/**
 * Observation: x and whether it has the key. Actions: left, right, pick. Steps are 0.065 to 0.085 long; walls at 0 and 1; starts anywhere from 0.3 to 0.4 without
 * the key, which lies at 0.1 to 0.2. Right at the goal, from 0.9, with the key pays and ends.
 */
export function lineKeyContinuous(
  settings: LineKeyContinuousConfig = {},
  config: SmallEnvironmentConfig = {},
): TabularEnvironment {
  const names = ['slipProbability', 'goalReward', 'discount', 'horizon', 'cellWidth'];
  requireKnownOptions('lineKeyContinuous', settings, names);
  const { slipProbability = 0.1, goalReward = 10, discount = 0.95, horizon = 50, cellWidth = 0.05 } = settings;
  requireFinite('slipProbability', slipProbability, 0, 1);
  requireFinite('goalReward', goalReward, 0);
  const cells = Math.round(1 / requireFinite('cellWidth', cellWidth, 0.005, 0.5));
  if (Math.abs(cells * cellWidth - 1) > 1e-9) {
    throw new InvalidArgumentError(`cellWidth is ${cellWidth}; expected a width of which 1 is a multiple`);
  }
  const id = 'navigation/line-key-continuous';
  const environment = environmentOf<{ x: number; hasKey: boolean }>(
    {
      id,
      observationSpec: { frameShape: [2], stackSize: 1, dtype: 'float32' },
      actionCount: 3,
      maxEpisodeAgentSteps: requireInteger('horizon', horizon, 1),
      stickyActionProbability: 0,
      begin: (rng) => ({ x: 0.3 + 0.1 * rng.nextFloat(), hasKey: false }),
      advance(play, action, rng) {
        if (action === 2) {
          play.hasKey ||= isKeyThere(play.x);
          return { reward: 0, terminated: false };
        }
        const isPaid = action === 1 && play.hasKey && isGoal(play.x);
        const isRight = rng.nextFloat() < slipProbability ? action === 0 : action === 1;
        const length = STEP + STEP_SPREAD * (2 * rng.nextFloat() - 1);
        const terminated = isRight && play.hasKey && isGoal(play.x);
        play.x = Math.min(1, Math.max(0, play.x + (isRight ? length : -length)));
        return { reward: isPaid ? goalReward : 0, terminated };
      },
      observe({ x, hasKey }, target) {
        target[0] = x;
        target[1] = hasKey ? 1 : 0;
      },
    },
    config,
  );
  const cellOf = (x: number): number => Math.min(cells - 1, Math.floor(x * cells + 1e-6));
  return {
    ...environment,
    mdp: averagedProcess(cells, { slipProbability, goalReward, discount }),
    layout: lineLayout(cells),
    stateOf(observation) {
      const [x, hasKey] = observation;
      if (observation.length !== 2)
        throw new ShapeError(`${id}: the observation has ${observation.length} values; expected 2`);
      if (!(x! >= 0 && x! <= 1)) throw new InvalidArgumentError(`${id}: x is ${x}; expected a number from 0 to 1`);
      return cellOf(x!) + (hasKey === 1 ? cells : 0);
    },
    observationOf: (state) => Float32Array.of(((state % cells) + 0.5) / cells, state >= cells ? 1 : 0),
  };
}

/** The process between fine points, averaged over cells. It knows no end: that is the last state. */
function averagedProcess(
  cells: number,
  {
    slipProbability,
    goalReward,
    discount,
  }: Required<Pick<LineKeyContinuousConfig, 'slipProbability' | 'goalReward' | 'discount'>>,
): Mdp {
  const points = cells * POINTS_PER_CELL;
  const terminal = 2 * points;
  const at = (point: number): number => (point + 0.5) / points;
  const pointOf = (x: number): number => Math.min(points - 1, Math.max(0, Math.floor(x * points)));
  const moves = (x: number, hasKey: boolean, direction: number): (readonly [number, number])[] => {
    if (direction > 0 && hasKey && isGoal(x)) return [[terminal, 1]];
    return Array.from({ length: LENGTHS }, (_, index) => {
      const length = STEP + STEP_SPREAD * ((2 * index + 1) / LENGTHS - 1);
      return [pointOf(x + direction * length) + (hasKey ? points : 0), 1 / LENGTHS] as const;
    });
  };
  const mixed = (x: number, hasKey: boolean, direction: number) => [
    ...moves(x, hasKey, direction).map(([next, share]) => [next, share * (1 - slipProbability)] as const),
    ...moves(x, hasKey, -direction).map(([next, share]) => [next, share * slipProbability] as const),
  ];
  const states = Array.from({ length: terminal }, (_, state) => ({
    x: at(state % points),
    hasKey: state >= points,
    state,
  }));
  const starts = states.map(({ x, hasKey }) => (!hasKey && x >= 0.3 && x < 0.4 ? 1 : 0));
  const starting = starts.reduce<number>((sum, value) => sum + value, 0);
  const fine = createMdp({
    discount,
    rewards: [...states.map(({ x, hasKey }) => [0, hasKey && isGoal(x) ? goalReward : 0, 0]), [0, 0, 0]],
    transitions: [
      ...states.map(({ x, hasKey, state }) => [
        mixed(x, hasKey, -1),
        mixed(x, hasKey, 1),
        [[!hasKey && isKeyThere(x) ? state + points : state, 1] as const],
      ]),
      [terminal, terminal, terminal],
    ],
    terminalStates: [terminal],
    start: [...starts.map((value) => value / starting), 0],
  });
  const cellOf = Int32Array.from({ length: terminal + 1 }, (_, state) => Math.floor(state / POINTS_PER_CELL));
  return abstractProcess(fine, cellOf);
}
