// The shape of results that every statistic here takes: per game, the scores of its runs.
import { InvalidArgumentError, NonFiniteError, ShapeError } from '@moe-rl/core';

/** One array per game, holding one (normalized) score per run. Games may have different numbers of runs. */
export type GameScores = readonly ArrayLike<number>[];

/**
 * Turns rows of runs (`[runs][games]`, rliable's layout) into `GameScores`.
 * @throws ShapeError when the rows differ in length; NonFiniteError naming the run and the game of what is no number (null would count as 0)
 */
export function fromRuns(rows: readonly ArrayLike<number>[]): Float64Array[] {
  const games = rows[0]?.length ?? 0;
  rows.forEach((row, run) => {
    if (row.length !== games) throw new ShapeError(`run ${run} has ${row.length} games; expected ${games}`);
    for (let game = 0; game < games; game++) {
      if (!Number.isFinite(row[game]))
        throw new NonFiniteError(`run ${run}, game ${game} is ${row[game]}; expected a finite score`);
    }
  });
  return Array.from({ length: games }, (_, game) => Float64Array.from(rows, (row) => row[game]!));
}

/**
 * Checks that there is at least one game, at least one run of each, and that every score is finite.
 * @throws InvalidArgumentError or NonFiniteError, naming the game and the run
 */
export function requireGameScores(name: string, scores: GameScores): void {
  if (!Array.isArray(scores)) throw new InvalidArgumentError(`${name} is no array; expected one array per game`);
  if (scores.length === 0) throw new InvalidArgumentError(`${name} has no games; expected at least one`);
  scores.forEach((runs, game) => {
    if (typeof runs !== 'object' || runs === null || typeof runs.length !== 'number')
      throw new InvalidArgumentError(
        `${name}: game ${game} is ${JSON.stringify(runs)}; expected an array with the scores of its runs`,
      );
    if (runs.length === 0) throw new InvalidArgumentError(`${name}: game ${game} has no runs; expected at least one`);
    for (let run = 0; run < runs.length; run++) {
      if (!Number.isFinite(runs[run])) {
        throw new NonFiniteError(`${name}: game ${game}, run ${run} is ${runs[run]}; expected a finite score`);
      }
    }
  });
}
