// State abstractions: the process averaged over cells, rewards of cells laid over their states, and cells found as the leaves of a tree.
import { InvalidArgumentError, requireInteger, ShapeError } from '@moe-rl/core';
import { createMdp, type Mdp } from './mdp.ts';

/**
 * The process over cells: transitions, rewards and first states averaged over each cell's states, all alike (EXPRD).
 * @param cellOf `[S]`: cells, numbered from 0 without gaps
 * @throws ShapeError for another length; InvalidArgumentError for a cell without states, or one that mixes ends and other states
 */
export function abstractProcess(mdp: Mdp, cellOf: Int32Array): Mdp {
  const { stateCount, actionCount, discount, rewards, offsets, successors, probabilities, isTerminal, start } = mdp;
  const cells = requireCells(mdp, cellOf);
  const sizes = new Float64Array(cells);
  const ends = new Float64Array(cells);
  for (let state = 0; state < stateCount; state++) {
    sizes[cellOf[state]!]!++;
    ends[cellOf[state]!]! += isTerminal[state]!;
  }
  for (let cell = 0; cell < cells; cell++) {
    if (ends[cell] !== 0 && ends[cell] !== sizes[cell]) {
      throw new InvalidArgumentError(`cell ${cell} has ends and other states; expected one or the other`);
    }
  }
  const averaged = Array.from({ length: cells }, () => new Array<number>(actionCount).fill(0));
  const moves = Array.from({ length: cells }, () =>
    Array.from({ length: actionCount }, () => new Map<number, number>()),
  );
  const first = new Array<number>(cells).fill(0);
  for (let state = 0; state < stateCount; state++) {
    const cell = cellOf[state]!;
    first[cell]! += start[state]!;
    for (let action = 0; action < actionCount; action++) {
      const at = state * actionCount + action;
      averaged[cell]![action]! += rewards[at]! / sizes[cell]!;
      const row = moves[cell]![action]!;
      for (let index = offsets[at]!; index < offsets[at + 1]!; index++) {
        const next = cellOf[successors[index]!]!;
        row.set(next, (row.get(next) ?? 0) + probabilities[index]! / sizes[cell]!);
      }
    }
  }
  return createMdp({
    discount,
    rewards: averaged,
    transitions: moves.map((row) => row.map((map) => [...map])),
    terminalStates: [...ends.keys()].filter((cell) => ends[cell]! > 0),
    start: first,
  });
}

/**
 * Rewards `[cells, A]` laid over the states of the cells, `[S, A]`.
 * @throws ShapeError when there are no rewards for a cell
 */
export function liftRewards(rewards: Float64Array, cellOf: Int32Array, actionCount: number): Float64Array {
  const lifted = new Float64Array(cellOf.length * actionCount);
  for (const [state, cell] of cellOf.entries()) {
    if (!((cell + 1) * actionCount <= rewards.length))
      throw new ShapeError(
        `rewards have ${rewards.length} values; expected some for cell ${cell}, that of state ${state}`,
      );
    lifted.set(rewards.subarray(cell * actionCount, (cell + 1) * actionCount), state * actionCount);
  }
  return lifted;
}

/** @throws ShapeError or InvalidArgumentError; returns the number of cells */
function requireCells({ stateCount }: Mdp, cellOf: Int32Array): number {
  if (cellOf.length !== stateCount) throw new ShapeError(`cellOf has ${cellOf.length} values; expected ${stateCount}`);
  for (const [state, cell] of cellOf.entries()) requireInteger(`cellOf[${state}]`, cell, 0);
  const cells = cellOf.reduce((most, cell) => Math.max(most, cell), 0) + 1;
  const empty = Array.from({ length: cells }, (_, cell) => cell).find((cell) => !cellOf.includes(cell));
  if (empty !== undefined)
    throw new InvalidArgumentError(`cell ${empty} has no states; expected cells 0 to ${cells - 1}`);
  return cells;
}
