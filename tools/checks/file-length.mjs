// A file is one idea: over 400 lines it is probably more. Generated files are exempt.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { listFiles, packageFolders } from './workspace.mjs';

const LIMIT_LINES = 400;

export function checkFileLength(root) {
  return [...packageFolders(root), 'tools', 'scripts', 'benchmarks']
    .flatMap((folder) => listFiles(root, folder))
    .filter((file) => /\.(ts|mjs)$/.test(file) && !/generated|\.test\.ts$/.test(file))
    .map((file) => [file, readFileSync(join(root, file), 'utf8').split('\n').length])
    .filter(([, lines]) => lines > LIMIT_LINES)
    .map(([file, lines]) => `${file} has ${lines} lines; the limit is ${LIMIT_LINES}`);
}
