// What the five MinAtar games share: a 10 x 10 board seen as one plane per kind of thing, and the six actions.
import type { ObservationSpec } from '@moe-rl/core';
import type { GameRules } from '../game-environment.ts';

export const SIZE = 10;

/** Action numbers of every MinAtar game (0 does nothing); a game ignores those it has no use for. */
export const LEFT = 1;
export const UP = 2;
export const RIGHT = 3;
export const DOWN = 4;
export const FIRE = 5;

/** The settings that all five games share, with `planes` kinds of things. */
export function minatarSettings(
  name: string,
  planes: number,
): Pick<
  GameRules<object>,
  'id' | 'observationSpec' | 'actionCount' | 'maxEpisodeAgentSteps' | 'isBoard' | 'stickyActionProbability'
> {
  const observationSpec: ObservationSpec = { frameShape: [planes, SIZE, SIZE], stackSize: 1, dtype: 'uint8' };
  return {
    id: `minatar/${name}`,
    observationSpec,
    actionCount: 6,
    maxEpisodeAgentSteps: undefined,
    isBoard: true,
    stickyActionProbability: 0.1,
  };
}

/** Marks a cell of a plane with 1; cells off the board are ignored. */
export function mark(target: Float32Array | Uint8Array, plane: number, x: number, y: number): void {
  if (isOnBoard(x, y)) target[(plane * SIZE + y) * SIZE + x] = 1;
}

export function isOnBoard(x: number, y: number): boolean {
  return x >= 0 && x < SIZE && y >= 0 && y < SIZE;
}

export function clamp(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(value, high));
}
