// TensorBoard event files, written directly: a TFRecord per event (length, masked CRC, data, masked CRC), each event a small protocol buffer message
// {1: wall time, 2: step, 3: file version, 5: summary {1: value {1: tag, 2: simple value}}}. Needs no TensorFlow.
import { dirname } from 'node:path';
import type { MetricSink, StateTree } from '@moe-rl/core';
import { makeFolder } from '@moe-rl/core/node';
import type { RunSink } from '../registry/kinds.ts';
import { openAppendFile } from './append-file.ts';
import { maskedCrc32c } from './crc32c.ts';
import { keptBytes, syncedLength } from './metrics-file.ts';

export interface TensorBoardFile extends MetricSink {
  getState(): StateTree;
  flush(): void;
  close(): void;
  /** Bytes that the file had at the checkpoint and has no more. */
  readonly lostBytes: number;
}

/** Opens an event file as it was at `state` (from a checkpoint). The step axis is agent steps. */
export function openTensorBoardFile(path: string, state: StateTree): TensorBoardFile {
  makeFolder(dirname(path));
  const file = openAppendFile(path, keptBytes(state), wholeRecords);
  if (file.byteLength() === 0) file.append(record(event(Date.now() / 1000, 0, bytesField(3, text('brain.Event:2')))));
  return {
    write(row) {
      const values = Object.entries(row.values).filter(([, value]) => Number.isFinite(value));
      if (values.length === 0) return;
      const summary = Buffer.concat(
        values.map(([tag, value]) => bytesField(1, Buffer.concat([bytesField(1, text(tag)), floatField(2, value)]))),
      );
      file.append(record(event(Date.now() / 1000, row.agentSteps, bytesField(5, summary))));
    },
    getState: () => syncedLength(file),
    flush: () => file.flush(),
    close: () => file.close(),
    lostBytes: file.lostBytes,
  };
}

/** The same as a sink of a run: what is in the file already is kept only by a run that goes on. */
export function createTensorBoardSink(path: string): RunSink {
  let file: TensorBoardFile | undefined;
  let lost: string | undefined;
  const open = (): TensorBoardFile => {
    file ??= openTensorBoardFile(path, { byteLength: 0 });
    return file;
  };
  return {
    write: (row) => open().write(row),
    getState: () => open().getState(),
    setState(state = { byteLength: 0 }) {
      file = openTensorBoardFile(path, state);
      lost = lossText(path, file.lostBytes, keptBytes(state));
    },
    lost: () => lost,
    close: () => file?.close(),
  };
}

/** What TensorBoard can't show any more, though `metrics.jsonl` has it. */
function lossText(path: string, lostBytes: number, byteLength: number): string | undefined {
  if (lostBytes === 0) return undefined;
  const what =
    lostBytes === byteLength
      ? 'is gone: a new one begins here, and TensorBoard shows the run from here on'
      : `lacks its last ${lostBytes} bytes before the checkpoint: TensorBoard shows a gap there`;
  return `${path} ${what}; nothing else is affected`;
}

/** Bytes of the records that are whole, from the start. */
function wholeRecords(content: Uint8Array): number {
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  let end = 0;
  while (end + 16 <= content.length) {
    const next = end + 16 + view.getUint32(end, true);
    if (next > content.length) break;
    end = next;
  }
  return end;
}

/** Frames one message as a TFRecord. */
function record(data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(8 + 4 + data.length + 4);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length, true); // the upper half of the 64-bit length stays 0
  view.setUint32(8, maskedCrc32c(bytes.subarray(0, 8)), true);
  bytes.set(data, 12);
  view.setUint32(12 + data.length, maskedCrc32c(data), true);
  return bytes;
}

function event(wallTimeSeconds: number, step: number, payload: Uint8Array): Uint8Array {
  const time = new Uint8Array(9);
  time[0] = (1 << 3) | 1; // field 1, 64 bits
  new DataView(time.buffer).setFloat64(1, wallTimeSeconds, true);
  return Buffer.concat([time, Uint8Array.of(2 << 3), varint(step), payload]);
}

function bytesField(field: number, data: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.of((field << 3) | 2), varint(data.length), data]);
}

function floatField(field: number, value: number): Uint8Array {
  const bytes = new Uint8Array(5);
  bytes[0] = (field << 3) | 5; // 32 bits
  new DataView(bytes.buffer).setFloat32(1, value, true);
  return bytes;
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 127) {
    bytes.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}
