// Pages of docs/ that scripts make: written where they changed, or, with --check on the command line, only compared. What the render-*.mjs scripts share.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

/** The folder of the pages. */
export const docs = new URL('../../docs/', import.meta.url);
const isCheck = process.argv.includes('--check');
const changed = [];

/** @param path in docs/ */
export const read = (path) => readFileSync(new URL(path, docs), 'utf8');

/** The lines of a JSON lines file in docs/; none where there is no such file. */
export const readLines = (path) =>
  existsSync(new URL(path, docs)) ? read(path).split('\n').filter(Boolean).map(JSON.parse) : [];

/** Writes a file of docs/ unless it says the same already. */
export function write(path, content) {
  if (existsSync(new URL(path, docs)) && read(path) === content) return;
  changed.push(path);
  if (!isCheck) writeFileSync(new URL(path, docs), content);
}

/** Says what changed; with --check a change is a failure. @param script the name to run without --check */
export function finish(script) {
  if (isCheck && changed.length > 0) {
    console.error(`out of date: ${changed.join(', ')}; run scripts/${script}`);
    process.exitCode = 1;
  } else console.log(changed.length === 0 ? 'nothing changed' : `wrote ${changed.join(', ')}`);
}
