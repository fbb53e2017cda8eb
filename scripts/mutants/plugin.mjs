// A Vite plugin that applies the mutant named by MOE_RL_MUTANT while its file is loaded: nothing on the disk changes.
import { realpathSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MUTANTS } from './list.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

export function mutantPlugin(name) {
  const mutant = MUTANTS.find((each) => each.name === name);
  if (mutant === undefined) throw new Error(`there is no mutant "${name}"`);
  const file = realpathSync(resolve(root, mutant.file));
  return {
    name: 'moe-rl-mutant',
    enforce: 'pre',
    transform(code, id) {
      if (id.split('?')[0] !== file) return undefined;
      if (code.split(mutant.find).length !== 2) throw new Error(`${mutant.file} does not hold the text once`);
      return { code: code.replace(mutant.find, () => mutant.replace), map: null };
    },
  };
}
