// How far a run is, read from its metrics file: works for every runner, and from outside.
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { lastAgentSteps } from '@moe-rl/figures';
import { runFolderPaths } from '@moe-rl/runs';

export interface JobProgress {
  readonly agentSteps: number;
  /** Mean return of the newest evaluation, or of the last training episodes before there is one. */
  readonly meanReturn: number | undefined;
  readonly elapsedSeconds: number | undefined;
}

/** The end of the file is enough: rows come at least five to an iteration. */
const TAIL_BYTES = 64 * 1024;

/** Progress of a run; undefined before its first row. */
export function readProgress(runFolder: string): JobProgress | undefined {
  let text: string;
  try {
    text = readTail(runFolderPaths(runFolder).metricsFile);
  } catch {
    return undefined;
  }
  const rows: { agentSteps: number }[] = [];
  let evaluation: number | undefined;
  let training: number | undefined;
  let elapsedSeconds: number | undefined;
  for (const line of text.split('\n')) {
    let row: Record<string, number> & { agentSteps: number };
    try {
      row = JSON.parse(line);
    } catch {
      continue;
    }
    rows.push(row);
    evaluation = row['evaluation/return'] ?? evaluation;
    training = row['train/meanReturn'] ?? training;
    elapsedSeconds = row['time/elapsedSeconds'] ?? elapsedSeconds;
  }
  if (rows.length === 0) return undefined;
  return { agentSteps: lastAgentSteps(rows), meanReturn: evaluation ?? training, elapsedSeconds };
}

function readTail(path: string): string {
  const { size } = statSync(path);
  const start = Math.max(0, size - TAIL_BYTES);
  const bytes = Buffer.alloc(size - start);
  const file = openSync(path, 'r');
  try {
    const read = readSync(file, bytes, 0, bytes.length, start);
    return bytes.subarray(0, read).toString('utf8');
  } finally {
    closeSync(file);
  }
}
