// Multi-start EM, the same for every model: short runs from each start, the best one goes on to convergence; a start that fails is told, not hidden.
import {
  createRng,
  InvalidArgumentError,
  isMoeRlError,
  NonFiniteError,
  type Rng,
  requireBoolean,
  requireFinite,
  requireInteger,
} from '@moe-rl/core';
import { bayesianInformationCriterion, type FitOptions, type MixtureFit, type StartReport } from './mixture.ts';
import { type EmOptions, type EmProblem, type EmRun, runEm } from './numerics/em.ts';

export interface ResolvedFitOptions {
  readonly starts: number;
  readonly shortIterations: number;
  readonly seed: number;
  readonly maxIterations: number;
  readonly tolerance: number;
  readonly likelihoodTolerance: number;
  readonly accelerate: boolean;
  readonly innerSteps: number;
}

const FIT_OPTIONS = [
  'starts',
  'shortIterations',
  'seed',
  'initial',
  'maxIterations',
  'tolerance',
  'likelihoodTolerance',
  'accelerate',
  'innerSteps',
];

/**
 * Fills in defaults, and refuses what is unknown by name.
 * @param ownOptions names of the options that this model adds
 */
export function resolveFitOptions(options: FitOptions<unknown>, ownOptions: readonly string[]): ResolvedFitOptions {
  if (typeof options !== 'object' || options === null)
    throw new InvalidArgumentError(`options is ${options === null ? 'null' : typeof options}; expected an object`);
  for (const name of Object.keys(options)) {
    if (!FIT_OPTIONS.includes(name) && !ownOptions.includes(name)) {
      throw new InvalidArgumentError(
        `unknown option "${name}"; expected one of ${[...ownOptions, ...FIT_OPTIONS].join(', ')}`,
      );
    }
  }
  return {
    starts: requireInteger('starts', options.starts ?? 8, 1),
    shortIterations: requireInteger('shortIterations', options.shortIterations ?? 25, 1),
    seed: requireInteger('seed', options.seed ?? 0, 0),
    maxIterations: requireInteger('maxIterations', options.maxIterations ?? 2000, 1),
    tolerance: requireFinite('tolerance', options.tolerance ?? 1e-6, 0),
    likelihoodTolerance: requireFinite('likelihoodTolerance', options.likelihoodTolerance ?? 1e-7, 0),
    accelerate: requireBoolean('accelerate', options.accelerate ?? true),
    innerSteps: requireInteger('innerSteps', options.innerSteps ?? 1, 1),
  };
}

/** One data set's EM map, and where to start it. */
export interface StartableProblem {
  readonly problem: EmProblem;
  /** The sum of the weights. */
  readonly sampleCount: number;
  /** Packed parameters of a random start; its number says which kind, if there are several. */
  randomStart(rng: Rng, start: number): Float64Array;
}

export interface StartedProblem<Model> extends StartableProblem {
  readonly parameterCount: number;
  /** Packed parameters to start from, or null where the options give none. */
  readonly initial: Float64Array | null;
  /** The same on a part of the samples, when there are so many that choosing a start on all of them would take longer than the fit. */
  readonly pilot: StartableProblem | null;
  unpack(parameters: Float64Array): Model;
  /** Names of the parameters on the edge of the box. */
  atBound(parameters: Float64Array): string[];
}

/** EM steps of the best start on the pilot samples, at most. */
const PILOT_ITERATIONS = 600;

/** @throws the first start's error if every start fails */
export function fitFromStarts<Model>(started: StartedProblem<Model>, options: ResolvedFitOptions): MixtureFit<Model> {
  const { problem, sampleCount, parameterCount, pilot } = started;
  const emOptions = {
    maxIterations: options.maxIterations,
    tolerance: options.tolerance,
    logLikelihoodTolerance: options.likelihoodTolerance * sampleCount,
    accelerate: options.accelerate,
  };
  const starts: StartReport[] = [];
  let short: EmRun | null = null;
  let from = started.initial;
  if (from === null) {
    short = bestStart(pilot ?? started, { ...emOptions, maxIterations: options.shortIterations }, options, starts);
    from = short.parameters;
    if (pilot !== null) {
      // Well converged, where it is cheap: along a plateau of the likelihood a small gain per step is no sign of an end.
      from = runEm(pilot.problem, from, {
        ...emOptions,
        maxIterations: PILOT_ITERATIONS,
        logLikelihoodTolerance: 1e-8 * pilot.sampleCount,
      }).parameters;
      short = null;
    }
  }
  const left = options.maxIterations - (short?.iterations ?? 0);
  const isDone = short !== null && (short.stoppedBy !== 'maxIterations' || left < 1);
  const run = isDone ? short! : requireLikelihood(runEm(problem, from, { ...emOptions, maxIterations: left }));
  const isContinued = short !== null && run !== short;
  return {
    model: started.unpack(run.parameters),
    logLikelihood: run.logLikelihood,
    parameterCount,
    sampleCount,
    bic: bayesianInformationCriterion(run.logLikelihood, parameterCount, sampleCount),
    aic: -2 * run.logLikelihood + 2 * parameterCount,
    convergence: {
      converged: run.stoppedBy !== 'maxIterations',
      stoppedBy: run.stoppedBy,
      iterations: run.iterations + (isContinued ? short!.iterations : 0),
      history: isContinued ? [...short!.history, ...run.history.slice(1)] : run.history,
      reseededExperts: run.reseedCount + (isContinued ? short!.reseedCount : 0),
      atBound: started.atBound(run.parameters),
      starts: starts.length > 0 ? starts : [{ start: 0, logLikelihood: run.logLikelihood, failure: null }],
    },
  };
}

/** @throws NonFiniteError where the samples have no likelihood, as when every mean that a start gives is too large for a number */
function requireLikelihood(run: EmRun): EmRun {
  if (Number.isFinite(run.logLikelihood)) return run;
  throw new NonFiniteError(
    `the log-likelihood is ${run.logLikelihood}; expected a start under which every sample has a density, and numbers that are not too large`,
  );
}

/** The best of the short runs; each is told in `starts`. */
function bestStart(
  { problem, randomStart }: StartableProblem,
  emOptions: EmOptions,
  options: ResolvedFitOptions,
  starts: StartReport[],
): EmRun {
  let best: EmRun | null = null;
  let firstFailure: unknown;
  const shortOptions = { ...emOptions, maxIterations: Math.min(options.shortIterations, options.maxIterations) };
  for (let start = 0; start < options.starts; start++) {
    try {
      const parameters = randomStart(createRng(options.seed, `statistics/start/${start}`), start);
      const run = requireLikelihood(runEm(problem, parameters, shortOptions));
      starts.push({ start, logLikelihood: run.logLikelihood, failure: null });
      if (best === null || run.logLikelihood > best.logLikelihood) best = run;
    } catch (error) {
      if (!isMoeRlError(error)) throw error;
      firstFailure ??= error;
      starts.push({ start, logLikelihood: null, failure: error.message });
    }
  }
  if (best === null) throw firstFailure;
  return best;
}
