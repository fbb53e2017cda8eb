// Voronoi losses D1 to D4 between a fitted and a true measure of a mixture with shared and routed experts (2505.10860, equations 4, 6, 10, 11).
// Cells: shared atoms by (kappa, tau), routed ones by (b1, eta, nu), not b0. With c the size of a cell, a block's distance counts with the first power
// where c = 1 and with a higher one where c > 1: there only the sum over the cell is determined well.
import { InvalidArgumentError, NonFiniteError, requireOneOf } from '@moe-rl/core';
import { sigmoid } from '../numerics/special.ts';
import { distance, groupByCell, sumOf, voronoiCells } from './voronoi-cells.ts';

/** A shared expert: its weight w, its parameters kappa, its variance tau. For D2 kappa is slopes, then the intercept. */
export interface SharedAtom {
  readonly weight: number;
  readonly kappa: readonly number[];
  readonly tau: number;
}

/** A routed expert: gate intercept b0 and slopes b1, its parameters eta, its variance nu. For D2 eta is slopes, then the intercept. */
export interface RoutedAtom {
  readonly b0: number;
  readonly b1: readonly number[];
  readonly eta: readonly number[];
  readonly nu: number;
}

export interface SharedRoutedMeasure {
  readonly shared: readonly SharedAtom[];
  readonly routed: readonly RoutedAtom[];
}

/** What a loss is made of; the parts add up to it. */
export interface VoronoiLossParts {
  /** Weights of whole cells: sums over the cell against the true atom's. */
  readonly weights: number;
  /** Parameters of fitted atoms that are alone in their cell, with first powers. */
  readonly alone: number;
  /** Parameters of fitted atoms that share a cell, with higher powers (D4: with first ones). */
  readonly merged: number;
}

export interface VoronoiLoss {
  readonly loss: number;
  readonly parts: VoronoiLossParts;
  /** For every fitted shared atom the index of its true atom. */
  readonly sharedCells: readonly number[];
  readonly routedCells: readonly number[];
}

export type VoronoiLossName = 'D1' | 'D2' | 'D3' | 'D4';

/**
 * D1: strongly identifiable experts, softmax gate. D2: linear experts, softmax gate. D3: normalized sigmoid gate, all over-specified slopes 0 (sparse
 * regime). D4: normalized sigmoid gate otherwise; `truth` is then the measure of the fit's size that is nearest in Kullback-Leibler divergence.
 * @throws as `voronoiCells`, and NonFiniteError or InvalidArgumentError for a weight or gate intercept out of range, or another name
 */
export function voronoiLoss(name: VoronoiLossName, truth: SharedRoutedMeasure, fit: SharedRoutedMeasure): VoronoiLoss {
  requireOneOf('the Voronoi loss', name, ['D1', 'D2', 'D3', 'D4']);
  requireWeights('true', truth);
  requireWeights('fitted', fit);
  const sharedCells = voronoiCells(truth.shared.map(sharedVector), fit.shared.map(sharedVector));
  const routedCells = voronoiCells(truth.routed.map(routedVector), fit.routed.map(routedVector));
  const shared = groupByCell(fit.shared, sharedCells, truth.shared.length);
  const routed = groupByCell(fit.routed, routedCells, truth.routed.length);
  const sharedTerm = name === 'D2' ? sharedLinear : sharedIdentifiable;
  const routedTerm = { D1: routedIdentifiable, D2: routedLinear, D3: routedSparse, D4: routedDense }[name];
  const cells = [
    ...truth.shared.map((atom, index) => ({ ...sharedTerm(atom, shared[index]!), size: shared[index]!.length })),
    ...truth.routed.map((atom, index) => ({ ...routedTerm(atom, routed[index]!), size: routed[index]!.length })),
  ];
  const parts = {
    weights: sumOf(cells, ({ weights }) => weights),
    alone: sumOf(cells, ({ size, parameters }) => (size === 1 ? parameters : 0)),
    merged: sumOf(cells, ({ size, parameters }) => (size === 1 ? 0 : parameters)),
  };
  return { loss: parts.weights + parts.alone + parts.merged, parts, sharedCells, routedCells };
}

/** What the distances between atoms leave out. */
function requireWeights(kind: string, { shared, routed }: SharedRoutedMeasure): void {
  shared.forEach(({ weight }, index) => {
    if (!(weight >= 0 && weight < Number.POSITIVE_INFINITY))
      throw new InvalidArgumentError(`${kind} shared atom ${index} has weight ${weight}; expected at least 0`);
  });
  requireIntercepts(`${kind} routed`, routed);
}

