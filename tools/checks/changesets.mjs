// Every package that is not yet released has a changeset or a changelog.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageFolders, readManifest } from './workspace.mjs';

export function checkChangesets(root) {
  const texts = readdirSync(join(root, '.changeset'))
    .filter((name) => name.endsWith('.md') && name !== 'README.md')
    .map((name) => readFileSync(join(root, '.changeset', name), 'utf8').split('---')[1] ?? '');
  return packageFolders(root)
    .filter((folder) => !existsSync(join(root, folder, 'CHANGELOG.md')))
    .map((folder) => readManifest(root, folder).name)
    .filter((name) => !texts.some((text) => text.includes(`"${name}"`) || text.includes(`'${name}'`)))
    .map((name) => `${name} has neither a changeset nor a CHANGELOG.md`);
}
