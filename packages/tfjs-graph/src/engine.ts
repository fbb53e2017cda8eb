// For packages that bring an engine of their own: a tfjs backend whose programs it makes itself. Programs are still made by `createProgram`, so whatever is written
// over it needs to know nothing of the engine.
import type { Program, ProgramConfig } from './program-interface.ts';

export { checkInputs, checkVariableValues, findEntryPoint, findVariable } from './values.ts';

/** Makes a program. The configuration was checked; `mode` is set. */
export type CreateEngineProgram = <Name extends string>(config: ProgramConfig<Name>) => Promise<Program<Name>>;

// In the process, not in this module: ES modules and CommonJS load it twice.
const KEY = Symbol.for('moe-rl.program-engines');
const shared = globalThis as { [KEY]?: Map<string, CreateEngineProgram> };
shared[KEY] ??= new Map();
const engines = shared[KEY];

/** Makes programs on the tfjs backend `backendName` by `create` from now on. */
export function registerProgramEngine(backendName: string, create: CreateEngineProgram): void {
  engines.set(backendName, create);
}

/** How programs are made on that backend; undefined when it brings no engine. */
export function programEngine(backendName: string): CreateEngineProgram | undefined {
  return engines.get(backendName);
}
