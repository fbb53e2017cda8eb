// Voronoi cells of a fitted mixing measure: each fitted atom belongs to the true atom whose parameters are nearest. All Voronoi losses sum over them.
import { InvalidArgumentError, NonFiniteError, ShapeError } from '@moe-rl/core';

/** Parameters of one atom that take part in the distance, one after the other. */
export type AtomVector = readonly number[];

/**
 * For every fitted atom the index of its nearest true atom (Euclidean; ties: the lowest index).
 * @throws ShapeError when vectors differ in length, NonFiniteError for a parameter that is no finite number, InvalidArgumentError without true atoms
 */
export function voronoiCells(truth: readonly AtomVector[], fit: readonly AtomVector[]): number[] {
  if (truth.length === 0) throw new InvalidArgumentError('there are no true atoms; expected at least one');
  const width = truth[0]!.length;
  for (const [kind, atoms] of [
    ['true', truth],
    ['fitted', fit],
  ] as const) {
    atoms.forEach((atom, index) => {
      if (atom.length !== width)
        throw new ShapeError(`${kind} atom ${index} has ${atom.length} parameters; expected ${width}`);
      const bad = atom.findIndex((value) => !Number.isFinite(value));
      if (bad >= 0) throw new NonFiniteError(`${kind} atom ${index}, parameter ${bad}, is ${atom[bad]}`);
    });
  }
  return fit.map((atom) => {
    let nearest = 0;
    let smallest = Number.POSITIVE_INFINITY;
    truth.forEach((center, index) => {
      const square = center.reduce((sum, value, k) => sum + (value - atom[k]!) ** 2, 0);
      if (square < smallest) {
        smallest = square;
        nearest = index;
      }
    });
    return nearest;
  });
}

/** The fitted atoms of every true atom's cell. */
export function groupByCell<Atom>(fit: readonly Atom[], cells: readonly number[], count: number): Atom[][] {
  const groups: Atom[][] = Array.from({ length: count }, () => []);
  fit.forEach((atom, index) => {
    groups[cells[index]!]!.push(atom);
  });
  return groups;
}

/** |a - b|. */
export function distance(a: readonly number[], b: readonly number[]): number {
  let square = 0;
  for (let k = 0; k < a.length; k++) square += (a[k]! - b[k]!) ** 2;
  return Math.sqrt(square);
}

export function sumOf<Item>(items: readonly Item[], value: (item: Item, index: number) => number): number {
  return items.reduce((sum, item, index) => sum + value(item, index), 0);
}