/** @throws NonFiniteError naming the atom whose gate intercept is no finite number */
export function requireIntercepts(kind: string, atoms: readonly { readonly b0: number }[]): void {
  atoms.forEach(({ b0 }, index) => {
    if (!Number.isFinite(b0)) throw new NonFiniteError(`${kind} atom ${index} has b0 ${b0}; expected a finite number`);
  });
}

/** A true atom's share of the loss. */
interface CellLoss {
  readonly weights: number;
  readonly parameters: number;
}

/**
 * The order r at which the parameters of `size` merged linear experts separate: r(2) = 4, r(3) = 6, and 7 for more, of which only r >= 7 is known.
 */
export function linearExpertOrder(size: number): number {
  return size <= 2 ? 4 : size === 3 ? 6 : 7;
}

const sharedVector = (atom: SharedAtom): number[] => [...atom.kappa, atom.tau];
const routedVector = (atom: RoutedAtom): number[] => [...atom.b1, ...atom.eta, atom.nu];

function sharedIdentifiable(truth: SharedAtom, cell: readonly SharedAtom[]): CellLoss {
  const power = cell.length === 1 ? 1 : 2;
  const parameters = sumOf(
    cell,
    (atom) => atom.weight * (distance(atom.kappa, truth.kappa) ** power + Math.abs(atom.tau - truth.tau) ** power),
  );
  return { weights: Math.abs(sumOf(cell, (atom) => atom.weight) - truth.weight), parameters };
}

function routedIdentifiable(truth: RoutedAtom, cell: readonly RoutedAtom[]): CellLoss {
  const power = cell.length === 1 ? 1 : 2;
  const parameters = sumOf(cell, (atom) => Math.exp(atom.b0) * routedDistance(truth, atom, power));
  return { weights: Math.abs(sumOf(cell, (atom) => Math.exp(atom.b0)) - Math.exp(truth.b0)), parameters };
}

function sharedLinear(truth: SharedAtom, cell: readonly SharedAtom[]): CellLoss {
  const order = linearExpertOrder(cell.length);
  const [slopePower, interceptPower, variancePower] = cell.length === 1 ? [1, 1, 1] : [2, order, order / 2];
  const parameters = sumOf(
    cell,
    (atom) =>
      atom.weight *
      (slopeDistance(atom.kappa, truth.kappa) ** slopePower! +
        interceptDistance(atom.kappa, truth.kappa) ** interceptPower! +
        Math.abs(atom.tau - truth.tau) ** variancePower!),
  );
  return { weights: Math.abs(sumOf(cell, (atom) => atom.weight) - truth.weight), parameters };
}

function routedLinear(truth: RoutedAtom, cell: readonly RoutedAtom[]): CellLoss {
  const order = linearExpertOrder(cell.length);
  const [high, low] = cell.length === 1 ? [1, 1] : [order, order / 2];
  const parameters = sumOf(
    cell,
    (atom) =>
      Math.exp(atom.b0) *
      (distance(atom.b1, truth.b1) ** high! +
        slopeDistance(atom.eta, truth.eta) ** low! +
        interceptDistance(atom.eta, truth.eta) ** high! +
        Math.abs(atom.nu - truth.nu) ** low!),
  );
  return { weights: Math.abs(sumOf(cell, (atom) => Math.exp(atom.b0)) - Math.exp(truth.b0)), parameters };
}

function routedSparse(truth: RoutedAtom, cell: readonly RoutedAtom[]): CellLoss {
  if (cell.length === 1) {
    return { weights: 0, parameters: Math.abs(cell[0]!.b0 - truth.b0) + routedDistance(truth, cell[0]!, 1) };
  }
  const weights = Math.abs(sumOf(cell, (atom) => sigmoid(atom.b0)) - sigmoid(truth.b0));
  return { weights, parameters: sumOf(cell, (atom) => routedDistance(truth, atom, 2)) };
}

function routedDense(truth: RoutedAtom, cell: readonly RoutedAtom[]): CellLoss {
  const parameters = sumOf(cell, (atom) => Math.abs(atom.b0 - truth.b0) + routedDistance(truth, atom, 1));
  return { weights: 0, parameters };
}

function routedDistance(truth: RoutedAtom, atom: RoutedAtom, power: number): number {
  return (
    distance(atom.b1, truth.b1) ** power +
    distance(atom.eta, truth.eta) ** power +
    Math.abs(atom.nu - truth.nu) ** power
  );
}

const slopeDistance = (a: readonly number[], b: readonly number[]): number => distance(a.slice(0, -1), b.slice(0, -1));
const interceptDistance = (a: readonly number[], b: readonly number[]): number => Math.abs(a.at(-1)! - b.at(-1)!);
