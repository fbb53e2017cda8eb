// Plugins that are published and known to compute wrong numbers, by their content: not every fault shows in a test of a second.
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { PluginError } from '../errors.ts';

/** Bytes at the beginning of a file whose sum tells it, together with its length. */
const HEAD_BYTES = 4_000_000;

interface FaultyPlugin {
  readonly name: string;
  readonly bytes: number;
  /** SHA-256 sum of the first {@link HEAD_BYTES}. */
  readonly headSha256: string;
  readonly fault: string;
}

const faulty: readonly FaultyPlugin[] = [
  {
    name: 'xla-cpu-pjrt 0.0.1',
    bytes: 259_284_552,
    headSha256: 'b25ddbdedf0dfa3bc2aeecbda5b2ea038b76939993ee3a898dc61a710d7708f3',
    fault: 'a training step computes wrong numbers after a copy into donated memory',
  },
];

/** @throws PluginError naming the fault when the file is a plugin that is known to be wrong */
export function refuseKnownFaults(path: string, known: readonly FaultyPlugin[] = faulty): void {
  // Opening it tells of a file that is missing.
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  const suspects = known.filter(({ bytes }) => bytes === size);
  if (suspects.length === 0) return;
  const head = new Uint8Array(Math.min(HEAD_BYTES, size));
  const file = openSync(path, 'r');
  try {
    readSync(file, head, 0, head.length, 0);
  } finally {
    closeSync(file);
  }
  const sum = createHash('sha256').update(head).digest('hex');
  const found = suspects.find(({ headSha256 }) => headSha256 === sum);
  if (found)
    throw new PluginError(`${path} is ${found.name}, which is known to be wrong (${found.fault}); take another plugin`);
}
