// Potential-based shaping (Ng, Harada and Russell, 1999): what is added along any path depends on its ends only, so that optimal policies stay optimal.
import { requireFinite, ShapeError } from '@moe-rl/core';
import { expectedNext, type Mdp } from './mdp/mdp.ts';
import { valueIteration } from './mdp/solve.ts';

/**
 * The true reward plus discount x E potential(s') - potential(s), as a table `[S, A]`.
 * @param potential `[S]`; default: V*, the most informative one (every horizon shows the true gaps). Terminal states count as 0.
 * @throws ShapeError for another length; NonFiniteError or InvalidArgumentError for a potential that is no finite number, naming the state
 */
export function shapedRewards(mdp: Mdp, potential: Float64Array = valueIteration(mdp).values): Float64Array {
  const { stateCount, actionCount, discount, isTerminal, rewards } = mdp;
  if (potential.length !== stateCount) {
    throw new ShapeError(`potential has ${potential.length} values; expected ${stateCount}, one per state`);
  }
  const height = potential.map((value, state) => (isTerminal[state] ? 0 : requireFinite(`potential[${state}]`, value)));
  return rewards.map((reward, at) => {
    const state = Math.floor(at / actionCount);
    return isTerminal[state] ? 0 : reward + discount * expectedNext(mdp, height, at) - height[state]!;
  });
}
