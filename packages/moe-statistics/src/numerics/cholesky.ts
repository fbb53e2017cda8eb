// Symmetric positive definite systems of a few dozen unknowns: what every M step solves.

/** A pivot below this share of its diagonal entry counts as zero: the column depends on those before it. */
export const PIVOT_TOLERANCE = 1e-11;

/**
 * Factors a symmetric matrix in place into L L' (lower triangle, row-major [size, size]; the upper triangle is not read).
 * @returns -1, or the index of the first column that depends on the earlier ones (the factor is then incomplete)
 */
export function factorCholesky(matrix: Float64Array, size: number, tolerance = PIVOT_TOLERANCE): number {
  for (let column = 0; column < size; column++) {
    const diagonal = matrix[column * size + column]!;
    let pivot = diagonal;
    for (let k = 0; k < column; k++) pivot -= matrix[column * size + k]! ** 2;
    if (!(pivot > tolerance * diagonal) || !(diagonal > 0)) return column;
    const root = Math.sqrt(pivot);
    matrix[column * size + column] = root;
    for (let row = column + 1; row < size; row++) {
      let sum = matrix[row * size + column]!;
      for (let k = 0; k < column; k++) sum -= matrix[row * size + k]! * matrix[column * size + k]!;
      matrix[row * size + column] = sum / root;
    }
  }
  return -1;
}

/** Solves L L' x = b in place, `factor` being what `factorCholesky` left. */
export function solveCholesky(factor: Float64Array, right: Float64Array, size: number): void {
  for (let row = 0; row < size; row++) {
    let sum = right[row]!;
    for (let k = 0; k < row; k++) sum -= factor[row * size + k]! * right[k]!;
    right[row] = sum / factor[row * size + row]!;
  }
  for (let row = size - 1; row >= 0; row--) {
    let sum = right[row]!;
    for (let k = row + 1; k < size; k++) sum -= factor[k * size + row]! * right[k]!;
    right[row] = sum / factor[row * size + row]!;
  }
}

/**
 * Solves (A + damping diag(A)) x = b for an A that may be semidefinite, raising the damping until it can: a Levenberg step. Writes x over `right`;
 * leaves `matrix` as it was. Directions that A knows nothing of get no step.
 */
export function solveDamped(matrix: Float64Array, right: Float64Array, size: number, damping: number): void {
  const factor = new Float64Array(size * size);
  let largest = 0;
  for (let k = 0; k < size; k++) largest = Math.max(largest, matrix[k * size + k]!);
  if (!(largest > 0)) {
    right.fill(0);
    return;
  }
  for (let scale = damping; scale < 1e8; scale = scale === 0 ? 1e-10 : scale * 100) {
    factor.set(matrix);
    for (let k = 0; k < size; k++) factor[k * size + k] = matrix[k * size + k]! * (1 + scale) + scale * 1e-6 * largest;
    if (factorCholesky(factor, size, 1e-14) < 0) {
      solveCholesky(factor, right, size);
      return;
    }
  }
  right.fill(0);
}
