// For packages that bring an engine of their own: a tfjs backend whose programs it makes itself. Programs are still made by `createProgram`, so whatever is written
// over it needs to know nothing of the engine.
import type { Program, ProgramBatch, ProgramBatchConfig, ProgramConfig } from './program-interface.ts';

export { checkInputs, checkVariableValues, findEntryPoint, findVariable } from './values.ts';

/** Makes a program. The configuration was checked; `mode` is set. */
export type CreateEngineProgram = <Name extends string>(config: ProgramConfig<Name>) => Promise<Program<Name>>;

/** Opens a batch of programs. The configuration was checked. */
export type CreateEngineBatch = (config: ProgramBatchConfig) => ProgramBatch;

// In the process, not in this module: ES modules and CommonJS load it twice.
const KEY = Symbol.for('moe-rl.program-engines');
const BATCH_KEY = Symbol.for('moe-rl.program-batch-engines');
const shared = globalThis as { [KEY]?: Map<string, CreateEngineProgram>; [BATCH_KEY]?: Map<string, CreateEngineBatch> };
shared[KEY] ??= new Map();
shared[BATCH_KEY] ??= new Map();
const engines = shared[KEY];
const batchEngines = shared[BATCH_KEY];

/** Makes programs on the tfjs backend `backendName` by `create` from now on. */
export function registerProgramEngine(backendName: string, create: CreateEngineProgram): void {
  engines.set(backendName, create);
}

/** How programs are made on that backend; undefined when it brings no engine. */
export function programEngine(backendName: string): CreateEngineProgram | undefined {
  return engines.get(backendName);
}

/** Lets programs on the tfjs backend `backendName` run in batches that `create` opens. */
export function registerProgramBatchEngine(backendName: string, create: CreateEngineBatch): void {
  batchEngines.set(backendName, create);
}

/** How batches are opened on that backend; undefined when it runs one program at a time. */
export function programBatchEngine(backendName: string): CreateEngineBatch | undefined {
  return batchEngines.get(backendName);
}
export type { BindingValues } from './binding.ts';
