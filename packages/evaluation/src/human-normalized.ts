// Human-normalized scores: 0 is a random policy, 1 a human tester.
import { InvalidArgumentError, NotFoundError, requireFinite } from '@moe-rl/core';
import { ATARI_REFERENCE_SCORES, type ReferenceScores } from './atari-scores.ts';

/** `SpaceInvaders`, `space_invaders`, `ALE/SpaceInvaders-v5` and `SpaceInvadersNoFrameskip-v4` all mean `spaceinvaders`. */
export function canonicalGameName(game: string): string {
  return game
    .replace(/^ALE\//, '')
    .replace(/(NoFrameskip|Deterministic)?-v\d+$/, '')
    .replace(/[^A-Za-z0-9]/g, '')
    .toLowerCase();
}

/** The game's scores of reference, or `undefined` where none were published. */
export function referenceScores(game: string): ReferenceScores | undefined {
  const name = canonicalGameName(game);
  return Object.hasOwn(ATARI_REFERENCE_SCORES, name) ? ATARI_REFERENCE_SCORES[name] : undefined;
}

/**
 * `(score - random) / (human - random)`.
 * @throws NotFoundError when the game has no published human score (AirRaid, for instance); InvalidArgumentError for a score that is no finite number
 */
export function humanNormalizedScore(game: string, score: number): number {
  const reference = referenceScores(game);
  if (reference?.human === undefined) {
    throw new NotFoundError(`no human score is published for "${game}"; leave it out of human-normalized aggregates`);
  }
  requireFinite(`score of ${game}`, score);
  return (score - reference.random) / (reference.human - reference.random);
}

export interface NormalizedScoresOutput {
  /** Games that could be normalized, in the order given. */
  readonly games: string[];
  /** One array per game of `games`. */
  readonly scores: Float64Array[];
  /** Games without a human score: not in `scores`, and to be named wherever an aggregate is shown. */
  readonly leftOut: string[];
}

/**
 * Normalizes the raw scores of each game's runs, and says which games have to stay out.
 * @throws InvalidArgumentError for a game that is there twice, under two spellings (it would count twice), runs that are no array, or a score that is no finite number
 */
export function normalizeScores(rawScores: Readonly<Record<string, ArrayLike<number>>>): NormalizedScoresOutput {
  const games: string[] = [];
  const scores: Float64Array[] = [];
  const leftOut: string[] = [];
  const spellings = new Map<string, string>();
  for (const [game, runs] of Object.entries(rawScores)) {
    const name = canonicalGameName(game);
    const other = spellings.get(name);
    if (other !== undefined)
      throw new InvalidArgumentError(
        `"${other}" and "${game}" are one game; expected the scores of all its runs together`,
      );
    spellings.set(name, game);
    if (typeof runs !== 'object' || runs === null || typeof runs.length !== 'number')
      throw new InvalidArgumentError(
        `the scores of ${game} are ${JSON.stringify(runs)}; expected an array, one per run`,
      );
    if (referenceScores(game)?.human === undefined) {
      leftOut.push(game);
      continue;
    }
    games.push(game);
    scores.push(Float64Array.from(runs, (score) => humanNormalizedScore(game, score)));
  }
  return { games, scores, leftOut };
}
