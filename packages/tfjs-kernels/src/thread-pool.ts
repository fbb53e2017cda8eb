// Threads for the kernels under Node: workers that hold an instance of the kernels' module on the same (shared) memory, sleep until a job
// is published there, and take chunks of it until none is left. The main thread takes chunks too, so a job never waits for a worker to wake. A chunk that
// traps ends the job on every thread, and the job ends with an error.

import { Worker } from 'node:worker_threads';
import { KernelTrapError } from './errors.ts';
import type { KernelThreads } from './wasm/module.ts';

/** Control block: 16 int32 words, then the job's parameters as float64. */
export const CONTROL_BYTES = 64 + 32 * 8;
const SEQUENCE = 0; // grows with each job; workers sleep on it
const IS_OPEN = 1; // whether chunks may be taken
const ACTIVE = 2; // workers inside the job
const NEXT = 3; // next chunk
const CHUNKS = 4;
const CHUNK_SIZE = 5;
const TOTAL = 6;
const FUNCTION = 7;
const PARAMETERS = 8; // how many
const SCRATCH = 9;
const SCRATCH_STRIDE = 10;
const FAILED_THREAD = 11; // number of a thread whose chunk trapped, 0 while all is well

/** Chunks take milliseconds; a worker that has been inside a job for so long after its last chunk was taken has died there. */
const PATIENCE_MS = 60_000;

// Runs in the worker as well: self-contained, so that no file has to be found there.
const WORKER_SOURCE = `
const { workerData } = require('node:worker_threads');
const { module, memory, control: address, names, thread } = workerData;
const { exports } = new WebAssembly.Instance(module, { env: { memory } });
const functions = names.map((name) => exports[name]);
const control = new Int32Array(memory.buffer, address, 16);
const parameters = new Float64Array(memory.buffer, address + 64, 32);
for (let seen = 0; ; ) {
  Atomics.wait(control, ${SEQUENCE}, seen);
  seen = Atomics.load(control, ${SEQUENCE});
  Atomics.add(control, ${ACTIVE}, 1);
  if (Atomics.load(control, ${IS_OPEN}) === 1) {
    const run = functions[control[${FUNCTION}]];
    const given = Array.from(parameters.subarray(0, control[${PARAMETERS}]));
    const scratch = control[${SCRATCH}] + thread * control[${SCRATCH_STRIDE}];
    const chunks = control[${CHUNKS}], size = control[${CHUNK_SIZE}], total = control[${TOTAL}];
    try {
      for (let i; (i = Atomics.add(control, ${NEXT}, 1)) < chunks; ) {
        run(...given, i * size, Math.min(total, (i + 1) * size), scratch);
      }
    } catch {
      Atomics.store(control, ${NEXT}, chunks);
      Atomics.store(control, ${FAILED_THREAD}, thread);
    }
  }
  Atomics.sub(control, ${ACTIVE}, 1);
  Atomics.notify(control, ${ACTIVE});
}
`;

export interface ThreadPoolConfig {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  /** Address of CONTROL_BYTES bytes, 8-byte aligned, zeroed. */
  readonly control: number;
  /** Threads in all, the calling one included. */
  readonly threadCount: number;
}

/** Starts `threadCount - 1` workers; they don't keep the process alive. */
export function createThreadPool({ module, memory, control: address, threadCount }: ThreadPoolConfig): KernelThreads {
  const functions = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Record<
    string,
    (...parameters: number[]) => void
  >;
  const names = Object.keys(functions).filter((name) => typeof functions[name] === 'function');
  const control = new Int32Array(memory.buffer, address, 16);
  const parameters = new Float64Array(memory.buffer, address + 64, 32);
  for (let thread = 1; thread < threadCount; thread++) {
    const workerData = { module, memory, control: address, names, thread };
    const worker = new Worker(WORKER_SOURCE, { eval: true, workerData, execArgv: [], name: `tfjs-kernels ${thread}` });
    worker.unref();
  }
  let brokenBy: KernelTrapError | undefined;
  return {
    threadCount,
    run(name, given, total, chunkSize, scratch, scratchStride) {
      if (brokenBy !== undefined) throw brokenBy;
      const chunks = Math.ceil(total / chunkSize);
      parameters.set(given);
      control[NEXT] = 0;
      control[CHUNKS] = chunks;
      control[CHUNK_SIZE] = chunkSize;
      control[TOTAL] = total;
      control[FUNCTION] = names.indexOf(name);
      control[PARAMETERS] = given.length;
      control[SCRATCH] = scratch;
      control[SCRATCH_STRIDE] = scratchStride;
      control[FAILED_THREAD] = 0;
      Atomics.store(control, IS_OPEN, 1);
      Atomics.add(control, SEQUENCE, 1);
      Atomics.notify(control, SEQUENCE);
      const run = functions[name]!;
      let cause: unknown;
      try {
        while (true) {
          const i = Atomics.add(control, NEXT, 1);
          if (i >= chunks) break;
          run(...given, i * chunkSize, Math.min(total, (i + 1) * chunkSize), scratch);
        }
      } catch (error) {
        Atomics.store(control, NEXT, chunks);
        cause = error;
      }
      // Nobody may enter any more; whoever is inside finishes its chunk.
      Atomics.store(control, IS_OPEN, 0);
      for (let spins = 0, since = 0; ; spins++) {
        const active = Atomics.load(control, ACTIVE);
        if (active === 0) break;
        if (spins <= 2000) continue;
        if (since === 0) since = performance.now();
        if (performance.now() - since > PATIENCE_MS) {
          // It may come back to life and write anywhere: nothing can be trusted from now on.
          brokenBy = new KernelTrapError(
            `kernel ${name}: ${active} of its threads died; start the program again`,
            name,
          );
          throw brokenBy;
        }
        Atomics.wait(control, ACTIVE, active, 1);
      }
      if (cause !== undefined) {
        throw new KernelTrapError(`kernel ${name} failed: ${(cause as Error).message}`, name, { cause });
      }
      const thread = control[FAILED_THREAD]!;
      if (thread !== 0) throw new KernelTrapError(`kernel ${name} failed on its thread ${thread}`, name);
    },
  };
}
