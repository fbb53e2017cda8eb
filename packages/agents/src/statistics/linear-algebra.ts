// Eigenvalues of small symmetric matrices, for ranks of feature matrices. Jacobi's method: exact enough in double precision, and short.

/** Eigenvalues of a symmetric `[n, n]` matrix (row-major), descending. */
export function symmetricEigenvalues(matrix: ArrayLike<number>, n: number): Float64Array {
  const a = Float64Array.from(matrix);
  const scale = a.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  for (let sweep = 0; sweep < 60; sweep++) {
    let largest = 0;
    for (let p = 0; p < n - 1; p++) {
      for (let q = p + 1; q < n; q++) {
        const apq = a[p * n + q]!;
        largest = Math.max(largest, Math.abs(apq));
        if (Math.abs(apq) <= scale * 1e-18) continue;
        const theta = (a[q * n + q]! - a[p * n + p]!) / (2 * apq);
        const t = Math.sign(theta || 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
        const c = 1 / Math.sqrt(t * t + 1);
        const s = t * c;
        for (let k = 0; k < n; k++) {
          const akp = a[k * n + p]!;
          const akq = a[k * n + q]!;
          a[k * n + p] = c * akp - s * akq;
          a[k * n + q] = s * akp + c * akq;
        }
        for (let k = 0; k < n; k++) {
          const apk = a[p * n + k]!;
          const aqk = a[q * n + k]!;
          a[p * n + k] = c * apk - s * aqk;
          a[q * n + k] = s * apk + c * aqk;
        }
      }
    }
    if (largest <= scale * 1e-15) break;
  }
  return Float64Array.from({ length: n }, (_, index) => a[index * n + index]!).sort((left, right) => right - left);
}

/** `X X^T` of `[rows, columns]`, row-major `[rows, rows]`. */
export function gramMatrix(values: ArrayLike<number>, rows: number, columns: number): Float64Array {
  const gram = new Float64Array(rows * rows);
  for (let i = 0; i < rows; i++) {
    for (let j = i; j < rows; j++) {
      let sum = 0;
      for (let k = 0; k < columns; k++) sum += values[i * columns + k]! * values[j * columns + k]!;
      gram[i * rows + j] = sum;
      gram[j * rows + i] = sum;
    }
  }
  return gram;
}

/** Singular values of `[rows, columns]`, descending, `min(rows, columns)` of them. */
export function singularValues(values: ArrayLike<number>, rows: number, columns: number): Float64Array {
  let data = values;
  let [n, m] = [rows, columns];
  if (rows > columns) {
    const transposed = new Float64Array(rows * columns);
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < columns; j++) transposed[j * rows + i] = values[i * columns + j]!;
    data = transposed;
    [n, m] = [columns, rows];
  }
  return symmetricEigenvalues(gramMatrix(data, n, m), n).map((value) => Math.sqrt(Math.max(0, value)));
}
