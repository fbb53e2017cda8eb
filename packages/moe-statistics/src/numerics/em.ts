// The EM iteration itself, the same for every model: repeat the EM map until the parameters stand still, and leap ahead in between
// (SQUAREM, scheme S3: Varadhan and Roland, Scandinavian Journal of Statistics 2008), taking a leap only if the likelihood does not fall by it.

/** A model and its data, seen as a map on packed parameters. */
export interface EmProblem {
  /**
   * Evaluates the log-likelihood at `from` and writes the EM successor of `from` to `to`, where the likelihood is not lower, unless an expert that lost
   * its samples was re-seeded. With `mayReseed` false it gives NaN instead.
   */
  step(from: Float64Array, to: Float64Array, mayReseed: boolean): number;
  /** Puts extrapolated parameters back into the parameter space. */
  project(parameters: Float64Array): void;
  /** How many experts have been re-seeded so far. */
  readonly reseedCount: number;
}

export interface EmOptions {
  /** Evaluations of the EM map at most. */
  readonly maxIterations: number;
  /** Converged when no parameter p moves by more than this times (1 + |p|) in an EM step. */
  readonly tolerance: number;
  /** Converged, too, when an EM step gains less log-likelihood than this. */
  readonly logLikelihoodTolerance: number;
  /** Whether to leap. */
  readonly accelerate: boolean;
}

export interface EmRun {
  readonly parameters: Float64Array;
  readonly logLikelihood: number;
  /** The log-likelihood at every accepted point. It falls only where an expert was re-seeded. */
  readonly history: readonly number[];
  readonly iterations: number;
  readonly reseedCount: number;
  readonly stoppedBy: 'parameters' | 'logLikelihood' | 'maxIterations';
}

/** Iterates from `start` (left as it is). */
export function runEm(problem: EmProblem, start: Float64Array, options: EmOptions): EmRun {
  const size = start.length;
  let current = start.slice();
  let next = new Float64Array(size);
  let second = new Float64Array(size);
  const leap = new Float64Array(size);
  const history: number[] = [];
  const reseedsBefore = problem.reseedCount;
  let iterations = 0;
  let logLikelihood = Number.NEGATIVE_INFINITY;
  const finish = (stoppedBy: EmRun['stoppedBy']): EmRun => ({
    parameters: current,
    logLikelihood,
    history,
    iterations,
    reseedCount: problem.reseedCount - reseedsBefore,
    stoppedBy,
  });
  for (;;) {
    // One plain step from `current`, which may end it.
    const reseeds = problem.reseedCount;
    const previous = logLikelihood;
    logLikelihood = problem.step(current, next, true);
    iterations++;
    history.push(logLikelihood);
    if (problem.reseedCount === reseeds) {
      if (largestChange(current, next) < options.tolerance) return finish('parameters');
      const gain = logLikelihood - previous;
      if (gain >= 0 && gain < options.logLikelihoodTolerance) return finish('logLikelihood');
    }
    if (iterations >= options.maxIterations) return finish('maxIterations');
    const isLeapDue = options.accelerate && problem.reseedCount === reseeds && iterations + 2 <= options.maxIterations;
    if (!isLeapDue) {
      [current, next] = [next, current];
      continue;
    }
    // A second step, then the leap from `current` along both.
    const atNext = problem.step(next, second, true);
    iterations++;
    history.push(atNext);
    logLikelihood = atNext;
    if (problem.reseedCount !== reseeds || !extrapolate(current, next, second, leap)) {
      [current, second] = [second, current];
      continue;
    }
    problem.project(leap);
    const atLeap = problem.step(leap, next, false);
    iterations++;
    if (Number.isFinite(atLeap) && atLeap >= atNext) {
      history.push(atLeap);
      logLikelihood = atLeap;
      [current, next] = [next, current];
    } else {
      [current, second] = [second, current];
    }
  }
}

/** The S3 leap: current - 2 a r + a^2 v with r the first step, v the change of step, a = -|r| / |v|. False if there is nothing to gain from it. */
function extrapolate(current: Float64Array, next: Float64Array, second: Float64Array, leap: Float64Array): boolean {
  let stepSquare = 0;
  let changeSquare = 0;
  for (let k = 0; k < current.length; k++) {
    const first = next[k]! - current[k]!;
    const change = second[k]! - next[k]! - first;
    stepSquare += first * first;
    changeSquare += change * change;
  }
  const length = -Math.sqrt(stepSquare / changeSquare);
  if (!(length < -1) || !Number.isFinite(length)) return false;
  const bounded = Math.max(length, -1e4);
  for (let k = 0; k < current.length; k++) {
    const first = next[k]! - current[k]!;
    const change = second[k]! - next[k]! - first;
    leap[k] = current[k]! - 2 * bounded * first + bounded * bounded * change;
  }
  return leap.every(Number.isFinite);
}

function largestChange(from: Float64Array, to: Float64Array): number {
  let largest = 0;
  for (let k = 0; k < from.length; k++) {
    largest = Math.max(largest, Math.abs(to[k]! - from[k]!) / (1 + Math.abs(from[k]!)));
  }
  return largest;
}
