// Linear programs, solved by HiGHS. A program is built once; bounds and costs may change between solutions, and each starts from the last one's basis.
import { InvalidArgumentError, MoeRlError } from '@moe-rl/core';
import loadHighs, { type Highs, type Model } from 'highs';

/** No solution satisfies every constraint. */
export class InfeasibleProgramError extends MoeRlError {
  constructor(message: string, options?: ErrorOptions) {
    super('INFEASIBLE_PROGRAM', message, options);
  }
}

/** Ways to solve, tried in this order: simplex loses its way in a few badly scaled programs, with or without presolve. */
const WAYS = [
  { presolve: 'choose', solver: 'choose' },
  { presolve: 'off', solver: 'choose' },
  { presolve: 'on', solver: 'ipm' },
] as const;

/** One term of a row: `[variable, coefficient]`. */
export type Term = readonly [variable: number, coefficient: number];

export interface ProgramSolution {
  readonly objective: number;
  /** One value per variable. */
  readonly values: Float64Array;
}

/** Collects the variables and rows of a program. */
export class ProgramBuilder {
  readonly #costs: number[] = [];
  readonly #lower: number[] = [];
  readonly #upper: number[] = [];
  readonly #rowLower: number[] = [];
  readonly #rowUpper: number[] = [];
  readonly #starts: number[] = [0];
  readonly #indices: number[] = [];
  readonly #coefficients: number[] = [];

  /** Adds a variable and returns its index. Default bounds: none. */
  variable(lower = Number.NEGATIVE_INFINITY, upper = Number.POSITIVE_INFINITY, cost = 0): number {
    this.#lower.push(lower);
    this.#upper.push(upper);
    return this.#costs.push(cost) - 1;
  }

  /** Adds `lower <= sum of terms <= upper`. Terms of one variable are added up. */
  row(lower: number, upper: number, terms: Iterable<Term>): void {
    const sums = new Map<number, number>();
    for (const [variable, coefficient] of terms) sums.set(variable, (sums.get(variable) ?? 0) + coefficient);
    for (const [variable, coefficient] of sums) {
      if (coefficient === 0) continue;
      this.#indices.push(variable);
      this.#coefficients.push(coefficient);
    }
    this.#rowLower.push(lower);
    this.#rowUpper.push(upper);
    this.#starts.push(this.#indices.length);
  }

  /** Hands the program to the solver. Dispose what comes back. */
  async build(sense: 'minimize' | 'maximize'): Promise<LinearProgram> {
    const highs = await loadSolver();
    const model = highs.createModel({
      numCols: this.#costs.length,
      numRows: this.#rowLower.length,
      sense: highs.constants.objectiveSense[sense],
      colCost: this.#costs,
      colLower: this.#lower,
      colUpper: this.#upper,
      rowLower: this.#rowLower,
      rowUpper: this.#rowUpper,
      matrix: {
        format: 'csr',
        numRows: this.#rowLower.length,
        numCols: this.#costs.length,
        starts: this.#starts,
        indices: this.#indices,
        values: this.#coefficients,
      },
    });
    model.options.set({ output_flag: false });
    return new LinearProgram(highs, model);
  }
}

/** A program in the solver's memory. */
export class LinearProgram {
  readonly #highs: Highs;
  readonly #model: Model;

  constructor(highs: Highs, model: Model) {
    this.#highs = highs;
    this.#model = model;
  }

  setBounds(variable: number, lower: number, upper: number): void {
    this.#model.changeColBounds(variable, lower, upper);
  }

  setCost(variable: number, cost: number): void {
    this.#model.changeColCost(variable, cost);
  }

  /**
   * Solves it.
   * @param isFresh true: forgets the last solution first, so that the result depends on the program alone, also where several are best; default false
   * @param what the program, for messages: `the rewards with budget 3`
   * @throws InfeasibleProgramError when no values satisfy all rows and bounds; InvalidArgumentError when the objective has no bound or the solver gave up
   */
  solve(what: string, isFresh = false): ProgramSolution {
    const { modelStatus } = this.#highs.constants;
    let failure = '';
    for (const [index, way] of WAYS.entries()) {
      if (isFresh || index > 0) this.#model.clearSolver();
      this.#model.options.set(way);
      try {
        this.#model.run();
      } catch (cause) {
        failure = (cause as Error).message;
        continue;
      }
      const status = this.#model.getModelStatus();
      if (status === modelStatus.optimal) {
        return { objective: this.#model.getObjectiveValue(), values: this.#model.getSolution().colValue };
      }
      if (status === modelStatus.infeasible || status === modelStatus.unboundedOrInfeasible) {
        throw new InfeasibleProgramError(`${what}: no rewards satisfy every constraint`);
      }
      failure = Object.entries(modelStatus).find(([, code]) => code === status)?.[0] ?? String(status);
    }
    throw new InvalidArgumentError(`${what}: the linear program ended as ${failure}; expected an optimum`);
  }

  dispose(): void {
    this.#model.dispose();
  }
}

let solver: Promise<Highs> | undefined;

/** Loads the solver's WebAssembly once. */
function loadSolver(): Promise<Highs> {
  solver ??= loadHighs();
  return solver;
}
