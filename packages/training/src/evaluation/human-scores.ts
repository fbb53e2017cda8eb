// Human-normalized scores where the game has them.
import { humanNormalizedScore as normalize, referenceScores } from '@moe-rl/evaluation';

/** (score - random) / (human - random); undefined for games without a published human score (our own ones, AirRaid, ...). */
export function humanNormalizedScore(game: string, score: number): number | undefined {
  return referenceScores(game)?.human === undefined ? undefined : normalize(game, score);
}
