// Named mutations of our own sources: each is a mistake that somebody could make, and each must make a fast test fail. When the code has moved on and a mutant's
// text is no longer there, it fails by name until it is written anew.
import agents from './agents.mjs';
import mixtures from './mixtures.mjs';
import others from './others.mjs';

/** @type {readonly import('./mutant.mjs').Mutant[]} */
export const MUTANTS = [...agents, ...mixtures, ...others];
