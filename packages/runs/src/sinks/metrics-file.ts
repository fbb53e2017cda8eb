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

/** Reads the rows of a `metrics.jsonl`; a half-written last line (a crash) is left out. */
export function readMetricRows(path: string): MetricRow[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw storageError('read', path, cause);
  }
  const rows: MetricRow[] = [];
  for (const line of text.split('\n')) {
    if (line === '') continue;
    try {
      const { agentSteps, ...rest } = JSON.parse(line) as { agentSteps: number } & Record<string, number | null>;
      const values = Object.fromEntries(Object.entries(rest).map(([tag, value]) => [tag, value ?? Number.NaN]));
      rows.push({ agentSteps, values });
    } catch {
      break;
    }
  }
  return rows;
}
