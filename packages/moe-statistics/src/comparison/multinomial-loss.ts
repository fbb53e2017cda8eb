// The Voronoi loss of softmax-gated mixtures of multinomial logistic experts (2310.14188): cells by nearest (b1, a, b), not b0.
import { requireIntercepts } from './shared-routed-losses.ts';
import { distance, groupByCell, sumOf, voronoiCells } from './voronoi-cells.ts';

/** One expert with its gate. The pinned last class may be left out. */
export interface MultinomialAtom {
  /** Gate intercept. */
  readonly b0: number;
  /** Gate slopes [d]. */
  readonly b1: readonly number[];
  /** Intercepts of the classes [K]. */
  readonly a: readonly number[];
  /** Slopes of the classes [K][d]. */
  readonly b: readonly (readonly number[])[];
}

/**
 * `sum_j |sum_cell e^b0 - e^b0*_j| + sum_cell e^b0 (Db1^q + sum_l (Da_l^q + Db_l^q))`, q = 1 for cells of one atom, otherwise 2.
 * @throws as `voronoiCells`, and NonFiniteError for a gate intercept that is no finite number
 */
export function multinomialVoronoiLoss(
  truth: readonly MultinomialAtom[],
  fit: readonly MultinomialAtom[],
): { loss: number; cells: number[] } {
  requireIntercepts('true', truth);
  requireIntercepts('fitted', fit);
  const cells = voronoiCells(truth.map(atomVector), fit.map(atomVector));
  const groups = groupByCell(fit, cells, truth.length);
  const loss = sumOf(truth, (atom, index) => cellLoss(atom, groups[index]!));
  return { loss, cells };
}

function cellLoss(truth: MultinomialAtom, cell: readonly MultinomialAtom[]): number {
  const power = cell.length === 1 ? 1 : 2;
  const parameters = sumOf(cell, (atom) => {
    const classes = truth.a.reduce(
      (sum, value, l) => sum + Math.abs(atom.a[l]! - value) ** power + distance(atom.b[l]!, truth.b[l]!) ** power,
      0,
    );
    return Math.exp(atom.b0) * (distance(atom.b1, truth.b1) ** power + classes);
  });
  return Math.abs(sumOf(cell, (atom) => Math.exp(atom.b0)) - Math.exp(truth.b0)) + parameters;
}

const atomVector = (atom: MultinomialAtom): number[] => [...atom.b1, ...atom.a, ...atom.b.flat()];
