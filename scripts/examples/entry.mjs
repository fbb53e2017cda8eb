// One worked example, read through books: a field is given (an input), expected (compared with what our code gives) or described (words). What is none of
// them when a family is done fails by name, so that a file with another setting can't pass, or fail, for the wrong reason.

/** What a number may differ by, unless a family says otherwise: the files are written to 8 decimals. */
export const TOLERANCE = { absolute: 1e-7, relative: 1e-6 };

export class Entry {
  #books;
  #path;

  /**
   * @param path where in the file this is, for messages
   * @param books shared by all parts of one example
   */
  constructor(value, path, books = { accounted: new Set(), problems: [], compared: 0 }) {
    this.value = value;
    this.#path = path;
    this.#books = books;
  }

  get keys() {
    return Object.keys(this.value);
  }

  has(key) {
    return Object.hasOwn(this.value, key);
  }

  /** An input. @throws Error naming it when the example lacks it */
  given(key) {
    if (!this.has(key)) throw new Error(`${this.#at(key)} is missing`);
    return this.maybe(key);
  }

  /** An input that an example may leave out: undefined then. */
  maybe(key) {
    this.#account(key);
    return this.value[key];
  }

  /** Keys that only say something to a reader. */
  describes(...keys) {
    for (const key of keys) this.#account(key);
  }

  /** An object or array inside, in the same books. */
  at(key) {
    const value = this.value[key];
    if (typeof value !== 'object' || value === null) throw new Error(`${this.#at(key)} is missing`);
    return new Entry(value, this.#at(key), this.#books);
  }

  /** Everything inside, in the same books: [[key, Entry], ...]. */
  parts() {
    return this.keys.map((key) => [key, this.at(key)]);
  }

  /** Keys that match, with the match: [[key, match], ...]. For names that hold a setting, such as `loss_alpha_1e4`. */
  matching(pattern) {
    return this.keys.map((key) => [key, pattern.exec(key)]).filter(([, match]) => match !== null);
  }

  /**
   * Compares a field with what our code gives, if the example has it.
   * @param actual a number, text or truth value, nested arrays or objects of them, or a tensor { shape, data }
   * @param tolerance { absolute, relative, factor }; what is left out allows nothing. A factor of 2 allows half to double the value
   */
  expect(key, actual, tolerance = TOLERANCE) {
    if (!this.has(key)) return;
    this.#account(key);
    this.#books.compared++;
    compare(this.value[key], plain(actual), this.#at(key), tolerance, this.#books.problems);
  }

  /** An input of which our code knows one value only. */
  require(key, only) {
    if (!this.has(key)) return;
    this.#account(key);
    if (JSON.stringify(this.value[key]) !== JSON.stringify(only)) {
      throw new Error(`${this.#at(key)} is ${JSON.stringify(this.value[key])}; our code has ${JSON.stringify(only)}`);
    }
  }

  /** What is wrong, and how many fields were compared. */
  report() {
    const problems = [...this.#books.problems];
    const unread = this.#unread(this.value, this.#path);
    if (problems.length === 0 && unread.length > 0) problems.push(`nothing here honours ${unread.join(', ')}`);
    if (problems.length === 0 && this.#books.compared === 0) problems.push(`${this.#path} states nothing to compare`);
    return { problems, compared: this.#books.compared };
  }

  #at(key) {
    return `${this.#path}.${key}`;
  }

  #account(key) {
    this.#books.accounted.add(this.#at(key));
  }

  #unread(value, path) {
    if (this.#books.accounted.has(path)) return [];
    const isContainer = Array.isArray(value)
      ? value.some((item) => typeof item === 'object' && item !== null && !Array.isArray(item))
      : typeof value === 'object' && value !== null;
    if (!isContainer || Object.keys(value).length === 0) return [path];
    return Object.entries(value).flatMap(([key, child]) => this.#unread(child, `${path}.${key}`));
  }
}

/** A tensor as nested arrays, typed arrays as arrays. */
function plain(value) {
  if (ArrayBuffer.isView(value)) return Array.from(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  if (ArrayBuffer.isView(value.data) && Array.isArray(value.shape)) return nest(Array.from(value.data), value.shape);
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, plain(child)]));
}

/** Row-major numbers as nested arrays of a shape; a scalar for []. */
export function nest(flat, shape) {
  if (shape.length === 0) return flat[0];
  const [length, ...rest] = shape;
  const size = rest.reduce((product, dimension) => product * dimension, 1);
  return Array.from({ length }, (_, index) => nest(flat.slice(index * size, (index + 1) * size), rest));
}

function compare(wanted, found, path, tolerance, problems) {
  if (typeof wanted === 'object' && wanted !== null) {
    if (typeof found !== 'object' || found === null) {
      problems.push(`${path} is ${JSON.stringify(found)}; expected ${Array.isArray(wanted) ? 'a list' : 'an object'}`);
      return;
    }
    const keys = new Set([...Object.keys(wanted), ...Object.keys(found)]);
    for (const key of keys) {
      if (!Object.hasOwn(wanted, key)) problems.push(`${path}.${key} is found; expected no such element`);
      else if (!Object.hasOwn(found, key)) problems.push(`${path}.${key} is not found; expected ${wanted[key]}`);
      else compare(wanted[key], found[key], `${path}.${key}`, tolerance, problems);
    }
    return;
  }
  const isTruth = typeof wanted === 'boolean' && typeof found === 'number';
  const value = isTruth ? Number(wanted) : wanted;
  if (value === found || (Number.isNaN(value) && Number.isNaN(found))) return;
  if (typeof value !== 'number' || typeof found !== 'number') {
    problems.push(`${path} is ${JSON.stringify(found)}; expected ${JSON.stringify(wanted)}`);
    return;
  }
  const allowed = (tolerance.absolute ?? 0) + (tolerance.relative ?? 0) * Math.abs(value);
  const off = Math.abs(found - value);
  const ratio = found / value;
  if (!(off <= allowed) && !(ratio <= tolerance.factor && ratio >= 1 / tolerance.factor)) {
    problems.push(
      `${path} is ${found}; expected ${value} (off by ${off.toExponential(1)}, allowed ${allowed.toExponential(1)})`,
    );
  }
}
