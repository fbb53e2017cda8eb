// metrics.jsonl: one JSON object per row, `{"agentSteps": 1000, "train/loss": 0.012, ...}`, in the order the run made them. JSON has no NaN: it stands there as null.
import { readFileSync } from 'node:fs';
import type { MetricRow, MetricSink, StateTree } from '@moe-rl/core';
import { CheckpointError } from '@moe-rl/core';
import { storageError } from '@moe-rl/core/node';
import { type AppendFile, openAppendFile } from './append-file.ts';

export interface MetricsFile extends MetricSink {
  /** Flushes to the disk and returns what a checkpoint must remember. */
  getState(): StateTree;
  flush(): void;
  close(): void;
  /** Bytes that the file had at the checkpoint and has no more. */
  readonly lostBytes: number;
}

/** Opens `metrics.jsonl` as it was at `state` (from a checkpoint): rows made after it are cut off first. */
export function openMetricsFile(path: string, state: StateTree): MetricsFile {
  // A line is whole when its end is there.
  const file = openAppendFile(path, keptBytes(state), (content) => content.lastIndexOf(0x0a) + 1);
  const encoder = new TextEncoder();
  return {
    write(row) {
      file.append(encoder.encode(`${JSON.stringify({ agentSteps: row.agentSteps, ...row.values })}\n`));
    },
    getState: () => syncedLength(file),
    flush: () => file.flush(),
    close: () => file.close(),
    lostBytes: file.lostBytes,
  };
}

/** Syncs an append file and describes its length. */
export function syncedLength(file: AppendFile): StateTree {
  file.flush({ sync: true });
  return { byteLength: file.byteLength() };
}

/** Reads the length back. */
export function keptBytes(state: StateTree): number {
  if (typeof state.byteLength !== 'number')
    throw new CheckpointError('the checkpoint does not say how long the metrics files were');
  return state.byteLength;
}

/**
 * Reads the rows of a `metrics.jsonl`; a half-written last line (a crash) is left out.
 * @param onDamage told the number of every other line that is no row: it is left out too
 */
export function readMetricRows(path: string, onDamage: (line: number) => void = () => {}): MetricRow[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw storageError('read', path, cause);
  }
  const rows: MetricRow[] = [];
  const lines = text.split('\n');
  for (const [index, line] of lines.entries()) {
    const row = line === '' ? undefined : parseRow(line);
    if (row !== undefined) rows.push(row);
    else if (line !== '' && index < lines.length - 1) onDamage(index + 1);
  }
  return rows;
}

/** A row, or undefined where the line is none. */
function parseRow(line: string): MetricRow | undefined {
  let content: unknown;
  try {
    content = JSON.parse(line);
  } catch {
    return undefined;
  }
  const { agentSteps, ...rest } = (content ?? {}) as { agentSteps?: unknown } & Record<string, unknown>;
  const isValue = (value: unknown): boolean => value === null || typeof value === 'number';
  if (typeof agentSteps !== 'number' || !Object.values(rest).every(isValue)) return undefined;
  const values = Object.entries(rest).map(([tag, value]) => [tag, (value as number | null) ?? Number.NaN]);
  return { agentSteps, values: Object.fromEntries(values) as Record<string, number> };
}
