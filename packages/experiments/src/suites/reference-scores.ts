// What 0 and 1 mean on each game. Atari: a random policy and a human tester, as in the literature. The small games have no human score; there a yardstick stands
// in its place, so that games can be averaged. A yardstick is a convention, not a measurement of anybody.
import { referenceScores as atariReferenceScores } from '@moe-rl/evaluation';

export interface ReferencePoints {
  /** Score that counts as 0. */
  readonly random: number;
  /** Score that counts as 1. */
  readonly reference: number;
  /** What the reference is, for legends. */
  readonly source: 'human' | 'yardstick';
}

/**
 * Random: our own measurement, 300 episodes or more of uniformly random actions under the standard settings. Reference: Gymnasium's reward thresholds for classic
 * control (475, -110, -100); the most that Catch pays; round numbers for MinAtar (the size of score that DQN agents end at) and for Windfall (what the
 * quickstart's agent reaches).
 */
const SMALL_GAMES: Readonly<Record<string, readonly [random: number, reference: number]>> = {
  windfall: [1.25, 40],
  'classic-control/cart-pole': [22, 475],
  'classic-control/mountain-car': [-200, -110],
  'classic-control/acrobot': [-498.6, -100],
  'bsuite/catch': [-0.6, 1],
  'minatar/asterix': [0.48, 20],
  'minatar/breakout': [0.52, 10],
  'minatar/freeway': [0.1, 50],
  'minatar/seaquest': [0.11, 20],
  'minatar/space-invaders': [2.84, 50],
};

/** The reference points of a game; undefined where there are none (AirRaid, for instance): such a game stays out of aggregates. */
export function referencePoints(game: string): ReferencePoints | undefined {
  const small = Object.hasOwn(SMALL_GAMES, game) ? SMALL_GAMES[game] : undefined;
  if (small !== undefined) return { random: small[0], reference: small[1], source: 'yardstick' };
  const atari = atariReferenceScores(game);
  return atari?.human === undefined ? undefined : { random: atari.random, reference: atari.human, source: 'human' };
}

/** `(score - random) / (reference - random)`; undefined where the game has no reference points. */
export function normalizedScore(game: string, score: number): number | undefined {
  const points = referencePoints(game);
  return points === undefined ? undefined : (score - points.random) / (points.reference - points.random);
}
