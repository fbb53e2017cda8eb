// Runs the real program in a process of its own, from source or (MOE_RL_TEST_TARGET=dist) as built.
import { type ChildProcess, spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const command =
  process.env.MOE_RL_TEST_TARGET === 'dist'
    ? [join(here, '../../dist/bin.js')]
    : ['--conditions=@moe-rl/source', '--disable-warning=ExperimentalWarning', join(here, '../bin.ts')];

export interface CliResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface SpawnOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly uid?: number;
}

/** Starts the program. */
export function startCli(
  args: readonly string[],
  options: SpawnOptions = {},
): { child: ChildProcess; result: Promise<CliResult> } {
  const child = spawn(process.execPath, [...command, ...args], {
    ...options,
    env: { ...process.env, NODE_OPTIONS: '', npm_lifecycle_event: '', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout!.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr!.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const result = new Promise<CliResult>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return { child, result };
}

/** Runs the program to its end. */
export function runCli(args: readonly string[], options: SpawnOptions = {}): Promise<CliResult> {
  return startCli(args, options).result;
}
