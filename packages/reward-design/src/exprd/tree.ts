// Tree-shaped abstractions: states share rewards within the leaves of a tree of splits by column and row, grown where a split helps most.
import { requireInteger, requireKnownOptions } from '@moe-rl/core';
import type { StateLayout } from '../environments/tabular-environment.ts';
import { InfeasibleProgramError } from '../linear-program/linear-program.ts';
import type { Mdp } from '../mdp/mdp.ts';
import type { ExprdDesign, ExprdOptions } from './design.ts';
import { DEFAULT_HORIZONS } from './informativeness.ts';
import { ExprdProgram } from './program.ts';
import { designTarget } from './target.ts';

export interface TreeDesign extends ExprdDesign {
  /** `[S]`: leaf of each state. The states of the true reward have leaves of their own. */
  readonly leafOf: Int32Array;
}

/**
 * EXPRD with rewards tied over at most `leaves` leaves, beside the states that the true reward pays at, which stay apart. Each split is by a column or a row, the
 * one under which the most informative rewards are best; where no rewards are possible yet, the one that halves the largest leaf.
 * @throws InvalidArgumentError for fewer than 1 leaf or an unknown option; InfeasibleProgramError where even these leaves allow no rewards that keep optimal policies optimal
 */
export async function growTree(
  mdp: Mdp,
  layout: StateLayout,
  leaves: number,
  options: Pick<ExprdOptions, 'horizons' | 'maxReward'> = {},
): Promise<TreeDesign> {
  requireKnownOptions('growTree', options, ['horizons', 'maxReward']);
  const { horizons = DEFAULT_HORIZONS, maxReward = 10 } = options;
  requireInteger('leaves', leaves, 1, mdp.stateCount);
  const target = designTarget(mdp);
  const { stateCount, actionCount, rewards, isTerminal } = mdp;
  const isPaid = (state: number): boolean =>
    rewards.subarray(state * actionCount, (state + 1) * actionCount).some((reward) => reward !== 0);
  // Leaf 0 holds everything at first; paid states and ends are numbered behind all leaves that can come.
  let leafOf: Int32Array = Int32Array.from({ length: stateCount }, (_, state) =>
    isTerminal[state] || isPaid(state) ? leaves + state : 0,
  );
  const solve = async (tiedTo: Int32Array): Promise<Pick<ExprdDesign, 'rewards' | 'informativeness'> | undefined> => {
    const program = await ExprdProgram.create(target, horizons, { maxReward, tiedTo });
    try {
      for (let state = 0; state < stateCount; state++) program.allow(state, true);
      return program.solve('the rewards tied over leaves');
    } catch (error) {
      if (error instanceof InfeasibleProgramError) return undefined;
      throw error;
    } finally {
      program.dispose();
    }
  };
  let best = await solve(leafOf);
  for (let count = 1; count < leaves; count++) {
    let chosen: { readonly leafOf: Int32Array; readonly value: number; readonly design: typeof best } | undefined;
    for (const split of splitsOf(leafOf, layout, leaves, count)) {
      const design = await solve(split);
      const value = design?.informativeness ?? Number.NEGATIVE_INFINITY;
      if (chosen === undefined || value > chosen.value + 1e-9) chosen = { leafOf: split, value, design };
    }
    if (chosen === undefined) break;
    leafOf = chosen.leafOf;
    best = chosen.design;
  }
  if (best === undefined) {
    throw new InfeasibleProgramError(`the rewards tied over ${leaves} leaves: no rewards satisfy every constraint`);
  }
  return { ...best, leafOf, chosen: [...leafOf.keys()].filter((state) => leafOf[state]! < leaves) };
}

/** Every tree with one split more; those that halve the largest leaf first. */
function splitsOf(leafOf: Int32Array, { place }: StateLayout, leaves: number, newLeaf: number): readonly Int32Array[] {
  const splits: { readonly leafOf: Int32Array; readonly smaller: number }[] = [];
  for (let leaf = 0; leaf < newLeaf; leaf++) {
    const members = [...leafOf.keys()].filter((state) => leafOf[state] === leaf && leafOf[state]! < leaves);
    for (const axis of [0, 1] as const) {
      const places = members.map((state) => place(state)?.[axis] ?? 0);
      for (const threshold of new Set(places)) {
        const beyond = members.filter((_, index) => places[index]! >= threshold);
        if (beyond.length === 0 || beyond.length === members.length) continue;
        const split = leafOf.slice();
        for (const state of beyond) split[state] = newLeaf;
        splits.push({ leafOf: split, smaller: Math.min(beyond.length, members.length - beyond.length) });
      }
    }
  }
  return splits.sort((left, right) => right.smaller - left.smaller).map((split) => split.leafOf);
}
