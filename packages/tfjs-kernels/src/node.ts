// useWasmBackend(): the wasm backend under Node, ready to train.

import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { MissingDependencyError, requireInteger } from '@moe-rl/core';
import { backend, engine, env, ready, setBackend } from '@tensorflow/tfjs-core';
import { requireTrainingOps } from './op-table.ts';
import { type RegistrationOutput, registerTrainingKernels } from './register.ts';
import { CONTROL_BYTES, createThreadPool } from './thread-pool.ts';
import { kernelModule } from './wasm/module.ts';

export interface WasmBackendOutput extends RegistrationOutput {
  /** Whether the kernels use relaxed SIMD's fused multiply-add (Node 21 and later): about 1.4 times faster. */
  readonly usesRelaxedSimd: boolean;
  readonly threadCount: number;
}

export interface WasmBackendConfig {
  /** Threads for the large kernels (default: the cores available, at most 8). With 1, everything runs on the calling thread. */
  readonly threadCount?: number;
}

/**
 * Finds the wasm files of `@tensorflow/tfjs-backend-wasm`, registers the training kernels, makes `wasm` the current backend and checks that
 * it has every operation that training needs. Calling it again does no harm.
 * @throws MissingDependencyError when `@tensorflow/tfjs-backend-wasm` is not installed or does not start; MissingKernelError.
 */
export async function useWasmBackend(config: WasmBackendConfig = {}): Promise<WasmBackendOutput> {
  const threadCount = requireInteger('threadCount', config.threadCount ?? Math.min(8, availableParallelism()), 1, 64);
  const require = createRequire(import.meta.url);
  let entry: string;
  try {
    entry = require.resolve('@tensorflow/tfjs-backend-wasm');
  } catch (error) {
    throw new MissingDependencyError(
      'The wasm backend needs the package @tensorflow/tfjs-backend-wasm (4.22 or later); install it',
      { cause: error },
    );
  }
  const wasm = require(entry) as { setWasmPaths(prefix: string): void; setThreadsCount(count: number): void };
  const isFirstUse = engine().registry.wasm === undefined;
  wasm.setWasmPaths(`${dirname(entry)}/`);
  const registration = registerTrainingKernels();
  const handlers = processHandlers();
  const hasStarted = await withInertWorkers(async () => {
    if (isFirstUse && threadCount > 1) {
      // The build of upstream's code that has shared memory; its own threads stay unused.
      env().set('WASM_HAS_MULTITHREAD_SUPPORT', true);
      wasm.setThreadsCount(1);
    }
    return setBackend('wasm');
  });
  if (!hasStarted) {
    throw new MissingDependencyError(`The wasm backend did not start (files in ${pathToFileURL(dirname(entry))})`);
  }
  await ready();
  removeHandlersSince(handlers);
  requireTrainingOps('wasm');
  const module = kernelModule(backend());
  if (threadCount > 1 && module.isShared && module.threadCount === 1) {
    const { memory } = module;
    const control = module.allocate(CONTROL_BYTES);
    module.useThreads(createThreadPool({ module: module.module, memory, control, threadCount }));
  }
  return { ...registration, usesRelaxedSimd: module.usesRelaxedSimd, threadCount: module.threadCount };
}

/**
 * Upstream's threaded build starts 8 workers at once, from a blob URL that Node's Worker can't open (tensorflow/tfjs#3830). XNNPACK with one
 * thread gives them nothing to do, so while the backend starts, `Worker` makes objects that answer "loaded" and do nothing.
 */
async function withInertWorkers<Result>(start: () => Promise<Result>): Promise<Result> {
  const previous = Object.getOwnPropertyDescriptor(globalThis, 'Worker');
  Object.defineProperty(globalThis, 'Worker', { configurable: true, get: () => InertWorker, set: () => undefined });
  try {
    return await start();
  } finally {
    if (previous === undefined) Reflect.deleteProperty(globalThis, 'Worker');
    else Object.defineProperty(globalThis, 'Worker', previous);
  }
}

class InertWorker {
  onmessage: ((event: { data: { cmd: string } }) => void) | undefined;

  postMessage(message: { cmd?: string }): void {
    if (message.cmd === 'load') queueMicrotask(() => this.onmessage?.({ data: { cmd: 'loaded' } }));
  }

  on(): void {}
  ref(): void {}
  unref(): void {}
  terminate(): void {}
}

type Handler = (...parameters: unknown[]) => void;

const PROCESS_EVENTS = ['uncaughtException', 'unhandledRejection'] as const;

function processHandlers(): Map<string, Handler[]> {
  return new Map(PROCESS_EVENTS.map((event) => [event, process.listeners(event as never) as Handler[]]));
}

/**
 * The backend's Emscripten code adds process-wide handlers that rethrow every unhandled rejection with its own (minified) source printed
 * above the message; a library has no business doing that.
 */
function removeHandlersSince(before: Map<string, Handler[]>): void {
  for (const event of PROCESS_EVENTS) {
    for (const handler of process.listeners(event as never) as Handler[]) {
      if (!before.get(event)!.includes(handler)) process.removeListener(event, handler);
    }
  }
}
