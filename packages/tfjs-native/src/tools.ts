// Finds and runs the programs that an installation needs: pip or uv, npm, a C++ compiler; and looks for an NVIDIA GPU.

import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { MissingDependencyError } from '@moe-rl/core';

/** A program with the arguments that always come first, for example `['python3', '-m', 'pip']`. */
export type Command = readonly [program: string, ...leadingArguments: string[]];

const answers = new Map<string, { ok: boolean; output: string }>();

/** Runs a short program to its end and returns whether it succeeded and what it printed; asked twice, it answers from memory. */
export function tryRun(command: Command, args: readonly string[] = []): { ok: boolean; output: string } {
  const [program, ...leading] = command;
  const key = [...command, ...args].join('\0');
  const known = answers.get(key);
  if (known) return known;
  const result = spawnSync(program, [...leading, ...args], { encoding: 'utf8', timeout: 30_000, stdio: 'pipe' });
  const answer = { ok: result.status === 0, output: `${result.stdout ?? ''}${result.stderr ?? ''}`.trim() };
  answers.set(key, answer);
  return answer;
}

/**
 * Runs a program without blocking.
 * @throws MissingDependencyError with the end of its output when it fails.
 */
export async function run(
  command: Command,
  args: readonly string[],
  { what, environment = {}, folder }: { what: string; environment?: NodeJS.ProcessEnv; folder?: string },
): Promise<string> {
  const [program, ...leading] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...leading, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
      ...(folder === undefined ? {} : { cwd: folder }),
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
      const tail = `${errors}\n${output}`.trim().split('\n').filter(Boolean).slice(-6).join('\n');
      reject(new MissingDependencyError(`${what}: ${program} ended with ${signal ?? `status ${status}`}\n${tail}`));
    });
  });
}

/** How Python wheels can be fetched here. */
export interface WheelTool {
  readonly kind: 'pip' | 'uv';
  readonly command: Command;
}

/** pip (through any Python on the path) or uv, whichever is found first; undefined when there is neither. */
export function findWheelTool(environment: NodeJS.ProcessEnv = process.env): WheelTool | undefined {
  const pips: Command[] = [
    ...(environment.PYTHON ? [[environment.PYTHON, '-m', 'pip'] as Command] : []),
    ['python3', '-m', 'pip'],
    ['python', '-m', 'pip'],
    ['pip3'],
    ['pip'],
  ];
  for (const command of pips) if (tryRun(command, ['--version']).ok) return { kind: 'pip', command };
  if (tryRun(['uv', '--version']).ok) return { kind: 'uv', command: ['uv'] };
  return undefined;
}

/** `$CXX`, c++, g++ or clang++, whichever is found first. */
export function findCompiler(environment: NodeJS.ProcessEnv = process.env): Command | undefined {
  const [program, ...leading] = environment.CXX?.split(' ').filter(Boolean) ?? [];
  const candidates: Command[] = [...(program ? [[program, ...leading] as Command] : []), ['c++'], ['g++'], ['clang++']];
  return candidates.find((command) => tryRun(command, ['--version']).ok);
}

/** npm: the one on the path, or the one beside the running Node. */
export function findNpm(): Command | undefined {
  const besideNode = join(dirname(process.execPath), '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js');
  const candidates: Command[] = [
    ...(process.env.npm_execpath?.endsWith('npm-cli.js')
      ? [[process.execPath, process.env.npm_execpath] as Command]
      : []),
    ['npm'],
    ...(existsSync(besideNode) ? [[process.execPath, besideNode] as Command] : []),
  ];
  return candidates.find((command) => tryRun(command, ['--version']).ok);
}

/** True when the NVIDIA driver shows a GPU. */
export function hasNvidiaGpu(): boolean {
  if (existsSync('/dev/nvidia0')) return true;
  const { ok, output } = tryRun(['nvidia-smi'], ['-L']);
  return ok && output.includes('GPU');
}
