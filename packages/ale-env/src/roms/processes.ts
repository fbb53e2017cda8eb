// Runs a program to its end and collects what it says.
import { spawnSync } from 'node:child_process';

export interface RunOutput {
  /** Exit code; null when the program is not there or was stopped. */
  readonly status: number | null;
  /** Standard output. */
  readonly output: string;
  /** The line of standard error that names the error, with its cause where one is given, or else the last line. */
  readonly complaint: string;
}

export function run(program: string, args: readonly string[], timeoutMs = 30_000): RunOutput {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', timeout: timeoutMs });
  const lines = (stderr ?? '').split('\n').filter((line) => line.trim() !== '');
  // pip ends with remarks about its own updates; the error is the line that says so. uv puts what failed and why below it.
  const at = lines.findIndex((line) => /error/i.test(line));
  const causes = at < 0 ? [] : lines.slice(at + 1).filter((line) => /^\s*(cause|caused by):/i.test(line));
  const first = lines[at] ?? lines.at(-1) ?? error?.message ?? '';
  const complaint = [first, ...new Set([...causes.slice(0, 1), ...causes.slice(-1)])].map((line) => line.trim());
  return { status, output: stdout ?? '', complaint: complaint.join('; ') };
}
