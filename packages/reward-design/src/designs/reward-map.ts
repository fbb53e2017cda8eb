// Designed rewards laid out as their environment lies: for pictures.
import { InvalidArgumentError, type StateTree } from '@moe-rl/core';
import type { StateLayout, TabularEnvironment } from '../environments/tabular-environment.ts';
import { type ExplorationOptions, TabularExploration } from '../explors/tabular-exploration.ts';
import type { Mdp } from '../mdp/mdp.ts';
import { requireTable } from '../mdp/mdp.ts';

/** One grid of values for each action. */
export interface RewardMap {
  readonly panels: readonly { readonly title: string; readonly values: readonly (readonly (number | undefined)[])[] }[];
  readonly rowNames: readonly string[];
}

/** Rewards `[S, A]` by place. */
export function rewardMap({ stateCount, actionCount }: Mdp, layout: StateLayout, rewards: Float64Array): RewardMap {
  requireTable('rewards', { stateCount, actionCount }, rewards);
  const { columns, rows, place, rowName, actionNames } = layout;
  const panels = actionNames.map((title, action) => {
    const values = Array.from({ length: rows }, () => new Array<number | undefined>(columns).fill(undefined));
    for (let state = 0; state < stateCount; state++) {
      const [column, row] = place(state) ?? [];
      if (column !== undefined) values[row!]![column] = rewards[state * actionCount + action]!;
    }
    return { title, values };
  });
  const rowNames = rowName === undefined ? [] : Array.from({ length: rows }, (_, row) => rowName(row));
  return { panels, rowNames };
}

/**
 * The rewards `[S, A]` that a design pays as its saved state has it; a bonus counts as what the next state would bring.
 * @param bonus of the design, where it has one of other than the default sizes: states do not hold them
 * @throws InvalidArgumentError for the state of a design that has no table
 */
export function designedRewards(
  { mdp }: TabularEnvironment,
  state: StateTree,
  bonus: Pick<ExplorationOptions, 'bonusScale' | 'largestBonus'> = {},
): Float64Array {
  if (state.rewards instanceof Float64Array) return requireTable('rewards', mdp, state.rewards);
  if (state.kind !== 'tabular-exploration') {
    throw new InvalidArgumentError(
      `the state of the reward design is "${String(state.kind)}"; expected one over known states`,
    );
  }
  const exploration = new TabularExploration(mdp, { ...bonus, hasBonus: true, learned: 'self-supervised' });
  exploration.setState(state);
  const hasVisits = (state.visits as Float64Array).some((count) => count > 0);
  const learned = state.phi as Float64Array;
  const added = hasVisits ? exploration.addedRewards() : learned;
  return mdp.rewards.map((reward, at) => reward + added[at]!);
}
