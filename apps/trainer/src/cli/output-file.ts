// Files that a command is asked to write by name, the same for all commands: what can't be written is said before the work, folders that are missing are made
// with the file, and a name has to end as one of the kinds of file that the command writes.
import { dirname, extname } from 'node:path';
import { InvalidArgumentError } from '@moe-rl/core';
import { makeFolder, replaceFile, requireWritable } from '@moe-rl/core/node';

/**
 * Checks the value of an option like `--output`; nothing is written.
 * @param endings what it may end with, `.svg`; none: anything
 * @throws InvalidArgumentError for another ending; StorageError where it could not be written
 */
export function requireOutputFile(option: string, path: string, endings: readonly string[] = []): void {
  if (endings.length > 0 && !endings.includes(extname(path).toLowerCase())) {
    throw new InvalidArgumentError(
      `${option} is ${JSON.stringify(path)}; expected a name that ends with ${endings.join(' or ')}`,
    );
  }
  requireWritable(path);
}

/** Writes the file, and makes the folders that it is to lie in. */
export function writeOutputFile(path: string, data: Uint8Array | string): void {
  makeFolder(dirname(path));
  replaceFile(path, data);
}
