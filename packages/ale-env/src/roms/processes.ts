// Runs a program to its end and collects what it says.
import { spawnSync } from 'node:child_process';

export interface RunOutput {
  /** Exit code; null when the program is not there or was stopped. */
  readonly status: number | null;
  /** Standard output. */
  readonly output: string;
  /** Last line of standard error that says something. */
  readonly complaint: string;
}

export function run(program: string, args: readonly string[], timeoutMs = 30_000): RunOutput {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', timeout: timeoutMs });
  const lines = (stderr ?? '').split('\n').filter((line) => line.trim() !== '');
  // pip ends with remarks about its own updates; the error is the line that says so.
  const complaint = lines.find((line) => /error/i.test(line)) ?? lines.at(-1) ?? error?.message ?? '';
  return { status, output: stdout ?? '', complaint: complaint.trim() };
}
