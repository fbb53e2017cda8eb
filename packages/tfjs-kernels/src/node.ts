// useWasmBackend(): the wasm backend under Node, ready to train.

import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { MissingDependencyError } from '@moe-rl/core';
import { backend, ready, setBackend } from '@tensorflow/tfjs-core';
import { requireTrainingOps } from './op-table.ts';
import { type RegistrationOutput, registerTrainingKernels } from './register.ts';
import { kernelModule } from './wasm/module.ts';

export interface WasmBackendOutput extends RegistrationOutput {
  /** Whether the kernels use relaxed SIMD's fused multiply-add (Node 21 and later): about 1.4 times faster. */
  readonly usesRelaxedSimd: boolean;
}

/**
 * Finds the wasm files of `@tensorflow/tfjs-backend-wasm`, registers the training kernels, makes `wasm` the current backend and checks that
 * it has every operation that training needs. Calling it again does no harm.
 * @throws MissingDependencyError when `@tensorflow/tfjs-backend-wasm` is not installed or does not start; MissingKernelError.
 */
export async function useWasmBackend(): Promise<WasmBackendOutput> {
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
  const wasm = require(entry) as { setWasmPaths(prefix: string): void };
  wasm.setWasmPaths(`${dirname(entry)}/`);
  const registration = registerTrainingKernels();
  const handlers = processHandlers();
  if (!(await setBackend('wasm'))) {
    throw new MissingDependencyError(`The wasm backend did not start (files in ${pathToFileURL(dirname(entry))})`);
  }
  await ready();
  removeHandlersSince(handlers);
  requireTrainingOps('wasm');
  return { ...registration, usesRelaxedSimd: kernelModule(backend()).usesRelaxedSimd };
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
