// What users install: every package packed once with npm, for the checks that look at tarballs.
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram } from './command.mjs';
import { packageFolders } from './workspace.mjs';

let packed;

/**
 * Packs the packages; the second call gets what the first one packed.
 * @returns the folder of the tarballs, and the tarball of each package by its folder (`packages/core`)
 * @throws where one can't be packed, with what npm says
 */
export function packedPackages(root) {
  packed ??= packAll(root);
  return packed;
}

async function packAll(root) {
  const folder = join(root, '.cache/tarballs');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const names = packageFolders(root).filter((name) => name.startsWith('packages/'));
  const files = await Promise.all(
    names.map(async (name) => {
      const args = ['pack', '--silent', '--pack-destination', folder];
      const { status, output } = await runProgram('npm', args, { cwd: join(root, name) });
      const file = output.trim().split('\n').at(-1);
      if (status !== 0 || !readdirSync(folder).includes(file)) throw new Error(`${name} can't be packed: ${output}`);
      return [name, join(folder, file)];
    }),
  );
  return { folder, files: Object.fromEntries(files) };
}
