// One named mutation: `find` must occur once in `file`; `tests` are the files or folders that should notice `replace` in its place.

/**
 * @typedef {object} Mutant
 * @property {string} name
 * @property {string} file
 * @property {string} find
 * @property {string} replace
 * @property {readonly string[]} tests
 */

/** @returns {Mutant} */
export const mutant = (name, file, find, replace, tests) => ({ name, file, find, replace, tests });
