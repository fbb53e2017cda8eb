// A folder of one study's results: study.json says which study, seed and sizes; results.jsonl has one line per finished task. A line counts once it ends in
// a line feed, so that whatever kills the process at whatever moment, what is there is whole; the cut end of a line is cut off when the folder is opened.
import { closeSync, existsSync, fsyncSync, openSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { CorruptDataError, InvalidArgumentError, NonFiniteError } from '@moe-rl/core';
import { lockFolder, makeFolder, readBytes, readJson, replaceFile, storageError, writeFully } from '@moe-rl/core/node';
import type { ResultLine, StudyPlan } from './study.ts';

/** What a folder's results depend on. */
export interface StudyIdentity {
  readonly study: string;
  readonly seed: number;
  readonly plan: StudyPlan;
}

export class ResultFolder {
  readonly folder: string;
  readonly lines: ResultLine[];
  readonly #unlock: () => void;
  readonly #file: number;

  /**
   * Opens or makes the folder, for this process alone.
   * @throws InvalidArgumentError when it holds results of another study, seed or plan; AlreadyInUseError, CorruptDataError, StorageError
   */
  constructor(folder: string, identity: StudyIdentity) {
    makeFolder(folder);
    this.folder = folder;
    this.#unlock = lockFolder(folder, { noun: 'folder of results' });
    try {
      const path = join(folder, 'study.json');
      const results = join(folder, 'results.jsonl');
      if (!existsSync(path)) {
        requireNoResults(results);
        replaceFile(path, `${JSON.stringify(identity, null, 2)}\n`);
      }
      const found = readJson(path);
      if (JSON.stringify(found) !== JSON.stringify(identity)) {
        throw new InvalidArgumentError(
          `${folder} holds results of other settings: ${difference(found, identity)}; choose another folder, or the same settings`,
        );
      }
      this.lines = readResultLines(results, true);
      try {
        this.#file = openSync(results, 'a');
      } catch (error) {
        throw storageError('open', results, error);
      }
    } catch (error) {
      this.#unlock();
      throw error;
    }
  }

  /**
   * Adds a line; on disk when it returns.
   * @throws NonFiniteError for a value that JSON would not keep; StorageError
   */
  append(line: ResultLine): void {
    const bad = Object.entries(line.values).find(([, value]) => !Number.isFinite(value));
    if (bad !== undefined) throw new NonFiniteError(`${line.key}: ${bad[0]} is ${bad[1]}; expected a finite number`);
    try {
      writeFully(this.#file, new TextEncoder().encode(`${JSON.stringify(line)}\n`));
      fsyncSync(this.#file);
    } catch (error) {
      throw storageError('write', join(this.folder, 'results.jsonl'), error);
    }
    this.lines.push(line);
  }

  close(): void {
    closeSync(this.#file);
    this.#unlock();
  }
}

/** @throws CorruptDataError: nobody knows of which seed and sizes these are, and new ones would be mixed with them */
function requireNoResults(results: string): void {
  if (existsSync(results) && statSync(results).size > 0)
    throw new CorruptDataError(`${results} has results, but study.json, which says what they are of, is not beside it`);
}

function isResult(line: ResultLine | null): boolean {
  if (line === null || typeof line.values !== 'object' || line.values === null) return false;
  const isKnown = typeof line.key === 'string' && typeof line.setting === 'string';
  const numbers = [line.size, line.repeat, ...Object.values(line.values)];
  return isKnown && numbers.every((value) => Number.isFinite(value));
}

/** `seed is 0 there and 1 now`, for every key that differs. */
function difference(found: unknown, asked: StudyIdentity): string {
  const stored = (found ?? {}) as Partial<StudyIdentity>;
  const shown = (value: unknown): string => (value === undefined ? 'missing' : JSON.stringify(value));
  return (['study', 'seed', 'plan'] as const)
    .filter((key) => shown(stored[key]) !== shown(asked[key]))
    .map((key) => `${key} is ${shown(stored[key])} there and ${shown(asked[key])} now`)
    .join(', ');
}

/**
 * The whole lines of a file of results, in the file's order; none if there is no file.
 * @param isCut whether to cut the file's torn end off
 * @throws CorruptDataError naming a whole line that is none of ours; StorageError when the file can't be read
 */
export function readResultLines(path: string, isCut = false): ResultLine[] {
  if (!existsSync(path)) return [];
  const bytes = Buffer.from(readBytes(path));
  const whole = bytes.lastIndexOf(0x0a) + 1;
  if (isCut && whole < bytes.length) truncateSync(path, whole);
  return bytes
    .subarray(0, whole)
    .toString('utf8')
    .split('\n')
    .slice(0, -1)
    .map((text, index) => {
      try {
        const line = JSON.parse(text) as ResultLine;
        if (isResult(line)) return line;
      } catch {
        // Told below.
      }
      throw new CorruptDataError(`${path}, line ${index + 1}, is no result: ${text.slice(0, 80)}`);
    });
}
