// How a router's choices for a fixed batch of tokens change over the checkpoints of a training run (2505.10860, appendix H): saturation, change rate,
// and how evenly the experts are used (Jain's index). For choices as typed arrays, one per checkpoint.
import { InvalidArgumentError, requireInteger, ShapeError } from '@moe-rl/core';

export interface RouterChoices {
  /** One [tokens, k] array of expert numbers per checkpoint, oldest first; the k of a token differ from each other. */
  readonly checkpoints: readonly ArrayLike<number>[];
  /** k: experts per token. */
  readonly selected: number;
  /** E */
  readonly experts: number;
}

export interface RouterBehavior {
  /** Per checkpoint: the share of a token's experts that it keeps to the end. The last is 1. */
  readonly saturation: number[];
  /** Per checkpoint but the last: the share of a token's experts at the next checkpoint that it has not now. */
  readonly changeRate: number[];
  /** Per checkpoint: [E], the share of all choices that each expert gets. */
  readonly utilization: number[][];
  /** Per checkpoint: Jain's index of the utilization, from 1 / E (one expert) to 1 (all alike). */
  readonly jain: number[];
}

/** @throws ShapeError for arrays of another length, InvalidArgumentError naming checkpoint and token of a bad or repeated expert */
export function routerBehavior({ checkpoints, selected, experts }: RouterChoices): RouterBehavior {
  requireInteger('experts', experts, 1);
  requireInteger('selected', selected, 1, experts);
  if (checkpoints.length === 0) throw new InvalidArgumentError('there are no checkpoints; expected at least one');
  const length = checkpoints[0]!.length;
  if (length === 0 || length % selected !== 0)
    throw new ShapeError(`checkpoint 0 holds ${length} choices; expected a positive multiple of ${selected}`);
  checkpoints.forEach((choices, checkpoint) => {
    if (choices.length !== length)
      throw new ShapeError(`checkpoint ${checkpoint} holds ${choices.length} choices; checkpoint 0 holds ${length}`);
    requireChoices(choices, checkpoint, selected, experts);
  });
  const last = checkpoints.at(-1)!;
  const utilization = checkpoints.map((choices) => {
    const shares = new Array<number>(experts).fill(0);
    for (let index = 0; index < length; index++) shares[choices[index]!]! += 1 / length;
    return shares;
  });
  return {
    saturation: checkpoints.map((choices) => sharedFraction(choices, last, selected)),
    changeRate: checkpoints
      .slice(1)
      .map((choices, before) => 1 - sharedFraction(choices, checkpoints[before]!, selected)),
    utilization,
    jain: utilization.map(jainIndex),
  };
}

/**
 * (sum r)^2 / (n sum r^2): 1 / n when one share has it all, 1 when all are alike, a / n when a of n are alike and the rest 0.
 * @throws InvalidArgumentError when all shares are 0, or one is negative or not finite
 */
export function jainIndex(shares: ArrayLike<number>): number {
  let largest = 0;
  for (let index = 0; index < shares.length; index++) {
    const share = shares[index]!;
    if (!(share >= 0) || share === Number.POSITIVE_INFINITY)
      throw new InvalidArgumentError(`share ${index} is ${share}; expected a finite number of at least 0`);
    largest = Math.max(largest, share);
  }
  if (largest === 0) throw new InvalidArgumentError('all shares are 0; expected a positive one');
  // Their squares may be more, or less, than a number can hold.
  const isExtreme = largest > 1e100 || largest < 1e-100;
  let sum = 0;
  let square = 0;
  for (let index = 0; index < shares.length; index++) {
    const share = isExtreme ? shares[index]! / largest : shares[index]!;
    sum += share;
    square += share * share;
  }
  return (sum * sum) / (shares.length * square);
}

function requireChoices(choices: ArrayLike<number>, checkpoint: number, selected: number, experts: number): void {
  for (let index = 0; index < choices.length; index++) {
    const token = Math.floor(index / selected);
    const expert = choices[index]!;
    if (!Number.isInteger(expert) || expert < 0 || expert >= experts)
      throw new InvalidArgumentError(
        `checkpoint ${checkpoint}, token ${token}: expert ${expert}; expected an integer from 0 to ${experts - 1}`,
      );
    for (let other = token * selected; other < index; other++) {
      if (choices[other] === expert)
        throw new InvalidArgumentError(`checkpoint ${checkpoint}, token ${token}: expert ${expert} is chosen twice`);
    }
  }
}

/** Mean share of a token's experts in `choices` that are in `others` too. */
function sharedFraction(choices: ArrayLike<number>, others: ArrayLike<number>, selected: number): number {
  let shared = 0;
  for (let index = 0; index < choices.length; index++) {
    const first = index - (index % selected);
    for (let other = first; other < first + selected; other++) if (others[other] === choices[index]) shared++;
  }
  return shared / choices.length;
}
