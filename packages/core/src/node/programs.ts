// Runs other programs (pip, uv, npm, a compiler). They never start in the working folder of the user's: `python -m pip` would take a `pip` lying there for its own.

import { spawn, spawnSync } from 'node:child_process';
import { dirname } from 'node:path';
import { MissingDependencyError } from '../errors.ts';

/** A program with the arguments that always come first, for example `['python3', '-m', 'pip']`. */
export type Command = readonly [program: string, ...leadingArguments: string[]];

/** A folder whose contents came with Node. (This package's own folder can't be asked for: the CommonJS build has no `import.meta`.) */
const ownFolder = dirname(process.execPath);

/** Python from 3.11 on then leaves the working folder out of its search path altogether. */
const safeEnvironment = (): NodeJS.ProcessEnv => ({ ...process.env, PYTHONSAFEPATH: '1' });

/** What a short program did. */
export interface ProgramAnswer {
  readonly ok: boolean;
  /** Its standard output, without space around it. */
  readonly printed: string;
  /** Standard output and standard error. */
  readonly output: string;
}

const answers = new Map<string, ProgramAnswer>();

/** Runs a short program to its end and returns whether it succeeded and what it printed; asked twice, it answers from memory. */
export function tryRun(command: Command, args: readonly string[] = []): ProgramAnswer {
  const [program, ...leading] = command;
  const key = JSON.stringify([process.env.PATH, ...command, ...args]);
  const known = answers.get(key);
  if (known) return known;
  const result = spawnSync(program, [...leading, ...args], {
    encoding: 'utf8',
    timeout: 30_000,
    stdio: 'pipe',
    cwd: ownFolder,
    env: safeEnvironment(),
  });
  const printed = (result.stdout ?? '').trim();
  const answer = { ok: result.status === 0, printed, output: `${printed}\n${result.stderr ?? ''}`.trim() };
  answers.set(key, answer);
  return answer;
}

export interface RunProgramOptions {
  /** What it is run for, for the message: `downloading x`. */
  readonly what: string;
  readonly environment?: NodeJS.ProcessEnv;
  /** Working folder; one that we made. Default: this package's own. */
  readonly folder?: string;
}

/**
 * Runs a program without blocking and returns what it printed.
 * @throws MissingDependencyError with the end of its output when it fails.
 */
export async function runProgram(
  command: Command,
  args: readonly string[],
  { what, environment = {}, folder = ownFolder }: RunProgramOptions,
): Promise<string> {
  const [program, ...leading] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...leading, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...safeEnvironment(), ...environment },
      cwd: folder,
    });
    let output = '';
    let errors = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      errors = (errors + chunk.toString()).slice(-20_000);
    });
    const stop = () => child.kill();
    process.once('exit', stop);
    child.on('error', (error) => {
      process.removeListener('exit', stop);
      reject(new MissingDependencyError(`${what}: ${program} can't be run (${error.message})`, { cause: error }));
    });
    child.on('close', (status, signal) => {
      process.removeListener('exit', stop);
      if (status === 0) return resolve(output);
      const tail = `${errors}\n${output}`.trim().split('\n').filter(Boolean).slice(-8).join('\n');
      reject(new MissingDependencyError(`${what}: ${program} ended with ${signal ?? `status ${status}`}\n${tail}`));
    });
  });
}
