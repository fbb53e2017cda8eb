// What families of statistics share: examples' models in our form.

/** A number or a list of them, as a list. */
export const vector = (value) => (typeof value === 'number' ? [value] : value);

/** Names for the columns of x, which examples do without. */
export const covariateNames = (x) => vector(x[0]).map((_, column) => `x${column + 1}`);

/** Covariates as they are. */
export const noStandardization = (columns) => ({
  center: new Array(columns).fill(0),
  scale: new Array(columns).fill(1),
});

/** Values of an atom's row by the names of its fields. @throws Error for a row that doesn't fit them */
export function byField(row, fields, path) {
  if (row.length !== fields.length)
    throw new Error(`${path} has rows of ${row.length} values for ${fields.length} fields`);
  return Object.fromEntries(fields.map((field, index) => [field, row[index]]));
}
